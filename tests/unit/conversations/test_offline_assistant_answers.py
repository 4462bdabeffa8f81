"""What the offline assistant does with tools, step by step, and what it says."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from contexts.conversations.infrastructure.offline_assistant import OfflineAssistant, writing
from contexts.conversations.infrastructure.offline_assistant.reading import read
from offline_paths import NOW, asked, event, found, path, turn
from offline_readings import told
from offline_tools import ToldTools, replied

ANSWER: dict[str, Any] = {
    "outcome": "answered",
    "dataset": "sales",
    "explanation": "Total by product name; the highest first; only the first 2",
    "assumptions": ["Asked of the dataset 'sales', which it fits best"],
    "columns": [
        {"name": "product_name", "title": "Product name", "type": "text"},
        {"name": "total", "title": "Total", "type": "decimal"},
    ],
    "rows": [["Cone", 31819000], ["Cake", 1250.5]],
    "truncated": False,
    "chart_type": "bar",
    "chart": {"mark": "bar"},
    "analysis": "Highest total: Cone with 31,819,000.",
}
UNCLEAR = {
    "outcome": "needs_clarification",
    "reason": "the question fits box_office and sales alike: which of them is meant?",
    "options": [
        {"label": "in box_office", "question": "revenue", "dataset": "box_office"},
        {"label": "in sales", "question": "revenue", "dataset": "sales"},
    ],
}
UNANSWERABLE = {
    "outcome": "unanswerable",
    "reason": "nothing in events tells what 'gigs' means",
    "suggestions": ["how many events are there by month"],
}
NOTHING: dict[str, Any] = {"total": 0, "events": []}


def catalogue(*events: dict[str, Any]) -> ToldTools:
    """Finds among those as the real one does: by start, by price, by words, so many at once."""

    def search(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        assert name == "search_events"
        start, end = str(given.get("from", "")), str(given.get("to", "9"))
        least, most = (
            Decimal(str(given.get(f"{m}_price", d))) for m, d in (("min", 0), ("max", 9999))
        )
        fitting = [
            each
            for each in sorted(events, key=lambda each: str(each["starts_at"]))
            if start <= each["starts_at"]
            and each["starts_at"][: len(end)] <= end
            and all(
                word.lower() in each["title"].lower() for word in given.get("words", "").split()
            )
            and Decimal(each["min_price"]) <= most
            and Decimal(each["max_price"]) >= least
        ]
        return {"total": len(fitting), "events": fitting[: given["limit"]]}

    return ToldTools(search)


MANY = [event(f"Night {n}", str(100 - n), f"2026-12-{n % 28 + 1:02}") for n in range(60)]


async def test_a_search_tells_the_total_what_was_understood_and_a_line_for_each_event() -> None:
    tools = catalogue(
        event("Late Quartets", "18", max_price="46.5"), event("Kettle Black", "12", "2026-11-22")
    )
    reply = await replied(tools, turn("what's on this weekend under 30 euros"))
    assert tools.calls == [
        (
            "search_events",
            {"from": "2026-11-21", "to": "2026-11-22", "max_price": 30, "limit": 10},
        )
    ]
    assert reply.text == (
        "There are 2 events from Saturday 21 November to Sunday 22 November 2026 for at most 30."
        "\n\n"
        "- Late Quartets — Sat 21 Nov 2026, 21:00 — price 18 to 46.50 — 40 places left\n"
        "- Kettle Black — Sun 22 Nov 2026, 21:00 — price 12 — 40 places left"
    )


async def test_what_goes_on_for_days_is_told_by_its_days_and_how_long_it_is_on() -> None:
    began = event("Neon", "8", "2026-11-10") | {"ends_at": "2026-11-23T18:00:00"}
    begins = event("Glass", "5", "2026-11-20") | {"ends_at": "2026-12-02T18:00:00"}
    late = event("Late Quartets", "18", "2026-11-20") | {"ends_at": "2026-11-21T02:00:00"}
    told = ToldTools(lambda name, given: {"total": 3, "events": [began, begins, late]})
    reply = await replied(told, turn("what's on this weekend"))
    # "This weekend" is from the 21st on.
    assert "- Neon — on until Mon 23 Nov 2026 — price 8 — 40 places left" in reply.text
    assert "- Glass — on until Wed 2 Dec 2026 — " in reply.text
    assert "- Late Quartets — Fri 20 Nov 2026, 21:00 — " in reply.text
    reply = await replied(told, turn("events with neon in the title"))
    assert "- Neon — Tue 10 Nov 2026 to Mon 23 Nov 2026 — " in reply.text


async def test_an_event_that_is_on_since_before_is_one_of_those_shown() -> None:
    began = event("Neon", "8", "2026-11-10") | {"ends_at": "2026-11-23T18:00:00"}
    later = event("Late Quartets", "18", "2026-11-21")
    told = ToldTools(lambda name, given: {"total": 2, "events": [began, later]})
    first = await replied(told, turn("what's on this weekend"))
    part = found(began, later, from_="2026-11-21", to="2026-11-22")
    second = turn("what's on this weekend", [part, first.text], "the second one")
    assert "**Late Quartets**" in (await replied(told, second)).text


async def test_more_is_asked_for_from_the_first_day_where_all_shown_began_before() -> None:
    began = [
        event(f"Show {n}", "8", f"2026-11-{n:02}") | {"ends_at": "2026-12-24T18:00:00"}
        for n in range(1, 11)
    ]
    told = ToldTools(lambda name, given: {"total": 15, "events": began})
    first = await replied(told, turn("what's on this weekend"))
    part = found(*began, total=15, from_="2026-11-21", to="2026-11-22")
    await replied(told, turn("what's on this weekend", [part, first.text], "more"))
    assert told.calls[-1][1]["from"] == "2026-11-21"


async def test_more_than_are_listed_are_told_of_and_shown_page_by_page_without_a_gap() -> None:
    tools = catalogue(*MANY)
    said: list[Any] = ["events in December"]
    listed: list[str] = []
    for _ in range(6):
        reply = await replied(tools, turn(*said))
        lines = re.findall(r"^- (Night \d+) ", reply.text, re.MULTILINE)
        listed += lines
        said[-1:] = [said[-1], answer_of(said, reply), "more"]
    assert len(listed) == len(set(listed)) == 60
    assert "That was all of them." in reply.text


def answer_of(said: list[Any], reply: Any) -> Any:
    """An answer as it is kept: what tools did, and what was said."""
    return [*(done.part for done in reply.done), reply.text]


async def test_the_cheapest_is_found_also_where_it_is_not_among_the_first() -> None:
    tools = catalogue(*MANY)
    reply = await replied(tools, turn("cheapest event in December"))
    assert "There are 60 events in December 2026. The lowest price is 41." in reply.text
    assert reply.text.split("\n")[2].startswith("- Night 59 — ")
    assert len(tools.calls) <= 6


async def test_the_dearest_is_found_likewise() -> None:
    reply = await replied(catalogue(*MANY), turn("the most expensive event in December"))
    assert "The highest price is 100." in reply.text
    assert reply.text.split("\n")[2].startswith("- Night 0 — ")


async def test_what_could_not_be_proven_is_not_said_to_be_the_cheapest() -> None:
    falling = [event(f"Night {n}", str(900 - n), f"20{26 + n // 20}-12-05") for n in range(300)]
    reply = await replied(catalogue(*falling), turn("cheapest events"))
    assert "price I found is" in reply.text
    assert "there may be others" in reply.text


async def test_which_event_is_meant_follows_the_order_in_which_they_were_shown() -> None:
    tools = catalogue(event("Dear", "90", "2026-12-01"), event("Cheap", "9", "2026-12-02"))
    reply = await replied(tools, turn("cheapest event in December"))
    said = ["cheapest event in December", answer_of([], reply), "the first one"]
    detail = await replied(tools, turn(*said))
    assert detail.text.startswith("**Cheap**\nWhen: Wed 2 Dec 2026, 21:00 to 23:00 (Europe/Madrid)")
    assert not detail.begun
    beyond = await replied(tools, turn(*said[:-1], "the third one"))
    assert beyond.text == "I showed 2 events; which of them do you mean?"


async def test_nothing_found_is_said_and_what_is_near_is_told_apart() -> None:
    tools = catalogue(event("Late Jazz", "45", "2026-11-21"))
    reply = await replied(tools, turn("late jazz on Saturday under 30 euros"))
    assert reply.text.startswith(
        "I found no events with 'late jazz' in the title on Saturday 21 November 2026 for at most "
        "30."
    )
    assert "Without the limit to the price there is 1 event with 'late jazz'" in reply.text


async def test_what_comes_later_begins_behind_the_days_that_were_looked_through() -> None:
    tools = catalogue(event("Kettle Black", "12", "2026-11-27"))
    reply = await replied(tools, turn("events on Saturday"))
    assert tools.calls[-1][1]["from"] == "2026-11-22"
    assert "Later there is 1 event from Sunday 22 November 2026 on" in reply.text


async def test_a_word_for_a_kind_of_event_that_no_title_has_is_left_out_and_that_is_said() -> None:
    tools = catalogue(event("Kettle Black", "12", "2026-11-21"))
    reply = await replied(tools, turn("concerts on Saturday"))
    assert reply.text.startswith(
        "No title has 'concerts' in it, and the catalogue tells no kinds of events. There is 1 "
        "event on Saturday 21 November 2026."
    )
    said = ("concerts on Saturday", answer_of([], reply), "and on Sunday?")
    assert "words" not in (await replied(tools, turn(*said))).begun[0].arguments


async def test_a_word_that_titles_have_is_not_left_out_where_a_price_or_a_time_rules_it_out() -> (
    None
):
    tools = catalogue(
        event("Puppets for Kids", "19", "2026-11-22"), event("Kettle Black", "12", "2026-11-22")
    )
    reply = await replied(tools, turn("something for kids on Sunday under 15 euros"))
    assert reply.text.startswith(
        "I found no events with 'kids' in the title on Sunday 22 November 2026 for at most 15.\n\n"
        "Without the limit to the price there is 1 event with 'kids' in the title"
    )


async def test_more_is_of_what_was_shown_where_what_was_asked_for_was_not_found() -> None:
    late = [event(f"Late Jazz {n}", "45", f"2026-12-{n:02}") for n in range(1, 13)]
    tools = catalogue(*late, event("Kettle Black", "12", "2026-11-21"))
    reply = await replied(tools, turn("jazz on Saturday"))
    assert "Later there are 12 events with 'jazz' in the title" in reply.text
    reply = await replied(tools, turn("jazz on Saturday", answer_of([], reply), "more"))
    assert "available_only" not in tools.calls[-1][1]
    assert reply.text.count("Late Jazz") == 7


async def test_words_that_no_title_has_are_said_once_and_then_forgotten() -> None:
    tools = catalogue(event("Kettle Black", "12", "2026-11-21"))
    reply = await replied(tools, turn("zzyx"))
    assert reply.text == "No event has 'zzyx' in its title."
    said = ("zzyx", answer_of([], reply), "anything on Saturday?")
    assert "words" not in (await replied(tools, turn(*said))).begun[0].arguments
    reply = await replied(tools, turn("zzyx on Saturday"))
    assert reply.text.startswith("No event has 'zzyx' in its title. There is 1 event on Saturday")


async def test_nothing_at_all_is_said_plainly() -> None:
    reply = await replied(ToldTools(lambda *_: NOTHING), turn("jazz tomorrow under 10"))
    assert reply.text == (
        "No event has 'jazz' in its title. I found no events on Thursday 19 November 2026 for at "
        "most 10. Try another day or a higher price."
    )


async def test_an_answer_from_data_is_told_with_its_rows_and_how_it_was_understood() -> None:
    tools = ToldTools(lambda *_: ANSWER)
    reply = await replied(tools, turn("top two products"))
    assert tools.calls == [("ask_data", {"question": "top two products"})]
    assert reply.text == (
        "Highest total: Cone with 31,819,000.\n\n"
        "- Cone: 31,819,000\n"
        "- Cake: 1,250.5\n\n"
        "Understood as: total by product name; the highest first; only the first 2.\n"
        "Asked of the dataset 'sales', which it fits best.\n"
        "A bar chart comes with it."
    )


async def test_parts_of_a_whole_are_told_in_percent() -> None:
    columns = [ANSWER["columns"][0], ANSWER["columns"][1] | {"in_percent": True}]
    told = ANSWER | {"columns": columns, "rows": [["Cone", 0.4489134], ["Cake", 0.02]]}
    reply = await replied(ToldTools(lambda name, given: told), turn("share of revenue by product"))
    assert "- Cone: 44.9%\n- Cake: 2%" in reply.text


async def test_rows_that_are_not_written_out_are_told_of() -> None:
    rows = [[f"Product {n}", n] for n in range(50)]
    cut = ANSWER | {"rows": rows, "truncated": True}
    text = (await replied(ToldTools(lambda *_: cut), turn("products by revenue"))).text
    assert text.count("\n- ") == 10
    assert "These are the first 10 rows; there were more than can be kept." in text
    whole = ANSWER | {"rows": rows}
    text = (await replied(ToldTools(lambda *_: whole), turn("products by revenue"))).text
    assert "These are 10 of 50 rows." in text


async def test_times_of_data_are_told_as_what_they_stand_for() -> None:
    months = ANSWER | {
        "columns": [
            {"name": "sold_at_month", "title": "Month", "type": "date"},
            {"name": "total", "title": "Total", "type": "decimal"},
        ],
        "rows": [["2026-06-01", 3], ["2026-07-01", None]],
    }
    text = (await replied(ToldTools(lambda *_: months), turn("revenue by month"))).text
    assert "- June 2026: 3\n- July 2026: (empty)" in text


async def test_what_can_be_meant_in_two_ways_is_asked_back_and_chosen_by_number() -> None:
    tools = ToldTools(lambda *_: UNCLEAR)
    reply = await replied(tools, turn("revenue"))
    assert reply.text == (
        "The question fits box_office and sales alike: which of them is meant?\n\n"
        "Which do you mean?\n1. in box_office — revenue\n2. in sales — revenue"
    )
    chosen = ToldTools(lambda *_: ANSWER)
    await replied(chosen, turn("revenue", answer_of([], reply), "2"))
    assert chosen.calls == [("ask_data", {"question": "revenue", "dataset": "sales"})]


async def test_of_the_catalogue_and_other_data_what_names_no_event_is_of_the_other() -> None:
    options = [
        {"label": f"in {name}", "question": "compare july and august", "dataset": name}
        for name in ("box_office", "events")
    ]
    unclear = UNCLEAR | {"options": options}
    tools = ToldTools(lambda name, given: ANSWER if "dataset" in given else unclear)
    reply = await replied(tools, turn("compare july and august"))
    assert [given.get("dataset") for _, given in tools.calls] == [None, "box_office"]
    assert "Highest total" in reply.text
    # What speaks of events is asked back for, and so is what may be of other data.
    tools = ToldTools(lambda name, given: unclear)
    assert "Which do you mean?" in (await replied(tools, turn("average price of events"))).text
    # A fragment asks for no figure, whatever it fits.
    after = turn("revenue by crew", asked("revenue by crew", "unanswerable"), "in august")
    tools = ToldTools(lambda name, given: ANSWER if "dataset" in given else unclear)
    assert "Which do you mean?" in (await replied(tools, after)).text
    both = ToldTools(lambda name, given: UNCLEAR)
    assert "Which do you mean?" in (await replied(both, turn("revenue"))).text


async def test_a_dataset_that_the_question_names_need_not_be_asked_back_for() -> None:
    def tell(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        return ANSWER if given.get("dataset") == "sales" else UNCLEAR

    tools = ToldTools(tell)
    reply = await replied(tools, turn("top five products in sales"))
    assert tools.calls[0] == ("ask_data", {"question": "top five products in sales"})
    assert tools.calls[1][1]["dataset"] == "sales"
    assert reply.text.startswith("Highest total")


async def test_a_fragment_stays_with_the_data_that_was_asked_before() -> None:
    def tell(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        if given.get("dataset") == "sales":
            return UNANSWERABLE | {"reason": "nothing in sales tells what 'online' means"}
        return ANSWER | {"dataset": "events"}

    tools = ToldTools(tell)
    said = ("revenue", asked("revenue"), "nonsense", asked("nonsense", "unanswerable"))
    reply = await replied(tools, turn(*said, "only online"))
    assert [given.get("dataset") for _, given in tools.calls] == [None, "sales"]
    assert "nothing in sales tells" in reply.text


async def test_a_fragment_of_no_answer_is_said_to_be_taken_by_itself() -> None:
    tools = ToldTools(lambda *_: ANSWER)
    declined = asked("tickets per order on average", "unanswerable", dataset=None)
    reply = await replied(tools, turn("tickets per order on average", declined, "by channel"))
    assert reply.text.startswith("The question before has no answer to go on from")
    reply = await replied(tools, turn("revenue", asked("revenue"), "by channel"))
    assert reply.text.startswith("Highest total")


async def test_what_was_looked_up_in_a_single_row_is_told() -> None:
    row = ANSWER | {
        "columns": [{"name": "price", "title": "Price", "type": "decimal"}],
        "rows": [[56]],
        "analysis": "There is 1 row.",
    }
    assert "\n- 56\n" in (await replied(ToldTools(lambda *_: row), turn("revenue"))).text
    figure = row | {"analysis": "Price: 56."}
    assert "- 56" not in (await replied(ToldTools(lambda *_: figure), turn("revenue"))).text


async def test_a_dataset_is_told_of_by_its_name_in_words() -> None:
    box_office = {"name": "box_office", "columns": [{"title": "show", "type": "text"}]}
    tools = ToldTools(lambda *_: {"datasets": [box_office]})
    reply = await replied(tools, turn("tell me about the box office"))
    assert "show (text)" in reply.text
    reply = await replied(tools, turn("tell me about the moon"))
    assert reply.text.startswith("I can't answer that")


async def test_a_question_of_its_own_chooses_none_of_the_options() -> None:
    options = [
        {"label": f"in {name}", "question": "how many different shows", "dataset": name}
        for name in ("box_office", "events")
    ]
    unclear = asked("how many different shows", **UNCLEAR | {"options": options})
    for message, dataset in (
        ("the events one please", "events"),
        ("box office", "box_office"),
        ("and the second one", "events"),
    ):
        wish = read(path("how many different shows", unclear, message), NOW)
        assert told(wish) == ("ask", {"question": "how many different shows", "dataset": dataset})
    own = read(path("how many different shows", unclear, "how many events next week"), NOW)
    assert told(own)[1]["question"] == "how many events next week"


async def test_a_question_that_does_not_go_on_from_the_last_is_asked_anew() -> None:
    def tell(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        return ANSWER if given.get("new_topic") else UNANSWERABLE

    tools = ToldTools(tell)
    said = ("revenue", asked("revenue"), "how many waiters are there")
    reply = await replied(tools, turn(*said))
    assert [call[1].get("new_topic", False) for call in tools.calls] == [False, True]
    assert reply.text.startswith("Highest total")
    fragment = ToldTools(tell)
    await replied(fragment, turn("revenue", asked("revenue"), "and only Otto"))
    assert len(fragment.calls) == 1, "a fragment means nothing by itself"


async def test_a_name_that_is_no_dataset_stays_in_the_question() -> None:
    def tell(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        return UNANSWERABLE if given.get("dataset") else ANSWER

    tools = ToldTools(tell)
    await replied(tools, turn("how many rows in November"))
    assert tools.calls == [
        ("ask_data", {"question": "how many rows", "dataset": "November"}),
        ("ask_data", {"question": "how many rows in November"}),
    ]


async def test_a_question_the_data_declines_is_searched_for_and_that_is_said() -> None:
    def tell(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        return UNANSWERABLE if name == "ask_data" else {"total": 1, "events": [event("Late Gigs")]}

    tools = ToldTools(tell)
    reply = await replied(tools, turn("how many gigs are there this weekend"))
    assert [name for name, _ in tools.calls] == ["ask_data", "search_events"]
    assert reply.text.startswith(
        "The data can't answer that (nothing in events tells what 'gigs' means), so I searched the "
        "catalogue.\n\nThere is 1 event"
    )


async def test_a_search_is_never_asked_of_the_data() -> None:
    tools = ToldTools(lambda *_: NOTHING)
    await replied(tools, turn("jazz under 20 euros next Friday"))
    assert {name for name, _ in tools.calls} == {"search_events"}


async def test_what_is_declined_says_why_and_what_would_work() -> None:
    reply = await replied(ToldTools(lambda *_: UNANSWERABLE), turn("total wingspan by eagle"))
    assert reply.text == (
        "I can't answer that from the data: nothing in events tells what 'gigs' means.\n\n"
        "These would work, or are close to it:\n- how many events are there by month"
    )


@pytest.mark.parametrize(
    ("message", "begins"),
    [
        ("concerts tonight", "Searching the catalogue did not work: It took longer than 30 s"),
        ("cheapest concerts", "Searching the catalogue did not work: It took longer than 30 s"),
        ("revenue by month", "Asking the data did not work: It took longer than 30 s"),
        ("which datasets are there", "Looking up the data did not work: It took longer than 30 s"),
        ("help", "Looking up the data did not work: It took longer than 30 s"),
    ],
)
async def test_trouble_of_a_tool_is_told_in_a_sentence(message: str, begins: str) -> None:
    tools = ToldTools(lambda *_: "it took longer than 30 s")
    reply = await replied(tools, turn(message))
    assert reply.text == f"{begins}. Please try again, or ask otherwise."
    assert reply.done[0].part.error is not None


async def test_help_shows_questions_that_the_data_answers() -> None:
    there = {
        "datasets": [
            {
                "name": "sales",
                "rows": 24212,
                "columns": [{"title": "waiter", "type": "text", "kind": "dimension"}],
                "examples": ["total by month", "top 5 products by total"],
            }
        ]
    }
    text = (await replied(ToldTools(lambda *_: there), turn("help"))).text
    assert "- total by month (of sales)" in text
    assert "LLM_MODEL" in text
    text = (await replied(ToldTools(lambda *_: there), turn("which datasets are there?"))).text
    assert text.startswith("There is 1 dataset:\n- sales — 24,212 rows — waiter\n")
    text = (await replied(ToldTools(lambda *_: {"datasets": []}), turn("list datasets"))).text
    assert text == "There is no data to ask yet."


@pytest.mark.parametrize(
    "message",
    [
        "hello",
        "thanks",
        "bye",
        "who are you",
        "book me a ticket",
        "write a poem",
        "hola que hay hoy",
    ],
)
async def test_what_needs_no_tool_uses_none(message: str) -> None:
    tools = ToldTools(lambda *_: NOTHING)
    reply = await replied(tools, turn(message))
    assert not tools.calls
    assert reply.text


async def test_what_it_cannot_do_is_said_with_what_it_can_and_how_more_could_be() -> None:
    text = (await replied(ToldTools(lambda *_: NOTHING), turn("what is the capital of Peru"))).text
    assert text.startswith("I can't answer that")
    assert "I can search the catalogue" in text
    assert "LLM_MODEL" in text


async def test_a_text_comes_in_pieces_of_a_few_words_that_together_are_the_text() -> None:
    reply = await replied(catalogue(*MANY), turn("events in December"))
    assert len(reply.pieces) > 10
    assert max(map(len, reply.pieces)) < 120
    text = "  a\n\n- b  c\n" + "word " * 100 + "x" * 500 + "\n"
    assert "".join(writing.pieces(text)) == text


async def test_the_same_conversation_is_answered_the_same() -> None:
    at = turn("events in December")
    texts = {(await replied(catalogue(*MANY), at)).text for _ in range(3)}
    assert len(texts) == 1


async def test_closing_the_reply_ends_it_before_another_tool_is_used() -> None:
    tools = ToldTools(lambda *_: NOTHING)
    reply = OfflineAssistant(tools).reply(turn("jazz tomorrow under 10"))
    await anext(reply)
    await anext(reply)
    await reply.aclose()
    assert len(tools.calls) == 1


async def test_calls_are_told_apart_by_their_ids() -> None:
    reply = await replied(ToldTools(lambda *_: NOTHING), turn("jazz tomorrow under 10"))
    ids = [begun.id for begun in reply.begun]
    assert len(ids) == len(set(ids)) > 1
    assert ids == [done.part.id for done in reply.done]


def test_a_search_of_a_model_with_numbers_as_texts_can_be_gone_on_from() -> None:
    model = found(event("A"), words="jazz", max_price="30", available_only="true", from_=" ")
    wish = read(path("jazz", model, "and tomorrow?"), NOW)
    assert told(wish) == (
        "search",
        {
            "words": "jazz",
            "from": "2026-11-19",
            "to": "2026-11-19",
            "max_price": 30,
            "available_only": True,
        },
    )


async def test_a_dataset_is_described_with_all_its_columns_and_what_it_answers() -> None:
    columns = [{"title": f"c{n}", "type": "text", "kind": "dimension"} for n in range(12)]
    sales = {
        "name": "sales",
        "rows": 3,
        "description": "3 rows; date from 2024-09-21 to 2024-11-20",
        "columns": columns,
        "examples": ["total by month"],
    }
    tools = ToldTools(lambda *_: {"datasets": [sales]})
    reply = await replied(tools, turn("columns of Sales"))
    assert reply.text.startswith("sales: 3 rows; date from 2024-09-21 to 2024-11-20\n")
    assert reply.text.count(" (text)") == 12
    assert reply.text.endswith('- "total by month"')
    reply = await replied(tools, turn("columns of wages"))
    assert reply.text.startswith("There is no dataset 'wages'. There is 1 dataset:\n- sales")


async def test_only_those_words_are_said_to_be_in_no_title_that_are_in_none() -> None:
    tools = catalogue(event("Piano Concert", "18", "2026-11-21"))
    reply = await replied(tools, turn("zzyx concert on Saturday"))
    assert reply.text.startswith(
        "No event has 'zzyx' in its title. There is 1 event with 'concert' in the title on Saturday"
    )
    said = ("zzyx concert on Saturday", answer_of([], reply), "and on Sunday?")
    assert (await replied(tools, turn(*said))).begun[0].arguments["words"] == "concert"


async def test_an_amount_for_several_is_shared_and_that_is_said() -> None:
    tools = catalogue(event("Piano Concert", "18", "2026-11-21"))
    reply = await replied(tools, turn("concert on Saturday for two people under 40 euros in total"))
    assert tools.calls[0][1]["max_price"] == 20
    assert "Prices are for one place, so I shared the amount among 2." in reply.text


async def test_another_word_for_the_same_is_looked_for_where_titles_have_that() -> None:
    tools = catalogue(event("Puppets for Kids", "9", "2026-11-22"))
    reply = await replied(tools, turn("anything for children on Sunday?"))
    assert reply.text.startswith(
        "No title has 'children' in it, so I looked for 'kids'. There is 1 event with 'kids' in"
    )


async def test_words_that_no_title_has_together_are_looked_for_one_by_one() -> None:
    tools = catalogue(event("Rock Night", "9", "2026-11-21"), event("Jazz Night", "9"))
    reply = await replied(tools, turn("rock or jazz on Saturday"))
    assert reply.text.startswith("No event has all of 'rock jazz' in its title.\n\n")
    assert "\n- Rock Night — " in reply.text
    assert "\n- Jazz Night — " in reply.text
