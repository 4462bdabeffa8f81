"""What of a conversation a model is shown: what fits, whole, in order, and the newest of it."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from contexts.conversations.application.content import ToolPart
from contexts.conversations.application.ports import AssistantFailed
from contexts.conversations.infrastructure.model_assistant.exchanges import (
    NO_MESSAGE,
    Exchange,
    Step,
)
from contexts.conversations.infrastructure.model_assistant.fitting import (
    SHORT,
    SHORTEST,
    clipped,
    recall,
    size,
    tokens,
)
from contexts.conversations.infrastructure.model_assistant.prompting import instructions
from contexts.conversations.infrastructure.model_assistant.results import found
from contexts.conversations.infrastructure.model_assistant.summaries import MOST
from contexts.conversations.infrastructure.model_assistant.talk import Limits, Talk
from contexts.conversations.infrastructure.model_assistant.voice import Voice, without_thoughts
from model_assistants import ASK, SEARCH, answer, tool, turn, user
from shared.application.language_model import Completion, LanguageModelFailed

ROWS = [[number, f"Show {number}", "12.50"] for number in range(50)]


def exchange(number: int, characters: int = 297, *results: ToolPart) -> Exchange:
    """Its texts take a third of the characters in tokens, and 8 for two messages."""
    user = "w" * (characters // 2)
    steps = (Step("", results),) if results else ()
    return Exchange(UUID(int=number), user, (*steps, Step("w" * (characters - len(user)))))


def kept(sizes: list[int], room: int) -> list[int]:
    """Which of exchanges that take so many tokens each are kept."""
    earlier = [exchange(number, (each - 8) * 3) for number, each in enumerate(sizes)]
    recalled = recall(earlier, room)
    assert [each.id.int for each in recalled.dropped] == list(range(len(recalled.dropped)))
    return [each.id.int for each, _ in recalled.kept]


@pytest.mark.parametrize(
    ("sizes", "room", "expected"),
    [
        ([], 1_000, []),
        ([100] * 10, 1_010, list(range(10))),
        # Two more are dropped than have to be, so that the next ones need no new beginning.
        ([100] * 10, 990, [6, 7, 8, 9]),
        ([100] * 11, 990, [6, 7, 8, 9, 10]),
        ([100] * 15, 990, list(range(6, 15))),
        ([100] * 16, 990, list(range(12, 16))),
        # The last one stays as long as it fits by itself.
        ([300, 300, 800], 1_000, [2]),
        ([300, 300, 1_200], 1_000, []),
        ([1_200, 300, 300], 1_000, [1, 2]),
        ([100, 100], 0, []),
        ([100, 100], -50, []),
    ],
)
def test_exchanges_are_dropped_whole_and_the_oldest_first(
    sizes: list[int], room: int, expected: list[int]
) -> None:
    assert kept(sizes, room) == expected


def test_results_of_old_answers_are_shortened_before_anything_is_dropped() -> None:
    earlier = [exchange(number, 300, tool(rows=ROWS)) for number in range(6)]
    whole = recall(earlier, 10_000)
    assert [limit for _, limit in whole.kept] == [SHORT] * 6
    tight = recall(earlier, 3_000)
    limits = [limit for _, limit in tight.kept]
    assert not tight.dropped
    assert limits == sorted(limits)
    assert set(limits) == {SHORT, SHORTEST}


TEXTS = st.one_of(
    st.text(max_size=30),
    st.integers(0, 4_000).map("word ".__mul__),
    st.integers(0, 2_000).map("字".__mul__),
    st.integers(0, 500).map("🎷`<".__mul__),
)
RESULTS = st.one_of(
    st.builds(lambda rows: tool(rows=ROWS[:rows]), st.integers(0, 50)),
    st.builds(lambda text: tool(analysis=text), TEXTS),
    st.builds(lambda text: tool(error=text + "x"), TEXTS),
)
ANSWERS = st.lists(st.one_of(TEXTS, RESULTS), max_size=4).map(lambda parts: answer(*parts))
PATHS = st.lists(st.one_of(TEXTS.map(user), ANSWERS), max_size=30)


def plain_roles(request: Completion) -> list[str]:
    """Who takes turns: tool calls and their results belong to the answer that they are for."""
    return [
        message.role
        for message in request.messages
        if message.role != "tool" and not message.tool_calls
    ]


@examples(deadline=None, max_examples=200)
@given(
    PATHS,
    st.text(min_size=1, max_size=20),
    st.lists(RESULTS, max_size=6),
    st.integers(4_000, 20_000),
    st.sampled_from(["native", "no tools", "halved"]),
)
def test_a_request_fits_and_is_in_order_whatever_was_said(
    path: list[Any], last: str, results: list[ToolPart], context: int, way: str
) -> None:
    limits = Limits(context_tokens=context, max_output_tokens=500, rounds=20)
    asked = turn(user("x"))
    asked = msgspec.structs.replace(asked, path=(*path, user(f"last {last}!")))
    talk = Talk(asked, (SEARCH, ASK), limits)
    if way == "no tools":
        assert talk.put_otherwise(LanguageModelFailed("invalid", ""))
    if way == "halved" and context >= 10_000:
        assert talk.put_otherwise(LanguageModelFailed("too_long", ""))
        context //= 2
    talk.before = "b" * (3 * MOST) if talk.recalled.dropped else ""
    talk.steps += [Step(f"step {number}", (part,)) for number, part in enumerate(results)]

    request = talk.request()

    assert size(request.messages, request.tools) <= context - 500 // (1 + (way == "halved"))
    roles = plain_roles(request)
    assert roles[0] == "system"
    assert roles[1:] == ["user", "assistant"] * (len(roles) // 2 - 1) + ["user"]
    (question,) = [m for m in request.messages if m.content.startswith(f"last {last}!")]
    assert question.content.startswith(f"last {last}!")
    assert all(message.content or message.tool_calls for message in request.messages)
    # What is shown is the end of what was said, without a gap.
    shown = [m.content for m in request.messages if m.role == "user"][:-1]
    said = [message.text.strip() for message in path if message.author == "user"]
    told = [text for text in shown if text != NO_MESSAGE]
    assert told == [text for text in said if text][len(list(filter(None, said))) - len(told) :]
    calls = [call.id for message in request.messages for call in message.tool_calls]
    assert calls == [m.tool_call_id for m in request.messages if m.role == "tool"]
    assert len(set(calls)) == len(calls)
    if way != "no tools":
        assert request.tools == (SEARCH, ASK)
    else:
        assert not calls
        assert not request.tools


def test_what_was_found_last_is_shown_longest() -> None:
    limits = Limits(context_tokens=8_000, max_output_tokens=500, rounds=20)
    talk = Talk(turn("Any?"), (SEARCH,), limits)
    wide = [[number, "Show " * 15] for number in range(50)]
    talk.steps += [Step("", (tool(rows=wide, n=number),)) for number in range(8)]
    results = [m for m in talk.request().messages if m.role == "tool"]
    lengths = [len(message.content) for message in results]
    assert len(lengths) == 8
    assert max(lengths[:-1]) <= SHORT < lengths[-1]
    assert [json.loads(message.content)["n"] for message in results] == list(range(8))


WORDS = [f"{number} {'word ' * 100}" for number in range(40)]


def test_a_long_conversation_leaves_room_for_what_tools_find() -> None:
    for characters in range(9_000, 16_000, 500):
        talk = Talk(turn(*WORDS, "x" * characters), (SEARCH,), Limits(context_tokens=12_000))
        assert talk.recalled.kept
        talk.before = "b" * (3 * MOST)
        talk.steps.append(Step("", (tool(rows=[["x" * 200]] * 50),)))
        (result,) = [m for m in talk.request().messages if m.role == "tool"]
        assert len(result.content) > SHORT


def test_a_long_conversation_leaves_room_for_its_summary() -> None:
    for characters in range(12_000, 24_000, 200):
        talk = Talk(turn(*WORDS, "x" * characters), (), Limits(context_tokens=12_000))
        assert talk.recalled.dropped
        talk.before = "b" * (3 * MOST)
        assert talk.request().messages


def test_more_than_can_be_shown_at_all_is_forgotten_from_its_beginning() -> None:
    limits = Limits(context_tokens=4_000, max_output_tokens=500, rounds=200)
    talk = Talk(turn("Any?"), (SEARCH,), limits)
    talk.steps += [Step("", (tool(rows=ROWS, n=number),)) for number in range(100)]
    results = [m for m in talk.request().messages if m.role == "tool"]
    assert 1 < len(results) < 100
    assert json.loads(results[-1].content)["n"] == 99


def test_a_message_that_does_not_fit_by_itself_is_too_long() -> None:
    talk = Talk(turn("word " * 3_000), (SEARCH,), Limits(context_tokens=4_000))
    with pytest.raises(AssistantFailed) as raised:
        talk.request()
    assert raised.value.code == "too_long"


@pytest.mark.parametrize("text", ["", "a", "words in English", "字字字", "🎷🎷", "12.50, 13.75"])
def test_tokens_are_counted_on_the_safe_side(text: str) -> None:
    assert tokens(text) >= len(text) / 4
    assert tokens(clipped(text * 100, 7)) <= 7
    assert (text * 100).startswith(clipped(text * 100, 7))


@pytest.mark.parametrize("limit", [SHORTEST, SHORT, 6_000])
@pytest.mark.parametrize(
    "part",
    [
        tool(rows=ROWS * 20),
        tool(rows=[["x" * 3_000] * 20] * 50),
        tool(analysis="y" * 50_000, rows=ROWS),
        tool(error="z" * 50_000),
        tool("ask_data", None, **{f"key {number}": number for number in range(5_000)}),
        tool(rows=[{"deep": [[["w" * 500] * 90] * 90]}]),
        tool(text="<`>" * 20_000),
    ],
)
def test_a_result_is_never_longer_than_it_may_be(part: ToolPart, limit: int) -> None:
    assert len(msgspec.json.encode(found(part, limit))) <= limit


def test_rows_that_are_cut_say_how_many_are_left_out() -> None:
    shown = found(tool(columns=["a", "b", "c"], rows=ROWS, analysis="All told."), SHORTEST)
    assert shown["analysis"] == "All told."
    assert shown["rows"][:3] == ROWS[:3]
    assert shown["rows"][-1] == f"({50 - len(shown['rows']) + 1} more are left out)"


def test_what_only_people_look_at_is_left_out_of_a_result() -> None:
    part = tool(total=1, chart={"mark": "bar"}, sql="select 1", thread={"spec": 1}, reason=None)
    assert found(part, SHORT) == {"total": 1}


def test_what_a_model_has_no_use_for_is_left_out_of_events_and_columns() -> None:
    event = {"id": "5", "title": "Jazz", "ends_at": None, "places": 0, "url": "/events/5"}
    column = {"name": "sum_total", "title": "Total", "type": "integer"}
    part = tool(total=0, events=[event], columns=[column], unplaced=[], truncated=False, sql=None)
    assert found(part, SHORT) == {
        "total": 0,
        "events": [{"title": "Jazz", "places": 0, "url": "/events/5"}],
        "columns": ["Total (integer)"],
    }


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        (["Hello", " there"], ["Hello", " there"]),
        (["<think>Hm</think>Hello"], ["Hello"]),
        (["\n<th", "ink>Hm", ".</thi", "nk>\n", "\nHel", "lo"], ["Hel", "lo"]),
        (["<", "b>bold"], ["<b>bold"]),
        (["<"], ["<"]),
        (["<think>never ends"], []),
        (["<think>Hm</think>"], []),
        (["Well <think>", "aloud</think>"], ["Well <think>", "aloud</think>"]),
        (["  \n", "Hello "], ["Hello "]),
        (["a\0b"], ["ab"]),
    ],
)
def test_thoughts_at_the_beginning_are_not_said(pieces: list[str], said: list[str]) -> None:
    voice = Voice()
    voice.begin()
    heard = [voice.say(piece) for piece in pieces] + [voice.end()]
    assert [each for each in heard if each] == said
    assert voice.text == "".join(said)
    assert without_thoughts("".join(pieces)).strip().replace("\0", "") == "".join(said).strip()


def test_each_reply_begins_a_paragraph() -> None:
    voice = Voice()
    told = ""
    for reply in (["I look."], [], [" \n"], ["There ", "is one."]):
        voice.begin()
        told += "".join(map(voice.say, reply)) + voice.end()
    assert told == "I look.\n\nThere is one."
    assert voice.text == "There is one."


def test_a_model_is_told_which_days_are_which() -> None:
    saturday = instructions(
        datetime(2026, 11, 21, 17, 3, tzinfo=UTC), tools=True, found=False, before=""
    )
    assert "Today is Saturday, 21 November 2026; it is 17:03 in UTC." in saturday
    assert "Sat 2026-11-21, Sun 2026-11-22, Mon 2026-11-23" in saturday
    assert "Sat 2026-12-05." in saturday
    assert '"This weekend" is 2026-11-21 and 2026-11-22, "next weekend" 2026-11-28' in saturday
    monday = instructions(
        datetime(2026, 11, 23, 9, 0, tzinfo=UTC), tools=True, found=False, before=""
    )
    assert '"This weekend" is 2026-11-28 and 2026-11-29, "next weekend" 2026-11-28' in monday
