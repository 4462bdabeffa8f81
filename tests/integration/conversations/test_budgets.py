"""What callers may use in a day, counted exactly on a real database however many count at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest

from contexts.conversations.application.chatting import GetAllowance
from contexts.conversations.application.ports import Allowance, BudgetSpent
from contexts.conversations.domain.run import RunId
from contexts.conversations.infrastructure.budgets import KEPT_DAYS, PostgresBudgets
from listings import database_down
from servers import Urls
from shared.application.context import Context, running_in
from shared.application.personal import NOBODY
from shared.infrastructure.postgres import Pool
from shared.infrastructure.postgres import pool as make_pool
from shared.presentation.problems import AWAY

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 5, 5, tzinfo=UTC)


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    pool = make_pool(database, name="marquee-test", size=8, statement_seconds=15, connect_seconds=2)
    await pool.open(wait=True, timeout=60)
    yield pool
    await pool.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budgets(pool: Pool, clock: Clock) -> PostgresBudgets:
    return PostgresBudgets(pool, clock, messages_per_day=10, tokens_per_day=1_000)


@pytest.fixture
def owner() -> UUID:
    return uuid4()


def run(number: int = 1) -> RunId:
    return RunId(UUID(int=7), number)


async def test_of_many_at_once_as_many_get_a_message_as_there_are(
    pool: Pool, budgets: PostgresBudgets, clock: Clock, owner: UUID
) -> None:
    elsewhere = PostgresBudgets(pool, clock, messages_per_day=10, tokens_per_day=1_000)
    takers = [each.take_message(owner) for each in (budgets, elsewhere) * 8]
    taken = await asyncio.gather(*takers, return_exceptions=True)
    assert [type(each) for each in taken if each is not None] == [BudgetSpent] * 6
    assert (await budgets.allowance(owner)).messages_used == 10


async def test_of_many_at_once_no_more_tokens_are_set_aside_than_there_are(
    budgets: PostgresBudgets, owner: UUID
) -> None:
    takers = [budgets.reserve(owner, run(n), 100) for n in range(1, 17)]
    taken = await asyncio.gather(*takers, return_exceptions=True)
    assert [type(each) for each in taken if each is not None] == [BudgetSpent] * 6
    assert (await budgets.allowance(owner)).tokens_reserved == 1_000


async def test_a_message_that_was_not_taken_in_is_there_again(
    budgets: PostgresBudgets, owner: UUID
) -> None:
    for _ in range(10):
        await budgets.take_message(owner)
    await budgets.give_message_back(owner)
    await budgets.take_message(owner)
    with pytest.raises(BudgetSpent):
        await budgets.take_message(owner)


async def test_nothing_is_given_back_that_was_not_taken(
    budgets: PostgresBudgets, owner: UUID
) -> None:
    await budgets.give_message_back(owner)
    await budgets.take_message(owner)
    await budgets.give_message_back(owner)
    await budgets.give_message_back(owner)
    assert (await budgets.allowance(owner)).messages_used == 0


async def test_what_a_call_took_counts_and_the_rest_is_free_again(
    budgets: PostgresBudgets, owner: UUID
) -> None:
    await budgets.reserve(owner, run(), 900)
    with pytest.raises(BudgetSpent):
        await budgets.reserve(owner, run(2), 101)
    await budgets.settle(owner, run(), 300)
    await budgets.reserve(owner, run(2), 700)
    left = await budgets.allowance(owner)
    assert (left.tokens_used, left.tokens_reserved) == (300, 700)


async def test_a_call_may_take_more_than_was_set_aside_and_it_counts(
    budgets: PostgresBudgets, owner: UUID
) -> None:
    await budgets.reserve(owner, run(), 900)
    await budgets.settle(owner, run(), 1_200)
    with pytest.raises(BudgetSpent):
        await budgets.reserve(owner, run(), 1)
    with pytest.raises(BudgetSpent):
        await budgets.take_message(owner)
    assert (await budgets.allowance(owner)).messages_used == 0


async def test_who_takes_a_run_over_has_what_its_lost_worker_had_set_aside(
    budgets: PostgresBudgets, owner: UUID
) -> None:
    await budgets.reserve(owner, run(), 900)
    await budgets.reserve(owner, run(), 950)
    assert (await budgets.allowance(owner)).tokens_reserved == 950
    with pytest.raises(BudgetSpent):
        await budgets.reserve(owner, run(), 1_001)
    assert (await budgets.allowance(owner)).tokens_reserved == 0


async def test_two_workers_at_one_run_wait_for_each_other_and_do_not_lock_each_other_out(
    budgets: PostgresBudgets, owner: UUID
) -> None:
    both = [
        each
        for _ in range(20)
        for each in (budgets.reserve(owner, run(), 10), budgets.settle(owner, run(), 1))
    ]
    await asyncio.gather(*both)
    assert (await budgets.allowance(owner)).tokens_used == 20


async def test_midnight_gives_all_of_it_anew(
    budgets: PostgresBudgets, clock: Clock, owner: UUID
) -> None:
    clock.now = MIDNIGHT - timedelta(seconds=90.5)
    await budgets.reserve(owner, run(), 1_000)
    for _ in range(10):
        await budgets.take_message(owner)
    with pytest.raises(BudgetSpent, match="2026-05-05 00:00 UTC") as spent:
        await budgets.take_message(owner)
    assert (spent.value.retry_after, spent.value.code) == (91, "conversations.budget_spent")
    clock.now = MIDNIGHT
    await budgets.take_message(owner)
    # What was set aside yesterday keeps nobody from anything today.
    await budgets.reserve(owner, run(2), 1_000)
    await budgets.settle(owner, run(), 5)
    left = await budgets.allowance(owner)
    assert (left.messages_used, left.tokens_used, left.tokens_reserved) == (1, 5, 1_000)
    assert left.resets_at == MIDNIGHT + timedelta(days=1)


async def test_a_day_is_one_of_utc_wherever_the_clock_is(
    budgets: PostgresBudgets, clock: Clock, owner: UUID
) -> None:
    clock.now = datetime(2026, 5, 5, 1, tzinfo=ZoneInfo("Europe/Madrid"))
    assert (await budgets.allowance(owner)).resets_at == MIDNIGHT


async def test_a_limit_of_nothing_is_none(pool: Pool, clock: Clock, owner: UUID) -> None:
    budgets = PostgresBudgets(pool, clock, messages_per_day=0, tokens_per_day=0)
    for _ in range(12):
        await budgets.take_message(owner)
    await budgets.reserve(owner, run(), 5_000_000_000)
    await budgets.settle(owner, run(), 4_000_000_000)
    assert await budgets.allowance(owner) == Allowance(
        messages_limit=None,
        messages_used=12,
        tokens_limit=None,
        tokens_used=4_000_000_000,
        tokens_reserved=0,
        resets_at=MIDNIGHT,
    )


async def test_callers_and_tenants_have_budgets_of_their_own(
    budgets: PostgresBudgets, owner: UUID
) -> None:
    await budgets.reserve(owner, run(), 1_000)
    await budgets.reserve(uuid4(), run(), 1_000)
    with running_in(Context(correlation_id="c", tenant="other")):
        await budgets.reserve(owner, run(), 1_000)
        await budgets.take_message(owner)
        await budgets.forget(owner)
    left = await budgets.allowance(owner)
    assert (left.messages_used, left.tokens_reserved) == (0, 1_000)


async def test_whoever_is_unknown_has_all_of_it(budgets: PostgresBudgets) -> None:
    assert await budgets.get_allowance(GetAllowance(NOBODY)) == Allowance(
        messages_limit=10,
        messages_used=0,
        tokens_limit=1_000,
        tokens_used=0,
        tokens_reserved=0,
        resets_at=MIDNIGHT,
    )


async def test_of_whoever_is_forgotten_nothing_is_left(
    budgets: PostgresBudgets, clock: Clock, owner: UUID, database: str
) -> None:
    other = uuid4()
    for who in (owner, other):
        clock.now = NOON
        await budgets.take_message(who)
        await budgets.reserve(who, run(), 10)
        clock.now = MIDNIGHT
        await budgets.take_message(who)
    await budgets.forget(owner)
    assert _subjects(database) == {other}
    await budgets.forget(owner)


async def test_what_was_used_long_ago_is_swept(
    budgets: PostgresBudgets, clock: Clock, database: str
) -> None:
    old, kept = uuid4(), uuid4()
    for who, days in ((old, KEPT_DAYS + 1), (kept, KEPT_DAYS)):
        clock.now = NOON - timedelta(days=days)
        await budgets.take_message(who)
        await budgets.reserve(who, run(), 10)
    clock.now = NOON
    await budgets.sweep()
    assert _subjects(database) == {kept}


async def test_a_database_that_is_away_is_no_spent_budget(
    budgets: PostgresBudgets, owner: UUID, servers: Urls, database: str
) -> None:
    with database_down(servers.database, database):
        for asked in (
            budgets.take_message(owner),
            budgets.reserve(owner, run(), 1),
            budgets.allowance(owner),
        ):
            with pytest.raises(AWAY):
                await asked

    async def taken() -> None:
        while True:
            with suppress(*AWAY):
                return await budgets.take_message(owner)

    await asyncio.wait_for(taken(), 60)


def _subjects(database: str) -> set[UUID]:
    with psycopg.connect(database) as connection:
        return {
            id
            for table in (b"budgets", b"reservations")
            for (id,) in connection.execute(b"select subject from conversations." + table)
        }
