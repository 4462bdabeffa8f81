"""The values that text columns hold, as planners look words up in them."""

from collections.abc import Sequence

from psycopg import sql

from contexts.analytics.domain.relation import Column, ColumnValues, Relation
from shared.infrastructure.postgres import Pool, however_long_it_takes

MOST = 5_000
"""Values that are kept of a column."""

LONGEST = 200
"""Characters; longer ones are prose, and nobody asks for them word by word."""

_TOO_MANY = 100_000
_SAMPLED = 200_000

_VALUES = """
select case when length({column}) <= {longest} then {column} end as value, count(*)
from {source} where {column} is not null group by 1 order by 2 desc, 1 limit {limit}
"""


async def values_of(pool: Pool, relation: Relation) -> Sequence[ColumnValues]:
    """One for each text column, the most frequent values first.

    Of a column with more than 100,000 of them, those of the first 200,000 rows are looked at.
    """
    found = []
    async with pool.connection() as connection:
        with however_long_it_takes(connection):
            async with connection.transaction():
                await connection.execute("set local statement_timeout = 0")
                for column in relation.columns:
                    if column.type == "text":
                        cursor = await connection.execute(_query(relation, column))
                        rows = await cursor.fetchall()
                        found.append(_of(column, [value for value, _ in rows]))
    return found


def _query(relation: Relation, column: Column) -> sql.Composed:
    name = sql.Identifier(column.name)
    source: sql.Composable = sql.Identifier(relation.schema, relation.table)
    if column.distinct > _TOO_MANY:
        source = sql.SQL("(select {} from {} limit {}) as part").format(name, source, _SAMPLED)
    # One more would be too many; one may stand for all that are too long.
    return sql.SQL(_VALUES).format(column=name, source=source, longest=LONGEST, limit=MOST + 2)


def _of(column: Column, values: Sequence[str | None]) -> ColumnValues:
    short = tuple(value for value in values if value is not None)
    complete = len(values) == len(short) <= MOST and column.distinct <= _TOO_MANY
    return ColumnValues(column.name, short[:MOST], complete)
