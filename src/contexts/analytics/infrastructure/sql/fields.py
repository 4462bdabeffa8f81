"""What a spec computes: its dimensions and measures as fields, shown or for order alone."""

import msgspec
from sqlglot import exp

from contexts.analytics.application.ports import SpecInvalid
from contexts.analytics.domain.answer import Output
from contexts.analytics.domain.query_spec import Dimension, Measure, QuerySpec
from contexts.analytics.domain.relation import ColumnType, Relation
from contexts.analytics.infrastructure.sql.grains import (
    NAMED,
    PARTS,
    TRUNCATING,
    check_grain,
    part,
    part_name,
    truncated,
)
from contexts.analytics.infrastructure.sql.measures import (
    aggregate,
    check_measure,
    is_additive,
    rate,
    running_total,
    share,
    type_of,
    unit_of,
)
from contexts.analytics.infrastructure.sql.naming import (
    Names,
    dimension_name,
    dimension_title,
    measure_name,
    measure_title,
)
from contexts.analytics.infrastructure.sql.values import NUMBERS, column_of, number, reference


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """`value` computes it from the rows of the table. Without an `output` it is not shown."""

    name: str
    value: exp.Expr
    output: Output | None = None
    groups: bool = False


class Fields:
    """The fields of a spec. Names are taken in the order in which they are shown."""

    def __init__(self, spec: QuerySpec, relation: Relation) -> None:
        """Raise SpecInvalid for whatever makes no sense in a dimension or a measure."""
        self.names = Names()
        self._titles = Names(longest=200, tail=" ({})")
        self.compared: dict[str, dict[str, Output]] = {}
        self._relation = relation
        self._spec = spec
        self.measured: list[tuple[Measure, Field]] = []
        self._columns: dict[str, Field] = {}
        self._grouped = bool(spec.measures) or spec.distinct
        self.dimensions = [self._dimension(each) for each in spec.dimensions]
        self.measures = [self._measure(each, shown=True) for each in spec.measures]
        self.sorted_by = [
            self._sort_key(given, field)
            for given, field in zip(spec.dimensions, self.dimensions, strict=True)
        ]

    @property
    def all(self) -> list[Field]:
        keys = [each for each in self.sorted_by if each not in self.dimensions]
        hidden = [field for _, field in self.measured if field not in self.measures]
        return [*self.dimensions, *self.measures, *keys, *hidden, *self._columns.values()]

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What is shown, in order; after each measure what a comparison tells of it."""
        found = []
        for field in (*self.dimensions, *self.measures):
            assert field.output is not None
            found += [field.output, *self.compared.get(field.name, {}).values()]
        return tuple(found)

    def of(self, measure: Measure) -> Field:
        """The field of that measure; one that is not shown, if need be."""
        known = (field for given, field in self.measured if given == measure)
        return next(known, None) or self._measure(measure, shown=False)

    def of_column(self, name: str) -> Field:
        """A field of that column, in a list of rows."""
        if name not in self._columns:
            column = column_of(self._relation, name)
            self._columns[name] = Field(
                name=self.names.take(f"{name}_order"), value=reference(column)
            )
        return self._columns[name]

    def titled(self, output: Output) -> Output:
        """The same under a title that no other has."""
        return msgspec.structs.replace(output, title=self._titles.take(output.title))

    def _dimension(self, given: Dimension) -> Field:
        column = column_of(self._relation, given.column)
        value: exp.Expr = reference(column)
        kind: ColumnType = column.type
        if given.grain is not None and given.width is not None:
            raise SpecInvalid(f"{given.column!r} has a grain and a width: leave out one")
        if given.grain is not None:
            check_grain(column, given.grain)
            if given.grain in TRUNCATING:
                value = truncated(value, given.grain, column.type)
                kind = "timestamp" if given.grain == "hour" else "date"
            elif given.grain in NAMED:
                value, kind = part_name(value, given.grain), "text"
            else:
                value, kind = part(value, given.grain), "integer"
        if given.width is not None:
            if column.type not in NUMBERS:
                raise SpecInvalid(
                    f"{given.column!r} holds {column.type}, which has no ranges; use a grain"
                )
            if not 0 < given.width < float("inf"):
                raise SpecInvalid(f"a range is wider than 0, not {given.width}")
            value = _lower_end(value, given.width)
            kind = column.type if float(given.width).is_integer() else "decimal"
        output = Output(
            name=self.names.take(dimension_name(given)),
            title=dimension_title(given, self._relation),
            type=kind,
            kind="dimension",
            grain=given.grain,
            unit=column.unit if kind in NUMBERS and given.grain is None else None,
        )
        output = self.titled(output)
        return Field(name=output.name, value=value, output=output, groups=self._grouped)

    def _sort_key(self, given: Dimension, field: Field) -> Field:
        """Names of days and months are sorted by their numbers."""
        if given.grain is None or given.grain not in NAMED:
            return field
        column = reference(column_of(self._relation, given.column))
        return Field(
            name=self.names.take(f"{field.name}_number"),
            value=part(column, given.grain),
            groups=self._grouped,
        )

    def _measure(self, given: Measure, *, shown: bool) -> Field:
        check_measure(given, self._relation)
        output = Output(
            name=self.names.take(measure_name(given)),
            title=measure_title(given, self._relation),
            type=type_of(given, self._relation),
            kind="measure",
            unit=unit_of(given, self._relation),
            shown_as=given.shown_as,
            additive=is_additive(given),
        )
        output = self.titled(output) if shown else output
        if self._spec.comparison is not None:
            if given.shown_as != "value":
                raise SpecInvalid(
                    f"a comparison shows values, not a {given.shown_as}; leave out one"
                )
            if output.type not in NUMBERS:
                raise SpecInvalid(f"a comparison needs numbers, not {output.type}; use a count")
            self.compared[output.name] = self._compared(output, shown=shown)
        field = Field(name=output.name, value=self._value(given), output=output if shown else None)
        self.measured.append((given, field))
        return field

    def _compared(self, output: Output, *, shown: bool) -> dict[str, Output]:
        before = "a year before" if self._spec.comparison == "previous_year" else "before"
        titles = {
            "previous": f"{output.title}, {before}",
            "change": f"{output.title}, change",
            "change_share": f"{output.title}, relative change",
        }
        found = {}
        for kind, title in titles.items():
            derived = msgspec.structs.replace(
                output,
                name=self.names.take(f"{output.name}_{kind}"),
                title=title,
                shown_as=kind,
                additive=output.additive and kind == "previous",
            )
            if kind == "change_share":
                derived = msgspec.structs.replace(derived, type="decimal", unit=None)
            found[kind] = self.titled(derived) if shown else derived
        return found

    def _value(self, given: Measure) -> exp.Expr:
        if given.shown_as == "share":
            return share(given, self._relation, grouped=bool(self._spec.dimensions))
        if given.shown_as == "rate":
            return rate(given, self._relation)
        if given.shown_as == "value":
            return aggregate(given, self._relation)
        if not self._spec.dimensions:
            raise SpecInvalid("a running total runs along a dimension, and there is none")
        first, *others = self._spec.dimensions
        along = self.dimensions[0].value
        if first.grain is not None and first.grain in NAMED:
            along = part(reference(column_of(self._relation, first.column)), first.grain)
        within = [field.value for field in self.dimensions[1 : len(others) + 1]]
        return running_total(given, self._relation, along, within)


def is_calendar(given: Dimension, kind: ColumnType) -> bool:
    """Whether its values come one after another, as times and ranges do."""
    in_order = given.grain in TRUNCATING or given.grain in PARTS or given.width is not None
    return in_order or kind in ("date", "timestamp", "time")


def _lower_end(value: exp.Expr, width: float) -> exp.Expr:
    size = number(width)
    exact = exp.cast(value, "decimal", dialect="postgres")
    count = exp.Floor(this=exp.Div(this=exact, expression=size))
    return exp.Mul(this=count, expression=size.copy())
