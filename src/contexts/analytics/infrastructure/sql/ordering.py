"""In which order results come: as asked, else as people expect, and always the same."""

import msgspec

from contexts.analytics.application.ports import SpecInvalid
from contexts.analytics.domain.query_spec import Order, QuerySpec
from contexts.analytics.infrastructure.sql.fields import Fields, is_calendar


class Key(msgspec.Struct, frozen=True):
    """The field that is sorted by. What has no value comes last either way."""

    name: str
    descending: bool = False


def ordering(spec: QuerySpec, fields: Fields) -> list[Key]:
    """Times and ranges as they follow one another, then the greatest first.

    Groups that are equal in what was asked come in the order of their dimensions; a list of rows
    that nobody wants sorted is left as the table has it. The best of each group stand together.
    """
    keys = [_asked(each, spec, fields) for each in spec.order]
    if not keys and (spec.measures or spec.distinct):
        keys = _expected(spec, fields)
    if spec.limit_per is not None:
        group = fields.sorted_by[spec.limit_per].name
        own = [key for key in keys if key.name == group] or [Key(group)]
        keys = [own[0], *keys]
    if keys:
        keys += [Key(each.name) for each in fields.sorted_by]
    found: dict[str, Key] = {}
    for key in keys:
        found.setdefault(key.name, key)
    return list(found.values())


def _asked(given: Order, spec: QuerySpec, fields: Fields) -> Key:
    ways = [given.output is not None, given.measure is not None, given.column is not None]
    if sum(ways) != 1:
        raise SpecInvalid("an order names one of output, measure and column")
    if given.column is not None:
        if spec.measures or spec.distinct:
            raise SpecInvalid(
                f"groups can't be sorted by the column {given.column!r}: name an output or a "
                "measure"
            )
        return Key(fields.of_column(given.column).name, given.descending)
    if given.measure is not None:
        if not spec.measures:
            raise SpecInvalid("a list of rows has no measure to be sorted by; name a column")
        return Key(_shown(fields.of(given.measure).name, given, fields), given.descending)
    assert given.output is not None
    shown = [*fields.sorted_by, *fields.measures]
    if not 0 <= given.output < len(shown):
        raise SpecInvalid(
            f"there is no output {given.output}; they are counted from 0 to {len(shown) - 1}"
        )
    name = shown[given.output].name
    if given.output >= len(fields.sorted_by):
        name = _shown(name, given, fields)
    elif given.shown_as != "value":
        raise SpecInvalid(f"output {given.output} is a dimension and has no {given.shown_as}")
    return Key(name, given.descending)


def _shown(name: str, given: Order, fields: Fields) -> str:
    if given.shown_as == "value":
        return name
    if name not in fields.compared:
        raise SpecInvalid(f"without a comparison there is no {given.shown_as} to be sorted by")
    return fields.compared[name][given.shown_as].name


def _expected(spec: QuerySpec, fields: Fields) -> list[Key]:
    calendar: list[Key] = []
    others: list[Key] = []
    for given, field, key in zip(spec.dimensions, fields.dimensions, fields.sorted_by, strict=True):
        assert field.output is not None
        (calendar if is_calendar(given, field.output.type) else others).append(Key(key.name))
    greatest = [Key(fields.measures[0].name, descending=True)] if spec.measures else []
    return [*calendar, *greatest, *others] if others else calendar
