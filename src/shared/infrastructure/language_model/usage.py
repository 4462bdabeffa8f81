"""What was spent on models, by tenant, day, purpose and model, in PostgreSQL."""

import logging
from collections.abc import Mapping, Sequence

import msgspec
import psycopg
from psycopg.rows import class_row
from psycopg_pool import PoolTimeout

from shared.application.context import current_context
from shared.application.language_model import (
    GetUsage,
    ModelUsage,
    UsageOfDay,
    UsageReport,
    UsageTotals,
)
from shared.domain.errors import Invalid
from shared.infrastructure.language_model.aside import Aside
from shared.infrastructure.postgres import Pool

logger = logging.getLogger(__name__)

MAX_DAYS = 366

_PATIENCE = 1.0
"""Seconds that an answer waits for its usage to be written; it is written all the same."""

_ADD = """
insert into language_model.usage as known
values (%s, (clock_timestamp() at time zone 'UTC')::date, %s, %s,
        %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (tenant, day, purpose, model) do update set
    calls = known.calls + excluded.calls,
    cached_calls = known.cached_calls + excluded.cached_calls,
    failed_calls = known.failed_calls + excluded.failed_calls,
    estimated_calls = known.estimated_calls + excluded.estimated_calls,
    unpriced_calls = known.unpriced_calls + excluded.unpriced_calls,
    input_tokens = known.input_tokens + excluded.input_tokens,
    output_tokens = known.output_tokens + excluded.output_tokens,
    cost = known.cost + excluded.cost
"""

_LIST = """
select day, purpose, model, calls, cached_calls, failed_calls, estimated_calls, unpriced_calls,
       input_tokens, output_tokens, cost::float8 as cost
from language_model.usage
where tenant = %s and day between %s and %s
order by day, purpose, model
"""


class Spent(msgspec.Struct, frozen=True):
    """One call of a model."""

    model: str
    usage: ModelUsage
    failed: bool = False


class Usage:
    def __init__(self, pool: Pool, prices: Mapping[str, tuple[float, float]]) -> None:
        """`prices`: by model, US dollars for a million tokens read, and written."""
        self._pool = pool
        self._prices = prices
        self._aside = Aside()

    def priced(self, model: str, usage: ModelUsage) -> ModelUsage:
        cost: float | None = None
        if (price := self._prices.get(model)) is not None:
            cost = (usage.input_tokens * price[0] + usage.output_tokens * price[1]) / 1e6
        return msgspec.structs.replace(usage, cost=cost)

    async def record(self, purpose: str, spent: Sequence[Spent]) -> None:
        """Never raise: an answer is worth more than its entry here, which is logged then."""
        if spent:
            tenant = current_context().tenant
            await self._aside.do(self._write(tenant, purpose, tuple(spent)), patience=_PATIENCE)

    async def report(self, query: GetUsage) -> UsageReport:
        """Raise Invalid for a time that is none, or too long."""
        days = (query.last - query.first).days + 1
        if days < 1:
            raise Invalid("to: is before from")
        if days > MAX_DAYS:
            raise Invalid(f"from and to: at most {MAX_DAYS} days are shown, not {days}")
        values = (current_context().tenant, query.first, query.last)
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(UsageOfDay)) as cursor,
        ):
            rows = await (await cursor.execute(_LIST, values)).fetchall()
        totals = UsageTotals(
            **{
                name: sum(getattr(row, name) for row in rows)
                for name in UsageTotals.__struct_fields__
            }
        )
        return UsageReport(first=query.first, last=query.last, days=tuple(rows), totals=totals)

    async def close(self) -> None:
        await self._aside.finished()

    async def _write(self, tenant: str, purpose: str, spent: Sequence[Spent]) -> None:
        try:
            async with self._pool.connection() as connection, connection.cursor() as cursor:
                await cursor.executemany(_ADD, [_row(tenant, purpose, each) for each in spent])
        except (psycopg.Error, PoolTimeout, OSError) as error:
            for each in spent:
                usage = msgspec.to_builtins(each.usage)
                logger.error(
                    "the usage of a model was not recorded",
                    extra={"purpose": purpose, "model": each.model, **usage, "error": repr(error)},
                )


def _row(tenant: str, purpose: str, spent: Spent) -> tuple[object, ...]:
    usage = spent.usage
    return (
        *(tenant, purpose, spent.model),
        *(1, int(usage.cached), int(spent.failed), int(usage.estimated), int(usage.cost is None)),
        *(usage.input_tokens, usage.output_tokens, usage.cost or 0.0),
    )
