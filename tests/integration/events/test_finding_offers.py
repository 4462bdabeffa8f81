"""What other contexts find in the catalogue: by words, by the venue's clock, by what it costs."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bootstrap import Application
from conftest import caught_up
from contexts.events.application.commands import AnnounceEvent, AskedZone, CancelEvent
from contexts.events.application.finding import find_offers
from contexts.events.published import FindOffers, OffersFound
from listings import plan, take_in, zone
from shared.domain.errors import Invalid

NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)
"""A Wednesday."""

EXHIBITION = "Lighthouses: An Exhibition"
"""From February to April."""


async def found(application: Application, *, now: datetime = NOW, **wishes: Any) -> OffersFound:
    return await find_offers(FindOffers(**wishes), application.bus(), lambda: now)


async def titles(application: Application, *, now: datetime = NOW, **wishes: Any) -> list[str]:
    return [offer.title for offer in (await found(application, now=now, **wishes)).offers]


@pytest.fixture
async def catalogue(application: Application) -> Application:
    await take_in(
        application,
        plan("Concert for Two Pianos", "2027-03-13T20:00", "2027-03-13T22:00"),
        plan("Jazz on Sunday", "2027-03-14T23:30", "2027-03-15T01:30"),
        plan("Concierto de Año Nuevo", "2027-03-19T20:00", zones=(zone("12.50"), zone("80"))),
        plan("Yesterday's Concert", "2027-03-09T20:00", "2027-03-09T22:00"),
        plan(EXHIBITION, "2027-02-01T10:00", "2027-04-01T18:00"),
        plan(
            "Cheap Seats Gone",
            "2027-03-20T20:00",
            zones=(zone("10", 0), zone("45", 3), zone("60", 0)),
        ),
        plan("Sold Out Concerts", "2027-03-13T19:00", zones=(zone("20", 0),)),
    )
    await take_in(
        application,
        plan("Far East Concert", "2027-03-13T09:00"),
        provider="far",
        timezone="Pacific/Kiritimati",
    )
    await take_in(
        application,
        plan("Far West Concert", "2027-03-14T23:00"),
        provider="west",
        timezone="Pacific/Pago_Pago",
    )
    await caught_up(application)
    return application


async def test_an_offer_says_when_where_and_for_how_much(catalogue: Application) -> None:
    only = await found(catalogue, words="cheap seats")
    (offer,) = only.offers
    assert only.total == 1
    assert (offer.local_starts_at, offer.timezone) == (datetime(2027, 3, 20, 20), "UTC")
    assert (offer.min_price, offer.max_price) == (Decimal("10"), Decimal("60"))
    assert (offer.available_min_price, offer.available_max_price) == (Decimal("45"), Decimal("45"))
    assert (offer.places, offer.provider) == (3, "acme")


async def test_what_is_over_is_not_offered_and_what_goes_on_is(catalogue: Application) -> None:
    there = await titles(catalogue)
    assert "Yesterday's Concert" not in there
    assert there[0] == EXHIBITION
    late = datetime(2027, 3, 13, 21, 30, tzinfo=UTC)
    today = {"starts_from": datetime(2027, 3, 13), "starts_to": datetime(2027, 3, 13, 23, 59)}
    assert await titles(catalogue, now=late, **today) == [EXHIBITION, "Concert for Two Pianos"]


async def test_a_range_that_has_passed_is_looked_through_as_it_was(catalogue: Application) -> None:
    day = {"starts_from": datetime(2027, 3, 9), "starts_to": datetime(2027, 3, 9, 23, 59)}
    assert await titles(catalogue, **day) == [EXHIBITION, "Yesterday's Concert"]


async def test_on_a_day_there_is_what_began_before_and_goes_on(catalogue: Application) -> None:
    last = {"starts_from": datetime(2027, 4, 1), "starts_to": datetime(2027, 4, 1, 23, 59)}
    assert await titles(catalogue, **last) == [EXHIBITION]
    over = {"starts_from": datetime(2027, 4, 2), "starts_to": datetime(2027, 4, 2, 23, 59)}
    assert await titles(catalogue, **over) == []
    # "Jazz on Sunday" goes on past midnight, which makes it no event of Monday.
    monday = {"starts_from": datetime(2027, 3, 15), "starts_to": datetime(2027, 3, 15, 23, 59)}
    assert await titles(catalogue, **monday) == [EXHIBITION]


async def test_from_an_hour_on_only_what_begins_then_is_offered(catalogue: Application) -> None:
    evening = {
        "starts_from": datetime(2027, 3, 13, 18),
        "starts_to": datetime(2027, 3, 13, 23, 59),
    }
    assert await titles(catalogue, **evening) == ["Concert for Two Pianos"]


async def test_a_weekend_is_that_of_each_venue(catalogue: Application) -> None:
    # In Kiritimati (UTC+14) it begins on Friday by UTC, in Pago Pago (UTC-11) it ends on Monday.
    weekend = {
        "starts_from": datetime(2027, 3, 13),
        "starts_to": datetime(2027, 3, 14, 23, 59, 59, 999_999),
    }
    assert await titles(catalogue, **weekend) == [
        EXHIBITION,
        "Far East Concert",
        "Concert for Two Pianos",
        "Jazz on Sunday",
        "Far West Concert",
    ]
    sunday = {**weekend, "starts_from": datetime(2027, 3, 14)}
    assert await titles(catalogue, **sunday) == [EXHIBITION, "Jazz on Sunday", "Far West Concert"]
    saturday = {**weekend, "starts_to": datetime(2027, 3, 13, 9)}
    assert await titles(catalogue, **saturday) == [EXHIBITION, "Far East Concert"]


async def test_both_ends_of_a_range_belong_to_it(catalogue: Application) -> None:
    start = datetime(2027, 3, 19, 20)
    assert await titles(catalogue, starts_from=start, starts_to=start) == ["Concierto de Año Nuevo"]


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ({"max_price": Decimal("12.50")}, {"Concierto de Año Nuevo"}),
        ({"max_price": Decimal("12.49")}, set()),
        ({"min_price": Decimal("45")}, {"Concierto de Año Nuevo", "Cheap Seats Gone"}),
        ({"min_price": Decimal("81")}, set()),
        (
            {"max_price": Decimal("20"), "available_only": False},
            {"Concierto de Año Nuevo", "Cheap Seats Gone", "Sold Out Concerts"},
        ),
    ],
)
async def test_prices_are_those_of_places_that_are_left_unless_all_count(
    catalogue: Application, wishes: dict[str, Any], expected: set[str]
) -> None:
    there = await titles(catalogue, **wishes)
    of_15_to_30 = {"Concert for Two Pianos", "Jazz on Sunday", EXHIBITION}
    assert {*there} - of_15_to_30 - {"Far East Concert", "Far West Concert"} == expected


async def test_without_places_it_is_offered_only_to_those_who_want_all(
    catalogue: Application,
) -> None:
    assert "Sold Out Concerts" not in await titles(catalogue)
    assert "Sold Out Concerts" in await titles(catalogue, available_only=False)


async def test_a_plural_finds_the_singular_and_other_languages(catalogue: Application) -> None:
    concerts = await titles(catalogue, words="concerts", available_only=False)
    assert concerts == [
        "Far East Concert",
        "Sold Out Concerts",
        "Concert for Two Pianos",
        "Far West Concert",
    ]
    assert await titles(catalogue, words="CONCIERTOS año") == ["Concierto de Año Nuevo"]
    assert await titles(catalogue, words="pianos, concert!") == ["Concert for Two Pianos"]


@pytest.mark.parametrize("words", ["unicorns", "concert unicorns", "!!!", "'; drop table"])
async def test_words_that_nothing_is_called_by_find_nothing(
    catalogue: Application, words: str
) -> None:
    assert await found(catalogue, words=words) == OffersFound(0, ())


@pytest.mark.parametrize(
    ("words", "title", "hit"),
    [
        ("comedies", "A Comedy of Errors", True),
        ("matches", "Match Point", True),
        ("blues", "Blue Man", False),
        ("circus", "Circu", False),
        ("chess", "Ches", False),
        ("shows", "The Show", True),
        ("abcs", "Abc", False),
        ("jazz", "Jazzy", True),
    ],
)
async def test_only_plurals_lose_their_s(
    application: Application, words: str, title: str, hit: bool
) -> None:
    await take_in(application, plan(title, "2027-03-13T20:00"))
    await caught_up(application)
    assert (await found(application, words=words)).total == hit


async def test_the_total_counts_all_and_the_first_come_back(catalogue: Application) -> None:
    few = await found(catalogue, limit=2)
    assert (few.total, len(few.offers)) == (7, 2)
    starts = [offer.local_starts_at for offer in (await found(catalogue)).offers]
    assert starts[:2] == [datetime(2027, 2, 1, 10), datetime(2027, 3, 13, 9)]


async def test_what_was_cancelled_is_never_offered(application: Application) -> None:
    announced = await application.bus()(
        AnnounceEvent(
            title="Off",
            starts_at=datetime(2027, 3, 13, 20),
            timezone="UTC",
            zones=(AskedZone("1", "Stalls", Decimal("20"), 5),),
        )
    )
    await caught_up(application)
    assert await titles(application) == ["Off"]
    await application.bus()(CancelEvent(announced.id, "ill"))
    await caught_up(application)
    assert await titles(application, available_only=False) == []


@pytest.mark.parametrize(
    ("wishes", "named"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 21}, "limit"),
        ({"words": "x" * 201}, "words"),
        ({"starts_from": datetime(2027, 1, 1, tzinfo=UTC)}, "starts_from"),
        ({"starts_to": datetime(1, 1, 1)}, "starts_to"),
        ({"starts_from": datetime(2027, 1, 2), "starts_to": datetime(2027, 1, 1)}, "starts_from"),
        ({"min_price": Decimal(-1)}, "min_price"),
        ({"max_price": Decimal("Infinity")}, "max_price"),
        ({"max_price": Decimal("NaN")}, "max_price"),
        ({"max_price": Decimal("1E+999999")}, "max_price"),
        ({"min_price": Decimal(2), "max_price": Decimal(1)}, "min_price"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    application: Application, wishes: dict[str, Any], named: str
) -> None:
    with pytest.raises(Invalid, match=f"^{named}: "):
        await found(application, **wishes)


async def test_the_bus_knows_the_question_and_what_time_it_is(application: Application) -> None:
    await take_in(
        application, plan("Long Ago", "2001-01-01T20:00"), plan("Far Ahead", "2190-01-01T20:00")
    )
    await caught_up(application)
    both = await asyncio.gather(*(application.bus()(FindOffers(words=w)) for w in ("long", "far")))
    assert [each.total for each in both] == [0, 1]
