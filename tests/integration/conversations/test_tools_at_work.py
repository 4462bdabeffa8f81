"""The tools of assistants on a real catalogue and real datasets."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec

from asking import load
from bootstrap import Application
from conftest import caught_up
from contexts.conversations.application.content import Message, ToolPart
from contexts.conversations.application.tools import BusTools
from listings import event_id, plan, take_in, zone
from shared.application.context import current_context, running_in

SOON = (datetime.now(UTC) + timedelta(days=30)).date()


async def use(
    application: Application, name: str, path: tuple[Message, ...] = (), **arguments: Any
) -> ToolPart:
    return await BusTools(application.bus()).call("c1", name, arguments, path)


def answer(part: ToolPart) -> Message:
    return Message(
        id=uuid4(),
        parent_id=None,
        author="assistant",
        parts=(msgspec.json.decode(msgspec.json.encode(part), type=ToolPart),),
        written_at=datetime.now(UTC),
    )


async def test_the_catalogue_is_searched_and_refuses_what_makes_no_sense(
    application: Application,
) -> None:
    await take_in(
        application,
        plan("Jazz Concert", f"{SOON}T20:00", zones=(zone("12.50"), zone("80", 0))),
        plan("Opera", f"{SOON}T20:00", zones=(zone("80"),)),
    )
    await caught_up(application)
    day = {"from": str(SOON), "to": str(SOON)}
    found = await use(application, "search_events", words="concerts", max_price=30, **day)
    assert found.error is None
    assert found.result == {
        "total": 1,
        "events": [
            {
                "id": str(event_id("Jazz Concert")),
                "title": "Jazz Concert",
                "starts_at": f"{SOON}T20:00:00",
                "ends_at": None,
                "timezone": "UTC",
                "min_price": 12.5,
                "max_price": 12.5,
                "places": 10,
                "organizer": None,
                "url": f"/events/{event_id('Jazz Concert')}",
            }
        ],
    }
    refused = await use(application, "search_events", max_price=-1)
    assert refused.error == "max_price: give an amount such as 30 or 12.50"


async def test_a_conversation_goes_on_from_one_question_to_the_next(
    application: Application,
) -> None:
    await load(application)
    await load(application, b"author,pages\nMoore,120\nLind,80\n", "books")
    await caught_up(application)
    first = await use(application, "ask_data", question="total fare by city")
    assert first.result is not None
    assert first.result["rows"] == [["Halvora", 72.25], ["Nieve", 64], ["Saltmarsh", 8.25]]
    assert first.result["chart"]["data"]["values"]
    path = (answer(first),)
    only = await use(application, "ask_data", path, question="and only April?")
    assert only.result is not None
    assert only.result["rows"] == [["Nieve", 44], ["Halvora", 12]]
    path = (*path, answer(only), answer(await use(application, "list_datasets")))
    pages = await use(application, "ask_data", path, question="total pages by author")
    assert pages.result is not None
    assert pages.result["dataset"] == "books"
    driver = await use(application, "ask_data", path, question="by driver")
    assert (driver.result or {})["rows"] == [[4, 44], [7, 12]]
    anew = await use(application, "ask_data", path, question="by driver", new_topic=True)
    assert (anew.result or {})["rows"] == [[7, 3], [4, 2], [9, 2]]


async def test_each_tenant_has_its_own(application: Application) -> None:
    await load(application)
    await caught_up(application)
    here = await use(application, "list_datasets")
    assert [each["name"] for each in (here.result or {})["datasets"]] == ["trips", "events"]
    elsewhere = msgspec.structs.replace(current_context(), tenant="elsewhere")
    with running_in(elsewhere):
        there = await use(application, "list_datasets")
        assert [each["name"] for each in (there.result or {})["datasets"]] == ["events"]
        asked = await use(application, "ask_data", question="total fare", dataset="trips")
        assert (asked.result or {})["reason"] == "there is no dataset 'trips'"
