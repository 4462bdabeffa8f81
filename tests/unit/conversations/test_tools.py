"""The tools of assistants over a bus that answers as it is told: arguments, results, troubles."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from contexts.analytics.published import (
    AnswerColumn,
    Askable,
    AskableColumn,
    AskInConfidence,
    ConfidentialAnswer,
    ListAskable,
    WayToAsk,
)
from contexts.conversations.application.content import Message, Part, TextPart, ToolPart
from contexts.conversations.application.tool_results import MOST_BYTES, MOST_ROWS
from contexts.conversations.application.tools import BusTools
from contexts.conversations.domain.message import Author
from contexts.conversations.domain.run import Spent
from contexts.events.published import FindOffers, OfferFound, OffersFound
from shared.application.bus import Bus, Query
from shared.domain.errors import NotFound

ID = UUID("0190a0a0-0000-7000-8000-000000000001")

JAZZ = OfferFound(
    id=ID,
    title="Jazz",
    local_starts_at=datetime(2026, 11, 28, 20, 30),
    local_ends_at=None,
    timezone="Europe/Madrid",
    min_price=Decimal("10.00"),
    max_price=Decimal("999999999.9999"),
    available_min_price=Decimal("12.50"),
    available_max_price=Decimal("0.1"),
    places=7,
    organizer="Blue Note",
    provider="acme",
)

FARES = ConfidentialAnswer(
    outcome="answered",
    dataset="trips",
    explanation="Total of fare by city.",
    columns=(
        AnswerColumn(name="city", title="City", type="text", kind="dimension"),
        AnswerColumn(name="fare", title="Fare", type="decimal", kind="measure", unit="EUR"),
    ),
    rows=(("Nieve", 64), ("Halvora", 72.25)),
    chart_type="bar",
    chart={"mark": "bar"},
    analysis="Halvora leads.",
    sql="select 1",
    dataset_version="1",
    log_position=8,
    planner="offline",
    confidence=0.9,
    thread={"dataset": "trips", "spec": {"limit": 3}},
)


class Contexts:
    """Answers whatever is asked with `answer`, and keeps what that was."""

    def __init__(self, answer: Any) -> None:
        self.asked: list[Any] = []
        self._answer = answer

    async def __call__(self, query: Query[Any]) -> Any:
        self.asked.append(query)
        if callable(self._answer):
            return await self._answer(query)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def tools(answer: Any, *, seconds: float = 5.0) -> tuple[BusTools, Contexts]:
    contexts, bus = Contexts(answer), Bus()
    bus.serve({kind: contexts for kind in (FindOffers, AskInConfidence, ListAskable)})
    return BusTools(bus, seconds=seconds), contexts


async def called(
    answer: Any, name: str, arguments: Mapping[str, Any], *path: Message
) -> tuple[ToolPart, Any]:
    """What comes back, and what was asked for it, if anything was."""
    ours, contexts = tools(answer)
    part = await ours.call("c1", name, arguments, path)
    assert (part.id, part.name, part.arguments) == ("c1", name, dict(arguments))
    assert (part.result is None) != (part.error is None)
    # Whatever it is, it comes out of JSON as it went in.
    assert msgspec.json.decode(msgspec.json.encode(part), type=Part) == part
    return part, contexts.asked[0] if contexts.asked else None


def message(*parts: Part, author: Author = "assistant") -> Message:
    return Message(
        id=uuid4(),
        parent_id=None,
        author=author,
        parts=parts,
        written_at=datetime(2026, 11, 21, tzinfo=UTC),
    )


def done(name: str, result: dict[str, Any] | None, error: str | None = None) -> ToolPart:
    return ToolPart(id="x", name=name, arguments={}, result=result, error=error)


def test_every_tool_is_described_by_a_closed_schema() -> None:
    offered = tools(None)[0].offered
    assert [tool.name for tool in offered] == ["search_events", "ask_data", "list_datasets"]
    for tool in offered:
        assert tool.description
        assert tool.parameters["type"] == "object"
        assert tool.parameters["additionalProperties"] is False
        properties = tool.parameters["properties"]
        assert {*tool.parameters["required"]} <= {*properties}
        assert all(each["type"] and each["description"] for each in properties.values())


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        (
            "search_events",
            {
                "words": "jazz",
                "from": "2026-11-28",
                "to": "2026-11-29",
                "min_price": 1,
                "max_price": 2.5,
                "available_only": False,
                "limit": 3,
            },
        ),
        ("ask_data", {"question": "fares", "dataset": "trips", "new_topic": True}),
        ("list_datasets", {}),
    ],
)
async def test_what_a_schema_names_is_what_can_be_asked(
    name: str, arguments: dict[str, Any]
) -> None:
    tool = next(each for each in tools(None)[0].offered if each.name == name)
    assert {*tool.parameters["properties"]} == {*arguments}
    answer = {"search_events": OffersFound(0, ()), "ask_data": FARES, "list_datasets": []}[name]
    part, _ = await called(answer, name, arguments)
    assert part.error is None


async def test_a_search_is_put_to_the_catalogue_and_told_in_plain_json() -> None:
    part, asked = await called(
        OffersFound(12, (JAZZ,)),
        "search_events",
        {"words": "jazz", "from": "2026-11-28", "to": "2026-11-29", "max_price": 30.1, "limit": 5},
    )
    assert asked == FindOffers(
        words="jazz",
        starts_from=datetime(2026, 11, 28),
        starts_to=datetime(2026, 11, 29, 23, 59, 59, 999_999),
        max_price=Decimal("30.1"),
        limit=5,
    )
    assert part.result == {
        "total": 12,
        "events": [
            {
                "id": str(ID),
                "title": "Jazz",
                "starts_at": "2026-11-28T20:30:00",
                "ends_at": None,
                "timezone": "Europe/Madrid",
                "min_price": 12.5,
                "max_price": 0.1,
                "places": 7,
                "organizer": "Blue Note",
                "url": f"/events/{ID}",
            }
        ],
    }


async def test_prices_span_all_zones_where_all_were_asked_for_and_stay_exact() -> None:
    part, asked = await called(OffersFound(1, (JAZZ,)), "search_events", {"available_only": False})
    assert asked.available_only is False
    assert part.result is not None
    (event,) = part.result["events"]
    assert (event["min_price"], json.dumps(event["max_price"])) == (10, "999999999.9999")


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ({}, FindOffers(limit=10)),
        ({"words": "", "from": None, "max_price": None, "limit": None}, FindOffers(limit=10)),
        (
            {"limit": "5", "max_price": "12.50", "available_only": "false"},
            FindOffers(limit=5, max_price=Decimal("12.50"), available_only=False),
        ),
        (
            {"from": "2026-11-28T18:00", "to": " 2026-11-28 23:30:15 "},
            FindOffers(
                starts_from=datetime(2026, 11, 28, 18),
                starts_to=datetime(2026, 11, 28, 23, 30, 15),
                limit=10,
            ),
        ),
        ({"min_price": 0}, FindOffers(min_price=Decimal(0), limit=10)),
    ],
)
async def test_arguments_are_read_with_patience(
    arguments: dict[str, Any], asked: FindOffers
) -> None:
    assert (await called(OffersFound(0, ()), "search_events", arguments))[1] == asked


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("search_events", {"city": "Madrid"}, ["`city`", "words: string", "from: string"]),
        ("search_events", {"words": ["jazz"]}, ["$.words", "words: string"]),
        ("search_events", {"limit": 21}, ["$.limit", "1 to 20"]),
        ("search_events", {"limit": 0}, ["$.limit"]),
        ("search_events", {"max_price": "cheap"}, ["$.max_price", "max_price: number"]),
        ("search_events", {"from": "next weekend"}, ["from: 'next weekend'", "2026-11-28T18:00"]),
        ("search_events", {"to": "2026-11-28T18:00:00Z"}, ["to: ", "without an offset"]),
        ("search_events", {"from": "2026-02-30"}, ["from: "]),
        ("ask_data", {}, ["`question`", "question: string"]),
        ("ask_data", {"question": ""}, ["`question`"]),
        ("ask_data", {"question": "x" * 1_001}, ["$.question"]),
        ("ask_data", {"question": "fares", "sql": "select 1"}, ["`sql`"]),
        ("ask_data", {"question": "fares", "new_topic": "perhaps"}, ["$.new_topic"]),
        ("list_datasets", {"name": "trips"}, ["`name`", "no arguments"]),
        ("book_ticket", {}, ["'book_ticket'", "search_events, ask_data, list_datasets"]),
    ],
)
async def test_what_can_not_be_meant_is_answered_with_what_is_allowed(
    name: str, arguments: dict[str, Any], told: list[str]
) -> None:
    part, asked = await called(FARES, name, arguments)
    assert asked is None
    for each in told:
        assert each in (part.error or "")


async def test_an_answer_is_told_with_rows_chart_and_what_it_rests_on() -> None:
    part, asked = await called(FARES, "ask_data", {"question": "fares", "dataset": "trips"})
    assert asked == AskInConfidence(question="fares", dataset="trips")
    assert part.result == {
        "outcome": "answered",
        "dataset": "trips",
        "explanation": "Total of fare by city.",
        "assumptions": [],
        "columns": [
            {"name": "city", "title": "City", "type": "text", "in_percent": False},
            {"name": "fare", "title": "Fare", "type": "decimal", "in_percent": False},
        ],
        "rows": [["Nieve", 64], ["Halvora", 72.25]],
        "truncated": False,
        "chart_type": "bar",
        "chart": {"mark": "bar"},
        "analysis": "Halvora leads.",
        "sql": "select 1",
        "log_position": 8,
        "dataset_version": "1",
        "reason": None,
        "unplaced": [],
        "suggestions": [],
        "options": [],
        "thread": {"dataset": "trips", "spec": {"limit": 3}},
    }


async def test_what_is_no_answer_is_a_result_too_with_ways_to_ask() -> None:
    unclear = ConfidentialAnswer(
        outcome="needs_clarification",
        reason="which?",
        options=(WayToAsk("in a", "fares", "a"), WayToAsk("in b", "fares", "b")),
    )
    part, _ = await called(unclear, "ask_data", {"question": "fares"})
    assert part.result is not None
    assert part.result["options"][0] == {"label": "in a", "question": "fares", "dataset": "a"}
    assert (part.result["reason"], part.result["thread"]) == ("which?", None)


OLD, NEW = {"dataset": "old"}, {"dataset": "new"}


@pytest.mark.parametrize(
    ("path", "arguments", "follows"),
    [
        ([], {}, None),
        ([message(TextPart("hello"), author="user")], {}, None),
        ([message(done("ask_data", {"outcome": "answered", "thread": OLD}))], {}, OLD),
        (
            [
                message(done("ask_data", {"outcome": "answered", "thread": OLD})),
                message(TextPart("and November?"), author="user"),
                message(
                    done("ask_data", {"outcome": "answered", "thread": NEW}),
                    done("search_events", {"total": 0, "events": [], "thread": OLD}),
                    TextPart("so it is"),
                ),
            ],
            {},
            NEW,
        ),
        (
            [
                message(done("ask_data", {"outcome": "answered", "thread": OLD})),
                message(done("ask_data", {"outcome": "unanswerable", "thread": None})),
                message(done("ask_data", None, "it took longer than 5 s")),
            ],
            {},
            OLD,
        ),
        ([message(done("ask_data", {"outcome": "answered", "thread": "x"}))], {}, None),
        (
            [message(done("ask_data", {"outcome": "answered", "thread": OLD}))],
            {"new_topic": True},
            None,
        ),
    ],
)
async def test_a_question_goes_on_from_the_last_one_that_was_answered_in_the_conversation(
    path: list[Message], arguments: dict[str, Any], follows: dict[str, Any] | None
) -> None:
    _, asked = await called(FARES, "ask_data", {"question": "fares", **arguments}, *path)
    assert asked.follows == follows


def wide(rows: int, cell: str, chart: int = 0) -> ConfidentialAnswer:
    return msgspec.structs.replace(
        FARES,
        rows=tuple((cell, number) for number in range(rows)),
        chart={"data": "c" * chart},
    )


@pytest.mark.parametrize(
    ("answer", "rows", "truncated", "charted"),
    [
        (wide(MOST_ROWS, "é"), 50, False, True),
        (wide(MOST_ROWS + 1, "é"), 50, True, True),
        (msgspec.structs.replace(FARES, truncated=True), 2, True, True),
        (wide(40, "é" * 499), 40, False, True),
        (wide(40, "é" * 499, chart=20_000), 20, True, True),
        (wide(40, "é" * 499, chart=47_000), 10, True, False),
        (wide(0, "", chart=60_000), 0, False, False),
    ],
)
async def test_a_large_answer_is_told_in_part_and_says_so(
    answer: ConfidentialAnswer, rows: int, truncated: bool, charted: bool
) -> None:
    part, _ = await called(answer, "ask_data", {"question": "fares"})
    assert part.result is not None
    assert len(msgspec.json.encode(part.result)) <= MOST_BYTES
    assert (len(part.result["rows"]), part.result["truncated"]) == (rows, truncated)
    assert part.result["chart_type"] == ("bar" if charted else "table")
    assert (part.result["chart"] is not None) == charted


async def test_a_long_text_is_cut_where_one_sees_it() -> None:
    part, _ = await called(wide(1, "x" * 9_000), "ask_data", {"question": "fares"})
    assert part.result is not None
    assert part.result["rows"] == [["x" * 499 + "…", 0]]


async def test_an_answer_that_does_not_fit_even_without_rows_is_told_to_be_too_large() -> None:
    large = msgspec.structs.replace(FARES, sql="s" * MOST_BYTES)
    part, _ = await called(large, "ask_data", {"question": "fares"})
    assert "too large" in (part.error or "")


def askable(name: str, columns: int = 2) -> Askable:
    return Askable(
        name=name,
        rows=7,
        description="7 rows",
        columns=tuple(AskableColumn(f"column {n}", "text", "dimension") for n in range(columns)),
        examples=("how many rows",),
    )


async def test_datasets_are_told_with_columns_and_examples() -> None:
    part, asked = await called([askable("trips", 1)], "list_datasets", {})
    assert asked == ListAskable()
    assert part.result == {
        "datasets": [
            {
                "name": "trips",
                "rows": 7,
                "description": "7 rows",
                "columns": [{"title": "column 0", "type": "text", "kind": "dimension"}],
                "examples": ["how many rows"],
            }
        ],
        "truncated": False,
    }


@pytest.mark.parametrize(("count", "columns", "told"), [(60, 40, 60), (3, 900, 3), (900, 9, 450)])
async def test_of_very_many_datasets_less_is_told(count: int, columns: int, told: int) -> None:
    there = [askable(f"dataset {number}", columns) for number in range(count)]
    part, _ = await called(there, "list_datasets", {})
    assert part.result is not None
    assert len(msgspec.json.encode(part.result)) <= MOST_BYTES
    assert (len(part.result["datasets"]), part.result["truncated"]) == (told, True)


async def test_a_call_that_takes_too_long_is_given_up() -> None:
    ended = asyncio.Event()

    async def hangs(query: Query[Any]) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    ours, _ = tools(hangs, seconds=0.02)
    async with asyncio.timeout(60):
        part = await ours.call("c1", "ask_data", {"question": "fares"}, ())
    assert part.error == "it took longer than 0.02 s; ask for less, or again later"
    assert part.milliseconds > 0
    assert ended.is_set()


async def test_whoever_is_cancelled_is_not_told_an_error() -> None:
    begun = asyncio.Event()

    async def hangs(query: Query[Any]) -> None:
        begun.set()
        await asyncio.Event().wait()

    ours, _ = tools(hangs)
    call = asyncio.create_task(ours.call("c1", "list_datasets", {}, ()))
    await begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_refusal_is_told_as_it_is() -> None:
    part, _ = await called(NotFound("no dataset 'x'"), "list_datasets", {})
    assert part.error == "no dataset 'x'"


async def test_what_nobody_expected_is_told_and_logged_without_what_was_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        part, _ = await called(
            RuntimeError("secret: fares of Zoë"), "ask_data", {"question": "fares of Zoë"}
        )
        await called(FARES, "tell Zoë", {})
    assert part.error == "something went wrong on our side; try again later"
    (broken,) = (record for record in caplog.records if record.levelname == "ERROR")
    assert (broken.tool, broken.error) == ("ask_data", "RuntimeError")  # type: ignore[attr-defined]
    assert broken.where.startswith("test_tools.py:")  # type: ignore[attr-defined]
    assert "Zoë" not in str([vars(record) for record in caplog.records])


async def test_calls_at_once_do_not_hear_one_another() -> None:
    async def echo(query: Any) -> ConfidentialAnswer:
        await asyncio.sleep(0)
        return msgspec.structs.replace(FARES, analysis=query.question)

    ours, _ = tools(echo)
    asked: Callable[[int], Any] = lambda n: ours.call(  # noqa: E731
        str(n), "ask_data", {"question": f"q{n}"}, ()
    )
    parts = await asyncio.gather(*map(asked, range(20)))
    assert [(part.id, (part.result or {})["analysis"]) for part in parts] == [
        (str(n), f"q{n}") for n in range(20)
    ]


async def test_what_models_took_to_plan_a_question_is_told_with_its_answer() -> None:
    planned = msgspec.structs.replace(FARES, input_tokens=300, output_tokens=40, cost=0.02)
    part, _ = await called(planned, "ask_data", {"question": "fares"})
    assert part.spent == Spent(input_tokens=300, output_tokens=40, cost=0.02)
    unpriced = msgspec.structs.replace(planned, cost=None)
    part, _ = await called(unpriced, "ask_data", {"question": "fares"})
    assert part.spent == Spent(input_tokens=300, output_tokens=40, cost=None)


async def test_a_question_that_no_model_planned_costs_nothing() -> None:
    part, _ = await called(FARES, "ask_data", {"question": "fares"})
    assert part.spent == Spent(cost=0.0)
