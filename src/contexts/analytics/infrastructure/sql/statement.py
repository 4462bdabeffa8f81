"""A SELECT in the making: what it reads, what it keeps, and the steps that came before it."""

from collections.abc import Sequence

from sqlglot import exp

from contexts.analytics.infrastructure.sql.fields import Field
from contexts.analytics.infrastructure.sql.naming import Names
from contexts.analytics.infrastructure.sql.ordering import Key


class Statement:
    """Fields are computed from `source`, or reached by name once a step was closed over them."""

    def __init__(
        self,
        table: str,
        fields: Sequence[Field],
        where: Sequence[exp.Expr],
        *,
        aggregated: bool,
    ) -> None:
        self.reach = {field.name: field.value for field in fields}
        self._source: exp.Expr = exp.table_(table, quoted=True)
        self._joins: list[exp.Join] = []
        self._where = list(where)
        self._having: list[exp.Expr] = []
        self._groups = [field.value for field in fields if field.groups]
        self._aggregated = aggregated
        self._steps: list[tuple[str, exp.Select]] = []
        self._names = Names(table)

    def close(self, name: str) -> str:
        """Make all so far a step that is called `name`, or nearly so, and go on from its rows."""
        name = self._names.take(name)
        self._steps.append((name, self._select(list(self.reach))))
        self._source = exp.table_(name, quoted=True)
        self._joins, self._where, self._having, self._groups = [], [], [], []
        self._aggregated = False
        self.reach = {field: exp.column(field, quoted=True) for field in self.reach}
        return name

    def beside_itself(self, new: str, old: str, on: Sequence[exp.Expr]) -> None:
        """Read the last step twice, each row `new` beside the `old` one that it matches, if any."""
        again = exp.alias_(self._source.copy(), old, table=True, quoted=True)
        self._joins = [exp.Join(this=again, side="LEFT", on=exp.and_(*on))]
        self._source = exp.alias_(self._source, new, table=True, quoted=True)
        self.reach = {field: exp.column(field, table=new, quoted=True) for field in self.reach}

    def keep(self, condition: exp.Expr) -> None:
        """Groups, while it groups; else rows."""
        (self._having if self._aggregated else self._where).append(condition)

    def finished(self, shown: Sequence[str], order: Sequence[Key], limit: int | None) -> exp.Select:
        query = self._select(shown)
        keys = [
            exp.Ordered(
                this=self._in_order(key.name, shown), desc=key.descending or None, nulls_first=False
            )
            for key in order
        ]
        query = query.order_by(*keys) if keys else query
        query = query.limit(limit) if limit is not None else query
        for name, step in self._steps:
            query = query.with_(exp.to_identifier(name, quoted=True), as_=step)
        return query

    def _in_order(self, name: str, shown: Sequence[str]) -> exp.Expr:
        return exp.column(name, quoted=True) if name in shown else self.reach[name].copy()

    def _select(self, names: Sequence[str]) -> exp.Select:
        query = exp.select(*(named(self.reach[name].copy(), name) for name in names))
        query = query.from_(self._source)
        for join in self._joins:
            query.append("joins", join)
        if self._where:
            query = query.where(*self._where)
        if self._groups:
            query = query.group_by(*(each.copy() for each in self._groups))
        return query.having(*self._having) if self._having else query


def named(value: exp.Expr, name: str) -> exp.Expr:
    """`AS` only where it says something."""
    if isinstance(value, exp.Column) and value.name == name:
        return value
    return exp.alias_(value, name, quoted=True)
