"""What the names in a statement stand for: its tables and columns, and nothing else there is."""

from collections.abc import Mapping, Set

from sqlglot import exp

from contexts.analytics.application.ports import QueryRefused

Columns = Set[str]
Sources = Mapping[str, Columns]


class Scopes:
    """Follows every query of a statement, from the inside out.

    A name that PostgreSQL would find elsewhere (in the catalogues, in a later CTE) is refused: only
    what was given or made before is known.
    """

    def __init__(self, tables: Sources, schema: str | None) -> None:
        self._tables = tables
        self._schema = schema

    def check(self, root: exp.Query) -> None:
        """Raise QueryRefused at the first name that stands for nothing."""
        known: dict[str, Columns] = {}
        with_ = root.args.get("with_")
        for cte in with_.expressions if with_ is not None else ():
            if cte.alias in known or cte.alias in self._tables or cte.alias.startswith("pg_"):
                raise QueryRefused(f"the name {cte.alias!r} is taken: call that CTE otherwise")
            known[cte.alias] = self._outputs(cte.this, {}, known)
        self._outputs(root, {}, known)

    def _outputs(self, query: exp.Expr, outer: Sources, known: Sources) -> Columns:
        """The columns that come out of `query`, in which those of `outer` may be named."""
        if isinstance(query, exp.SetOperation):
            names = self._outputs(query.this, outer, known)
            self._outputs(query.expression, outer, known)
            self._check_columns(query, {"": names}, known, beside=(query.this, query.expression))
            return names
        if isinstance(query, exp.Subquery):
            return self._outputs(query.this, outer, known)
        if not isinstance(query, exp.Select):
            raise QueryRefused(f"{type(query).__name__} is not let through; write a SELECT")
        sources, read = self._sources(query, outer, known)
        visible = {**outer, **sources}
        shown: set[str] = set()
        for each in query.expressions:
            if each.is_star:
                named = each.args.get("table")
                shown |= _all(sources if named is None else {"": visible.get(named.name, set())})
            else:
                shown.add(each.alias_or_name)
        self._check_columns(query, visible, known, beside=read, shown=shown)
        return shown

    def _sources(
        self, query: exp.Select, outer: Sources, known: Sources
    ) -> tuple[dict[str, Columns], tuple[exp.Expr, ...]]:
        """What is read, by the name that it has here; and those of it that are queries."""
        from_ = query.args.get("from_")
        items = [] if from_ is None else [from_.this]
        items += [join.this for join in query.args.get("joins") or ()]
        sources: dict[str, Columns] = {}
        queries = []
        for item in items:
            if isinstance(item, exp.Table):
                columns = self._table(item, known)
            else:
                columns = self._outputs(item, {}, known)
                queries.append(item)
            name = item.alias_or_name
            if not name or name in sources:
                raise QueryRefused(f"{name!r} is read twice: give each its own name with AS")
            sources[name] = columns
        return sources, tuple(queries)

    def _table(self, table: exp.Table, known: Sources) -> Columns:
        name, schema = table.name, table.db
        if schema and schema != self._schema:
            raise QueryRefused(f"there is no schema {schema!r} here")
        if not schema and name in known:
            return known[name]
        if name not in self._tables or (name.startswith("pg_") and self._schema is None):
            raise QueryRefused(f"there is no table {name!r} here")
        if name.startswith("pg_"):
            # Unqualified, PostgreSQL would look among its own tables first.
            table.set("db", exp.to_identifier(self._schema, quoted=True))
        return self._tables[name]

    def _check_columns(
        self,
        query: exp.Expr,
        visible: Sources,
        known: Sources,
        *,
        beside: tuple[exp.Expr, ...],
        shown: Columns = frozenset(),
    ) -> None:
        """Those that stand in `query` itself; `shown` may be named by its ORDER BY and GROUP BY."""
        with_ = query.args.get("with_")

        def is_other(node: exp.Expr) -> bool:
            return node is with_ or (node is not query and isinstance(node, exp.Query))

        for node in query.walk(prune=is_other):
            if node is not query and isinstance(node, exp.Query):
                if not any(node is each for each in beside):
                    self._outputs(node, visible, known)
            elif isinstance(node, exp.Column):
                _check_column(node, visible, shown)


def _check_column(column: exp.Column, visible: Sources, shown: Columns) -> None:
    table = column.table
    if table and table not in visible:
        raise QueryRefused(f"there is no table {table!r} here")
    if isinstance(column.this, exp.Star):
        return
    if column.name in (visible[table] if table else _all(visible)):
        return
    if not table and column.name in shown and column.find_ancestor(exp.Order, exp.Group):
        return
    raise QueryRefused(f"there is no column {column.name!r} in what is read")


def _all(sources: Sources) -> set[str]:
    return {name for columns in sources.values() for name in columns}
