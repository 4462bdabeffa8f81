"""How many messages and tokens each caller has used today, and what is left of them."""

from datetime import UTC, date, datetime, time, timedelta
from math import ceil
from uuid import UUID

from contexts.conversations.application.chatting import GetAllowance
from contexts.conversations.application.ports import Allowance, BudgetSpent, Clock
from contexts.conversations.domain.run import RunId
from shared.application.context import current_context
from shared.infrastructure.postgres import Pool

KEPT_DAYS = 40
"""What was used is forgotten after so many days."""

# Also where there is a row already: it is locked, until its transaction ends, for all who count.
_LOCK = """
insert into conversations.budgets as known (tenant, subject, day)
values (%(tenant)s, %(subject)s, %(day)s)
on conflict (tenant, subject, day) do update set messages = known.messages
returning tokens
"""
_TAKE_MESSAGE = """
insert into conversations.budgets as known (tenant, subject, day, messages)
values (%(tenant)s, %(subject)s, %(day)s, 1)
on conflict (tenant, subject, day) do update set messages = known.messages + 1
where (%(messages)s::bigint is null or known.messages < %(messages)s)
  and (%(tokens)s::bigint is null or known.tokens < %(tokens)s)
"""
_GIVE_MESSAGE_BACK = """
update conversations.budgets set messages = messages - 1
where tenant = %(tenant)s and subject = %(subject)s and day = %(day)s and messages > 0
"""
_USE = """
insert into conversations.budgets as known (tenant, subject, day, tokens)
values (%(tenant)s, %(subject)s, %(day)s, %(tokens)s)
on conflict (tenant, subject, day) do update set tokens = known.tokens + excluded.tokens
"""
_RESERVE = """
insert into conversations.reservations (tenant, subject, run, day, tokens)
select %(tenant)s, %(subject)s, %(run)s, %(day)s, %(tokens)s
where %(most)s::bigint is null or %(most)s >= %(tokens)s
    + (select tokens from conversations.budgets
       where tenant = %(tenant)s and subject = %(subject)s and day = %(day)s)
    + (select coalesce(sum(tokens), 0) from conversations.reservations
       where tenant = %(tenant)s and subject = %(subject)s and day = %(day)s)
"""
_FREE = """
delete from conversations.reservations
where tenant = %(tenant)s and subject = %(subject)s and run = %(run)s
"""
_RESERVED = """
select coalesce(sum(tokens), 0)::bigint from conversations.reservations
where tenant = %(tenant)s and subject = %(subject)s and day = %(day)s
"""
_USED = """
select messages, tokens from conversations.budgets
where tenant = %(tenant)s and subject = %(subject)s and day = %(day)s
"""
_FORGET = (
    "delete from conversations.budgets where tenant = %(tenant)s and subject = %(subject)s",
    "delete from conversations.reservations where tenant = %(tenant)s and subject = %(subject)s",
)
_SWEEP = (
    "delete from conversations.budgets where day < %s",
    "delete from conversations.reservations where day < %s",
)


class PostgresBudgets:
    """Of all processes on one database."""

    def __init__(
        self, pool: Pool, clock: Clock, *, messages_per_day: int, tokens_per_day: int
    ) -> None:
        """0 is any number."""
        self._pool = pool
        self._clock = clock
        self._messages = messages_per_day or None
        self._tokens = tokens_per_day or None

    async def take_message(self, owner: UUID) -> None:
        limits = {"messages": self._messages, "tokens": self._tokens}
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_TAKE_MESSAGE, {**self._today(owner), **limits})
        if cursor.rowcount == 0:
            raise self._spent()

    async def give_message_back(self, owner: UUID) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(_GIVE_MESSAGE_BACK, self._today(owner))

    async def reserve(self, owner: UUID, run: RunId, tokens: int) -> None:
        values = {**self._today(owner), "run": str(run), "tokens": tokens, "most": self._tokens}
        # In a pipeline it takes one round trip; each statement still sees what the lock waited for.
        async with (
            self._pool.connection() as connection,
            connection.pipeline(),
            connection.transaction(),
        ):
            await connection.execute(_LOCK, values)
            await connection.execute(_FREE, values)
            reserved = await connection.execute(_RESERVE, values)
        if reserved.rowcount == 0:
            raise self._spent()

    async def settle(self, owner: UUID, run: RunId, tokens: int) -> None:
        values = {**self._today(owner), "run": str(run), "tokens": tokens}
        async with (
            self._pool.connection() as connection,
            connection.pipeline(),
            connection.transaction(),
        ):
            await connection.execute(_USE, values)
            await connection.execute(_FREE, values)

    async def allowance(self, owner: UUID) -> Allowance:
        today = self._today(owner)
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_USED, today)).fetchone()
            ((reserved,),) = await (await connection.execute(_RESERVED, today)).fetchall()
        messages, tokens = row or (0, 0)
        return Allowance(
            messages_limit=self._messages,
            messages_used=messages,
            tokens_limit=self._tokens,
            tokens_used=tokens,
            tokens_reserved=reserved,
            resets_at=self._tomorrow(),
        )

    async def get_allowance(self, query: GetAllowance) -> Allowance:
        return await self.allowance(query.owner)

    async def forget(self, owner: UUID) -> None:
        """All that was counted for somebody, on any day."""
        async with self._pool.connection() as connection, connection.transaction():
            for statement in _FORGET:
                await connection.execute(statement, self._today(owner))

    async def sweep(self) -> None:
        """Forget what was counted long ago, for whomever."""
        oldest = self._day() - timedelta(days=KEPT_DAYS)
        async with self._pool.connection() as connection:
            for statement in _SWEEP:
                await connection.execute(statement, (oldest,))

    def _today(self, owner: UUID) -> dict[str, object]:
        return {"tenant": current_context().tenant, "subject": owner, "day": self._day()}

    def _day(self) -> date:
        return self._clock().astimezone(UTC).date()

    def _tomorrow(self) -> datetime:
        return datetime.combine(self._day() + timedelta(days=1), time(), UTC)

    def _spent(self) -> BudgetSpent:
        tomorrow = self._tomorrow()
        return BudgetSpent(
            "the messages or the tokens of today are used up; there are new ones from "
            f"{tomorrow:%Y-%m-%d %H:%M} UTC, and GET /usage shows what is left",
            max(1, ceil((tomorrow - self._clock()).total_seconds())),
        )
