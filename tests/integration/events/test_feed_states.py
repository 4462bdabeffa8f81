"""What is remembered of a feed between two runs: who has it, how it went, when it is due again."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootstrap import Application
from conftest import caught_up
from contexts.events.application.ports import Outcome, Provider, Validators
from contexts.events.application.queries import ListProviders, ProviderListed
from contexts.events.domain.provider_run import ProviderRun, RunReport
from contexts.events.infrastructure.feed_states import (
    CIRCUIT_OPENS_AFTER,
    CLAIM_SECONDS,
    LOST_AFTER,
    MAX_BACKOFF,
    Due,
    FeedStates,
    pause,
)
from shared.application.context import Context, running_in

ACME = Provider("acme", url="https://ann:secret@acme.example/feed?key=secret", interval=300)
BRAVO = Provider("bravo", url="https://bravo.example/feed", interval=10)
BY_HAND = Provider("by-hand")


@pytest.fixture
def feeds(application: Application) -> FeedStates:
    known = {provider.name: provider for provider in (ACME, BRAVO, BY_HAND)}
    return FeedStates(application.pool(), known)


def outcome(run_id: UUID, **others: Any) -> Outcome:
    return Outcome(**{"state": "completed", "run_id": run_id, **others})


async def begun(feeds: FeedStates, provider: str = "acme") -> UUID:
    """A run that has claimed the feed."""
    id = uuid4()
    assert await feeds.claim(provider, id)
    return id


async def run(feeds: FeedStates, provider: Provider = ACME, **others: Any) -> None:
    """One run, from its claim to this outcome."""
    id = await begun(feeds, provider.name)
    await feeds.end(provider, outcome(id, **others))


async def shown(feeds: FeedStates, name: str = "acme") -> ProviderListed:
    return {each.name: each for each in await feeds.list_providers(ListProviders())}[name]


async def sql(application: Application, statement: str, *values: object) -> list[tuple[Any, ...]]:
    async with application.pool().connection() as connection:
        cursor = await connection.execute(statement.encode(), values)
        return await cursor.fetchall() if cursor.description else []


async def pass_time(application: Application, seconds: float) -> None:
    """As if this long had gone by since all that is in the tables."""
    await sql(
        application,
        "update events.feeds set due_at = due_at - make_interval(secs => %s),"
        " claimed_until = claimed_until - make_interval(secs => %s)",
        seconds,
        seconds,
    )
    await sql(
        application,
        "update events.provider_runs set requested_at = requested_at - make_interval(secs => %s)",
        seconds,
    )


# Who has it


async def test_of_many_runs_that_claim_a_feed_at_once_one_has_it(feeds: FeedStates) -> None:
    claims = await asyncio.gather(*(feeds.claim("acme", uuid4()) for _ in range(30)))
    assert claims.count(True) == 1


async def test_a_feed_that_is_claimed_does_not_hinder_another(feeds: FeedStates) -> None:
    assert await feeds.claim("acme", uuid4())
    assert await feeds.claim("bravo", uuid4())


async def test_the_run_that_has_a_feed_may_claim_it_again_and_has_it_longer(
    application: Application, feeds: FeedStates
) -> None:
    id = await begun(feeds)
    await pass_time(application, CLAIM_SECONDS - 1)
    assert await feeds.claim("acme", id)
    await pass_time(application, CLAIM_SECONDS - 1)
    assert not await feeds.claim("acme", uuid4())


async def test_a_run_that_ends_gives_the_feed_free(feeds: FeedStates) -> None:
    id = await begun(feeds)
    assert (await shown(feeds)).running_run_id == id
    await feeds.end(ACME, outcome(id))
    assert (await shown(feeds)).running_run_id is None
    assert await feeds.claim("acme", uuid4())


async def test_the_claim_of_a_dead_run_expires(application: Application, feeds: FeedStates) -> None:
    assert await feeds.claim("acme", uuid4())
    await pass_time(application, CLAIM_SECONDS - 5)
    assert not await feeds.claim("acme", uuid4())
    await pass_time(application, 5)
    assert (await shown(feeds)).running_run_id is None
    assert await feeds.claim("acme", uuid4())


async def test_a_run_whose_feed_was_taken_over_says_nothing_when_it_ends(
    application: Application, feeds: FeedStates
) -> None:
    slow = await begun(feeds)
    await pass_time(application, CLAIM_SECONDS)
    successor = await begun(feeds)
    assert not await feeds.claim("acme", slow)
    await feeds.end(ACME, outcome(slow, state="failed", failures=1))
    assert await feeds.last("acme") is None
    assert (await shown(feeds)).running_run_id == successor


# When it is due


async def test_a_feed_that_was_never_read_is_due_and_one_without_a_url_never(
    feeds: FeedStates,
) -> None:
    assert sorted(await feeds.claim_due()) == [Due("acme", None), Due("bravo", None)]
    assert (await shown(feeds, "by-hand")).due_at is None


async def test_each_due_feed_is_told_to_one_of_many_callers(application: Application) -> None:
    known = {f"p{n}": Provider(f"p{n}", url="https://p.example/") for n in range(50)}
    callers = (FeedStates(application.pool(), known).claim_due() for _ in range(20))
    told = [due.provider for each in await asyncio.gather(*callers) for due in each]
    assert sorted(told) == sorted(known)


async def test_a_feed_is_not_due_while_a_run_has_it(
    application: Application, feeds: FeedStates
) -> None:
    assert await feeds.claim("acme", uuid4())
    assert await feeds.claim_due() == [Due("bravo", None)]
    await pass_time(application, CLAIM_SECONDS)
    assert Due("acme", None) in await feeds.claim_due()


async def test_a_feed_is_due_again_after_its_interval(
    application: Application, feeds: FeedStates
) -> None:
    await run(feeds, ACME)
    await run(feeds, BRAVO)
    assert await feeds.claim_due() == []
    await pass_time(application, 1.1 * BRAVO.interval)
    assert await feeds.claim_due() == [Due("bravo", None)]


async def test_a_feed_that_was_told_and_not_read_is_told_again_later(
    application: Application, feeds: FeedStates
) -> None:
    assert len(await feeds.claim_due()) == 2
    assert await feeds.claim_due() == []
    await pass_time(application, CLAIM_SECONDS)
    assert len(await feeds.claim_due()) == 2


async def test_a_feed_that_was_told_may_be_claimed_by_any_run(feeds: FeedStates) -> None:
    await feeds.claim_due()
    assert (await shown(feeds)).running_run_id is None
    assert await feeds.claim("acme", uuid4())
    assert not await feeds.claim("acme", uuid4())


async def test_what_could_not_be_told_on_is_due_as_before(feeds: FeedStates) -> None:
    await feeds.claim_due()
    reading = await begun(feeds, "bravo")
    await feeds.untell(["acme", "bravo"])
    assert await feeds.claim_due() == [Due("acme", None)]
    assert (await shown(feeds, "bravo")).running_run_id == reading


async def test_how_it_ended_decides_when_it_is_due(feeds: FeedStates) -> None:
    async def seconds(**others: Any) -> float:
        await run(feeds, ACME, **others)
        now = await shown(feeds)
        assert now.due_at is not None
        assert now.last_checked_at is not None
        assert abs((datetime.now(UTC) - now.last_checked_at).total_seconds()) < 60
        return (now.due_at - now.last_checked_at).total_seconds()

    assert await seconds() == pytest.approx(300, rel=0.11)
    assert await seconds(state="failed", failures=1) == pytest.approx(300, rel=0.11)
    assert await seconds(state="failed", failures=3) == pytest.approx(1200, rel=0.11)
    assert await seconds(state="failed", failures=99) == pytest.approx(MAX_BACKOFF, rel=0.11)
    assert 900 <= await seconds(state="failed", failures=1, retry_after=900) <= 990.1
    asked_too_much = await seconds(state="failed", failures=1, retry_after=1e9)
    assert asked_too_much == pytest.approx(MAX_BACKOFF, rel=0.11)


INTERVALS = st.floats(1, 200_000)
FAILURES = st.integers(0, 1_000_000)


@given(INTERVALS)
def test_without_a_failure_the_pause_is_the_interval_give_or_take_a_tenth(interval: float) -> None:
    for failures in (0, 1):
        seconds = pause(Provider("p", interval=interval), outcome(uuid4(), failures=failures))
        assert 0.9 * interval <= seconds <= 1.1 * interval


@given(INTERVALS, FAILURES)
def test_each_failure_doubles_the_pause_up_to_the_longest(interval: float, failures: int) -> None:
    seconds = pause(Provider("p", interval=interval), outcome(uuid4(), failures=failures))
    doubled = interval * 2.0 ** min(max(failures - 1, 0), 60)
    expected = min(doubled, max(MAX_BACKOFF, interval))
    assert 0.9 * expected <= seconds <= 1.1 * expected


@given(INTERVALS, FAILURES, st.floats(0, 1e12))
def test_what_a_provider_asks_for_is_the_least_up_to_the_longest(
    interval: float, failures: int, asked: float
) -> None:
    failed = outcome(uuid4(), state="failed", failures=failures, retry_after=asked)
    longest = max(MAX_BACKOFF, interval)
    assert min(asked, longest) <= pause(Provider("p", interval=interval), failed) <= 1.1 * longest


def test_pauses_differ_so_that_feeds_do_not_fall_together() -> None:
    for asked in (None, 4_000.0):
        failed = outcome(uuid4(), retry_after=asked)
        assert len({pause(Provider("p", interval=300), failed) for _ in range(10)}) > 1


# How it went


async def test_the_last_outcome_is_remembered_whole(feeds: FeedStates) -> None:
    assert await feeds.last("acme") is None
    id = await begun(feeds)
    assert await feeds.last("acme") is None
    whole = Outcome(
        state="failed",
        run_id=id,
        quarantine="d1",
        withheld=3,
        validators=Validators('"é"', "Mon, 02 Nov 2026 10:00:00 GMT"),
        failures=2,
        retry_after=1.5,
    )
    await feeds.end(ACME, whole)
    assert await feeds.last("acme") == whole


async def test_the_circuit_opens_after_failures_in_a_row_and_a_success_closes_it(
    feeds: FeedStates,
) -> None:
    circuits = []
    for failures in range(1, CIRCUIT_OPENS_AFTER + 1):
        await run(feeds, state="failed", failures=failures)
        circuits.append((await shown(feeds)).circuit)
    assert circuits == ["closed"] * (CIRCUIT_OPENS_AFTER - 1) + ["open"]
    assert (await shown(feeds)).failures == CIRCUIT_OPENS_AFTER
    await run(feeds, state="unchanged")
    now = await shown(feeds)
    assert (now.circuit, now.failures, now.last_outcome) == ("closed", 0, "unchanged")


async def test_providers_are_listed_without_their_secrets(feeds: FeedStates) -> None:
    await run(feeds, Provider("once"))
    listed = await feeds.list_providers(ListProviders())
    assert [each.name for each in listed] == ["acme", "bravo", "by-hand", "once"]
    assert (await shown(feeds)).url == "https://acme.example/feed"
    assert b"secret" not in msgspec.json.encode(listed)


async def test_the_table_may_be_emptied_at_any_time(
    application: Application, feeds: FeedStates
) -> None:
    async def empty() -> None:
        await sql(application, "truncate events.feeds")

    await run(feeds)
    await empty()
    assert await feeds.last("acme") is None
    assert len(await feeds.claim_due()) == 2
    await empty()
    assert len(await feeds.claim_due()) == 2
    id = await begun(feeds)
    await empty()
    assert await feeds.claim("acme", id), "a run goes on"
    assert not await feeds.claim("acme", uuid4())
    await empty()
    await feeds.end(ACME, outcome(id))
    assert (await shown(feeds)).last_outcome is None
    assert len(await feeds.claim_due()) == 2


async def test_tenants_do_not_see_each_other(feeds: FeedStates) -> None:
    ours = await begun(feeds)
    await feeds.end(ACME, outcome(ours))
    assert await feeds.claim("acme", uuid4())
    with running_in(Context(correlation_id="c", tenant="other")):
        assert await feeds.last("acme") is None
        assert (await shown(feeds)).last_checked_at is None
        theirs = await begun(feeds)
        await feeds.end(ACME, outcome(theirs, state="failed", failures=1))
        assert (await shown(feeds)).failures == 1
    assert await feeds.last("acme") == outcome(ours)
    assert not await feeds.claim("acme", uuid4()), "ours is claimed still"


# What was asked for and got lost


async def asked_for(
    application: Application, *, ended: bool = False, provider: str = "acme"
) -> UUID:
    run, now = ProviderRun.request(uuid4(), provider, now=datetime.now(UTC)), datetime.now(UTC)
    if ended:
        run.complete(provider, RunReport(source="-", started_at=now, finished_at=now))
    await application.events.runs().save(run)
    await caught_up(application)
    return run.id


async def test_a_run_that_was_asked_for_and_got_lost_makes_its_feed_due(
    application: Application, feeds: FeedStates
) -> None:
    await run(feeds, ACME)
    await run(feeds, Provider("bravo", interval=100_000))
    oldest = await asked_for(application)
    await pass_time(application, 1)
    await asked_for(application)
    await asked_for(application, ended=True)
    assert await feeds.claim_due() == [], "it is probably on its way"
    await pass_time(application, LOST_AFTER)
    assert await feeds.claim_due() == [Due("acme", oldest)]
    assert await feeds.claim_due() == [], "it was told"


async def test_while_another_run_has_the_feed_no_run_is_lost(
    application: Application, feeds: FeedStates
) -> None:
    await run(feeds, ACME)
    await run(feeds, BRAVO)
    lost = await asked_for(application)
    await pass_time(application, LOST_AFTER)
    other = await begun(feeds)
    assert Due("acme", lost) not in await feeds.claim_due()
    await feeds.end(ACME, outcome(other))
    assert Due("acme", lost) in await feeds.claim_due()


async def test_a_feed_whose_time_has_come_is_read_by_the_run_that_got_lost(
    application: Application, feeds: FeedStates
) -> None:
    lost = await asked_for(application)
    await pass_time(application, LOST_AFTER)
    assert sorted(await feeds.claim_due()) == [Due("acme", lost), Due("bravo", None)]
