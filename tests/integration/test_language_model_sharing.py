"""What processes share of language models: fallbacks, limits, kept replies and what was spent."""

import asyncio
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from redis.asyncio import Redis

from language_models import asks, language_model, server, streamed, usage
from listings import CLOSED, database_down
from misbehaving_model import Answer, fails, hangs, model, says, tells
from servers import Urls
from settings import Settings
from shared.application.context import Context, running_in
from shared.application.language_model import (
    Completion,
    Delta,
    LanguageModelFailed,
    ModelUsage,
    Schema,
    UsageTotals,
)
from shared.domain.errors import Invalid
from shared.infrastructure.language_model import limiter as limiter_module
from shared.infrastructure.language_model.chain import ChainedLanguageModel
from shared.infrastructure.language_model.limiter import Limiter
from shared.infrastructure.language_model.redis_door import RedisDoor

GOOD = says("The Grand Hall.")
KEPT = asks(deterministic=True)
QUOTA = fails(429, {"message": "no credit", "code": "insufficient_quota"})


def now() -> float:
    return asyncio.get_running_loop().time()


async def totals(ours: ChainedLanguageModel) -> UsageTotals:
    today = datetime.now(UTC).date()
    return (await ours.report_usage(usage(today - timedelta(days=1), today))).totals


# --- fallbacks


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("bad", [fails(500), fails(429), QUOTA, fails(401), hangs])
async def test_the_next_model_answers_where_the_first_cannot(
    settings: Settings, bad: Answer, stream: bool
) -> None:
    async with (
        model(bad) as first,
        model(GOOD) as second,
        language_model(
            settings, server(first), server(second, "other"), seconds=6, retries=0
        ) as ours,
    ):
        completed = (await streamed(ours, asks()))[1] if stream else await ours.complete(asks())
        assert (completed.text, completed.model) == ("The Grand Hall.", "other")
        assert (len(first.asked), len(second.asked)) == (1, 1)


@pytest.mark.parametrize(
    "bad", [says(None, refusal="No."), fails(400, "odd"), fails(413), says("")]
)
async def test_what_another_model_would_not_do_better_is_not_put_to_it(
    settings: Settings, bad: Answer
) -> None:
    async with (
        model(bad) as first,
        model(GOOD) as second,
        language_model(settings, server(first), server(second, "other")) as ours,
    ):
        with pytest.raises(LanguageModelFailed):
            await ours.complete(asks())
        assert second.asked == []


async def test_a_stream_that_was_begun_is_not_begun_again_by_the_next_model(
    settings: Settings,
) -> None:
    async with (
        model(tells("The")) as first,
        model(GOOD) as second,
        language_model(settings, server(first), server(second, "other")) as ours,
    ):
        with pytest.raises(LanguageModelFailed) as raised:
            await streamed(ours, asks())
        assert (raised.value.partial, second.asked) == ("The", [])


async def test_when_no_model_can_answer_the_last_says_why(settings: Settings) -> None:
    async with (
        model(fails(500)) as first,
        model(QUOTA) as second,
        language_model(settings, server(first), server(second, "other"), retries=0) as ours,
    ):
        with pytest.raises(LanguageModelFailed) as raised:
            await ours.complete(asks())
    assert raised.value.kind == "quota"


async def test_without_a_model_it_is_said_which_settings_to_set(settings: Settings) -> None:
    async with language_model(settings) as ours:
        assert not ours.configured
        for call in (ours.complete(asks()), streamed(ours, asks())):
            with pytest.raises(LanguageModelFailed, match=r"LLM_MODEL.*LLM_BASE_URL") as raised:
                await call
            assert raised.value.kind == "not_configured"


# --- limits


async def test_no_more_calls_run_at_once_than_are_allowed_over_all_processes(
    settings: Settings,
) -> None:
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(model(says("Well.", slowly=0.02)))
        processes = [
            await stack.enter_async_context(language_model(settings, server(there), concurrency=3))
            for _ in range(3)
        ]
        await asyncio.gather(*(each.complete(asks()) for each in processes for _ in range(5)))
        assert len(there.asked) == 15
        assert there.most_at_once <= 3


async def test_a_place_is_free_again_however_the_call_ended(settings: Settings) -> None:
    answers = [fails(400), tells("The", then=hangs), tells("The"), GOOD]
    async with (
        model(*answers) as there,
        language_model(settings, server(there), concurrency=1) as ours,
    ):
        with pytest.raises(LanguageModelFailed):
            await ours.complete(asks(deadline=60.0))
        async with aclosing(ours.stream(asks(deadline=60.0))) as pieces:
            assert await anext(pieces) == Delta("The")
        with pytest.raises(LanguageModelFailed):
            await streamed(ours, asks(deadline=60.0))
        assert (await ours.complete(asks(deadline=60.0))).text == "The Grand Hall."


async def test_whoever_finds_no_place_in_time_is_told_that_there_are_too_many(
    settings: Settings,
) -> None:
    async with (
        model(hangs) as there,
        language_model(settings, server(there), concurrency=1) as ours,
    ):
        first = asyncio.create_task(ours.complete(asks()))
        while not there.asked:
            await asyncio.sleep(0.01)
        with pytest.raises(LanguageModelFailed, match="all calls") as raised:
            await ours.complete(asks(deadline=0.3))
        assert (raised.value.kind, len(there.asked)) == ("rate_limited", 1)
        first.cancel()
        await asyncio.wait({first})


async def test_no_more_calls_begin_in_a_minute_than_are_allowed(settings: Settings) -> None:
    async with (
        model(GOOD) as there,
        language_model(settings, server(there), requests_per_minute=2) as one,
        language_model(settings, server(there), requests_per_minute=2) as other,
    ):
        await one.complete(asks())
        await other.complete(asks())
        with pytest.raises(LanguageModelFailed) as raised:
            await one.complete(asks(deadline=1.0))
        assert (raised.value.kind, len(there.asked)) == ("rate_limited", 2)
        assert raised.value.retry_after is not None
        assert 40 < raised.value.retry_after <= 60


async def test_models_have_limits_of_their_own(settings: Settings) -> None:
    async with (
        model(GOOD) as there,
        language_model(
            settings, server(there), server(there, "other"), requests_per_minute=1
        ) as ours,
    ):
        answered = [await ours.complete(asks(deadline=60.0)) for _ in range(2)]
        assert [each.model for each in answered] == ["test-model", "other"]


@pytest.fixture
async def door(servers: Urls, settings: Settings) -> Any:
    async with Redis.from_url(servers.redis) as redis:
        yield RedisDoor(redis, settings.broker_namespace)


async def test_the_place_of_a_process_that_died_becomes_free_by_itself(door: RedisDoor) -> None:
    alive = Limiter(door, concurrency=2, per_minute=0)
    for lease in (600, 0.3):
        dead = Limiter(door, concurrency=2, per_minute=0, lease=lease)
        # What a process leaves behind that is killed: a place that nobody renews.
        assert await dead._take("dead", f"model {lease}", now() + 60)
    async with alive.place("model 600", now() + 60):
        with pytest.raises(LanguageModelFailed):
            async with alive.place("model 600", now() + 0.1):
                pass
    async with alive.place("model 0.3", now() + 60), alive.place("model 0.3", now() + 60):
        pass


async def test_a_place_is_held_for_as_long_as_the_call_takes(
    door: RedisDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So often that a busy machine may miss it many times over.
    monkeypatch.setattr(limiter_module, "_RENEWAL", 0.3)
    limiter = Limiter(door, concurrency=1, per_minute=0, lease=4.0)
    async with limiter.place("model", now() + 60):
        # Longer than the lease would last by itself.
        with pytest.raises(LanguageModelFailed):
            async with limiter.place("model", now() + 5.5):
                pass
    async with limiter.place("model", now() + 60):
        pass


async def test_without_redis_calls_go_on_without_limit_and_nothing_is_kept(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings = msgspec.structs.replace(settings, redis_url=CLOSED)
    async with (
        model(GOOD) as there,
        language_model(settings, server(there), concurrency=1, requests_per_minute=1) as ours,
    ):
        for _ in range(3):
            assert not (await ours.complete(KEPT)).usage.cached
        assert len(there.asked) == 3
    said = [record for record in caplog.records if "without redis" in record.message]
    assert len(said) == 1


# --- kept replies


@pytest.mark.parametrize("stream", [False, True])
async def test_a_deterministic_question_is_answered_once_for_all_processes(
    settings: Settings, stream: bool
) -> None:
    async with (
        model(GOOD) as there,
        language_model(settings, server(there)) as one,
        language_model(settings, server(there)) as other,
    ):
        first = await one.complete(KEPT)
        if stream:
            deltas, second = await streamed(other, KEPT)
            assert deltas == ["The Grand Hall."]
        else:
            second = await other.complete(KEPT)
        assert len(there.asked) == 1
        assert (second.text, second.usage) == (first.text, ModelUsage(cached=True))
        spent = await totals(one)
    assert (spent.calls, spent.cached_calls, spent.input_tokens) == (2, 1, 20)


async def test_a_kept_reply_keeps_what_was_parsed_of_it(settings: Settings) -> None:
    request = asks(deterministic=True, schema=Schema("any", {"type": "object"}))
    async with (
        model(says('{"a": [1, null]}')) as there,
        language_model(settings, server(there)) as ours,
    ):
        first, second = await ours.complete(request), await ours.complete(request)
    assert second.usage.cached
    assert first.parsed == second.parsed == {"a": [1, None]}


@pytest.mark.parametrize(
    "other",
    [
        asks(),
        asks("Which is the smallest?", deterministic=True),
        asks(deterministic=True, temperature=0.5),
        asks(deterministic=True, max_tokens=5),
    ],
)
async def test_another_question_is_not_answered_with_a_kept_reply(
    settings: Settings, other: Completion
) -> None:
    async with model(GOOD) as there, language_model(settings, server(there)) as ours:
        await ours.complete(KEPT)
        assert not (await ours.complete(other)).usage.cached
        assert len(there.asked) == 2


async def test_what_is_kept_for_one_tenant_is_not_given_to_another(settings: Settings) -> None:
    async with model(GOOD) as there, language_model(settings, server(there)) as ours:
        for tenant in ("one", "two", "one"):
            with running_in(Context("c", tenant=tenant)):
                await ours.complete(KEPT)
        assert len(there.asked) == 2


async def test_a_failure_is_not_kept(settings: Settings) -> None:
    async with (
        model(fails(400), GOOD) as there,
        language_model(settings, server(there)) as ours,
    ):
        with pytest.raises(LanguageModelFailed):
            await ours.complete(KEPT)
        assert (await ours.complete(KEPT)).text == "The Grand Hall."


async def test_half_a_reply_is_not_kept(settings: Settings) -> None:
    async with (
        model(says("The", finish="length"), GOOD) as there,
        language_model(settings, server(there)) as ours,
    ):
        assert (await ours.complete(KEPT)).finish == "length"
        assert (await ours.complete(KEPT)).text == "The Grand Hall."


async def test_nothing_is_kept_where_settings_say_so(settings: Settings) -> None:
    async with (
        model(GOOD) as there,
        language_model(settings, server(there), cache_seconds=0) as ours,
    ):
        await ours.complete(KEPT)
        await ours.complete(KEPT)
        assert len(there.asked) == 2


# --- usage


async def test_usage_is_counted_by_tenant_day_purpose_and_model(settings: Settings) -> None:
    today = datetime.now(UTC).date()
    async with (
        model(GOOD) as there,
        language_model(settings, server(there)) as ours,
        language_model(settings, server(there, "free")) as free,
    ):
        await ours.complete(asks(purpose="plan"))
        await streamed(ours, asks(purpose="plan"))
        await ours.complete(asks(purpose="chat"))
        await free.complete(asks(purpose="chat"))
        with running_in(Context("c", tenant="other")):
            await ours.complete(asks(purpose="chat"))
        report = await ours.report_usage(usage(today - timedelta(days=1), today))
    of_days = {(day.purpose, day.model): day for day in report.days}
    assert of_days.keys() == {("plan", "test-model"), ("chat", "test-model"), ("chat", "free")}
    plan = of_days["plan", "test-model"]
    assert (plan.calls, plan.input_tokens, plan.output_tokens) == (2, 40, 20)
    assert plan.cost == pytest.approx((40 * 1.0 + 20 * 2.0) / 1e6)
    assert of_days["chat", "free"].unpriced_calls == 1
    assert report.totals.calls == 4
    assert report.totals.cost == pytest.approx(3 * 40 / 1e6)


async def test_tokens_that_a_server_does_not_count_are_estimated_and_called_so(
    settings: Settings,
) -> None:
    answer = says("x" * 40, usage=None)
    async with model(answer) as there, language_model(settings, server(there)) as ours:
        completed = await ours.complete(asks("y" * 400))
        spent = await totals(ours)
    assert completed.usage.estimated
    assert completed.usage.output_tokens == 10
    assert 100 <= completed.usage.input_tokens <= 120
    assert (spent.estimated_calls, spent.output_tokens) == (1, 10)


async def test_what_a_failed_call_cost_is_counted_too(settings: Settings) -> None:
    async with (
        model(says(None, refusal="I would rather not."), tells("The"), hangs) as there,
        language_model(settings, server(there)) as ours,
    ):
        with pytest.raises(LanguageModelFailed) as raised:
            await ours.complete(asks())
        assert raised.value.usage.input_tokens == 20
        with pytest.raises(LanguageModelFailed):
            await streamed(ours, asks())
        with pytest.raises(LanguageModelFailed):
            await ours.complete(asks(deadline=0.2))
        spent = await totals(ours)
    assert (spent.calls, spent.failed_calls, spent.estimated_calls) == (2, 2, 1)


async def test_a_stream_that_nobody_read_to_its_end_is_counted(settings: Settings) -> None:
    slow = tells("The", then=hangs)
    async with model(slow) as there, language_model(settings, server(there)) as ours:
        async with aclosing(ours.stream(asks())) as pieces:
            await anext(pieces)
        reading = asyncio.create_task(streamed(ours, asks()))
        while len(there.asked) < 2:
            await asyncio.sleep(0.01)
        reading.cancel()
        await asyncio.wait({reading})
        assert (await totals(ours)).failed_calls >= 1


async def test_an_answer_is_not_lost_when_its_usage_cannot_be_recorded(
    settings: Settings, servers: Urls, caplog: pytest.LogCaptureFixture
) -> None:
    async with model(GOOD) as there, language_model(settings, server(there)) as ours:
        with database_down(servers.database, settings.database()):
            assert (await ours.complete(asks())).text == "The Grand Hall."
            await ours._usage.close()
    (said,) = [record for record in caplog.records if "was not recorded" in record.message]
    assert (vars(said)["input_tokens"], vars(said)["model"]) == (20, "test-model")


async def test_usage_is_reported_of_days_in_order_and_of_no_more_than_a_year(
    settings: Settings,
) -> None:
    async with language_model(settings) as ours:
        empty = await ours.report_usage(usage(date(2026, 1, 1), date(2026, 12, 31)))
        assert (empty.days, empty.totals) == ((), UsageTotals())
        with pytest.raises(Invalid, match="before"):
            await ours.report_usage(usage(date(2026, 1, 2), date(2026, 1, 1)))
        with pytest.raises(Invalid, match="at most 366 days"):
            await ours.report_usage(usage(date(1, 1, 1), date(9999, 12, 31)))


async def test_neither_key_nor_question_is_logged_at_any_level(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    async with (
        model(fails(500, "About halls k3y?"), fails(400, "About halls k3y?"), GOOD) as there,
        language_model(settings, server(there)) as ours,
    ):
        with pytest.raises(LanguageModelFailed) as raised:
            await ours.complete(asks("About halls"))
        await ours.complete(asks("About halls"))
        with psycopg.connect(settings.database()) as connection:
            rows = connection.execute("select * from language_model.usage").fetchall()
    logged = "".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    for text in (logged, str(raised.value), str(rows)):
        assert "k3y" not in text
        assert "halls" not in text
