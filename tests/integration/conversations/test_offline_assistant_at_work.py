"""Conversations without a model, on a real catalogue and real datasets."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from asking import load
from bootstrap import Application
from conftest import caught_up
from contexts.conversations.application.ports import Said, ToolDone
from contexts.conversations.application.tools import BusTools
from contexts.conversations.infrastructure.offline_assistant import OfflineAssistant
from listings import plan, take_in, zone
from offline_paths import turn

TODAY = datetime.now(UTC).date()
SATURDAY = TODAY + timedelta(days=(5 - TODAY.weekday()) % 7 + 7)
"""Of a weekend that is neither over nor this one's."""

NOW = datetime.combine(SATURDAY - timedelta(days=3), datetime.min.time(), UTC)
"""The Wednesday before it."""


class Chat:
    """Goes on with a conversation, as it would be kept."""

    def __init__(self, application: Application) -> None:
        self._assistant = OfflineAssistant(BusTools(application.bus()))
        self._said: list[Any] = []

    async def say(self, text: str) -> str:
        parts: list[Any] = []
        told = ""
        async for piece in self._assistant.reply(turn(*self._said, text, now=NOW)):
            if isinstance(piece, ToolDone):
                parts.append(piece.part)
            elif isinstance(piece, Said):
                told += piece.text
        self._said += [text, [*parts, told]]
        return told


def said(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b} {day.year}, 21:00"


async def test_a_search_of_the_catalogue_is_narrowed_word_by_word(
    application: Application,
) -> None:
    sunday, later = SATURDAY + timedelta(days=1), SATURDAY + timedelta(days=9)
    await take_in(
        application,
        plan("Quiet Concert", f"{SATURDAY}T21:00", zones=(zone("12.50"), zone("18"))),
        plan("Loud Concert", f"{SATURDAY}T21:00", zones=(zone("45"),)),
        plan("Late Play", f"{sunday}T21:00", zones=(zone("9"),)),
        plan("Far Concert", f"{later}T21:00", zones=(zone("20"),)),
    )
    await caught_up(application)
    chat = Chat(application)
    told = await chat.say("concerts next weekend under 30 euros")
    assert told.startswith("There is 1 event with 'concerts' in the title from Saturday")
    assert told.endswith(f"- Quiet Concert — {said(SATURDAY)} — price 12.50 to 18 — 20 places left")
    assert "- Loud Concert" in await chat.say("up to 50?")
    told = await chat.say("cheaper ones?")
    assert "Quiet Concert" in told
    assert "Loud Concert" not in told
    told = await chat.say("and the week after?")
    assert told.endswith(f"- Far Concert — {said(later)} — price 20 — 10 places left")
    told = await chat.say("the first one")
    assert told.startswith("**Far Concert**\n")
    told = await chat.say("what's on next weekend?")
    assert told.count("\n- ") == 3


async def test_a_dataset_is_asked_and_gone_on_from(application: Application) -> None:
    await load(application)
    await load(application, b"author,pages\nMoore,120\nLind,80\n", "book_list")
    await caught_up(application)
    chat = Chat(application)
    told = await chat.say("total fare by city")
    assert "\n- Halvora: 72.25\n- Nieve: 64\n- Saltmarsh: 8.25\n" in told
    assert "\n- Nieve: 44\n- Halvora: 12\n" in await chat.say("and only April?")
    assert "A pie chart comes with it." in await chat.say("as a pie")
    told = await chat.say("how many rows in book_list")
    assert told.startswith("Number of rows: 2.")
    assert (await chat.say("total pages by author")).count("\n- ") == 2
    assert "these would work" in (await chat.say("total wingspan per eagle")).lower()
    told = await chat.say("which datasets are there?")
    assert told.startswith("There are 3 datasets:")
    assert "trips — 7 rows — day, city, driver_id" in told


async def test_events_of_a_month_are_counted_as_those_that_come(application: Application) -> None:
    month = (NOW.date().replace(day=1) + timedelta(days=62)).replace(day=10)
    years = [month, month.replace(year=month.year + 1)]
    await take_in(
        application,
        *(plan(f"Night {at}", f"{at}T21:00", zones=(zone("9"),)) for at in years),
    )
    await caught_up(application)
    chat = Chat(application)
    counted = await chat.say(f"how many events are there in {month:%B}?")
    assert counted.startswith("Number of events: 1.")
    assert f"{month:%B} {month.year}" in counted
    told = await chat.say(f"how many concerts are there in {month:%B}?")
    assert "so I searched the catalogue" in told
    assert f"- Night {month} — " in told
