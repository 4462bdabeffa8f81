"""The sample feed: what the first start of the program imports."""

from collections import Counter
from datetime import datetime, timedelta
from functools import cache

from contexts.events.application.ports import Plan
from contexts.events.infrastructure.feeds.formats import sniff
from samples import SAMPLE_FEED
from samples.make_feed import OPENING, WEEKS, feed


@cache
def plans() -> list[Plan]:
    return [plan for plan in sniff(SAMPLE_FEED)(SAMPLE_FEED) if isinstance(plan, Plan)]


def test_the_script_writes_the_sample_feed_byte_for_byte() -> None:
    assert feed().encode() == SAMPLE_FEED.read_bytes()


def test_every_plan_of_the_sample_feed_is_read() -> None:
    written = SAMPLE_FEED.read_text().count("<plan ")
    assert len(list(sniff(SAMPLE_FEED)(SAMPLE_FEED))) == len(plans()) == written


def test_the_sample_feed_has_something_of_everything() -> None:
    read = plans()
    assert max(Counter(plan.base_id for plan in read).values()) > 3
    assert any(len({zone.zone_id for zone in plan.zones}) < len(plan.zones) for plan in read)
    assert {plan.sold_out for plan in read} == {True, False}
    assert {plan.sell_mode for plan in read} == {"online", "offline"}
    assert {plan.starts_at.year for plan in read} == {2026, 2027, 2028}
    assert all(plan.sell_to and plan.sell_to < plan.starts_at for plan in read)
    assert all(not zone.capacity for plan in read if plan.sold_out for zone in plan.zones)


def test_every_weekend_of_two_years_has_a_handful_of_events() -> None:
    for saturday in saturdays():
        assert len(on_weekend(saturday)) >= 4, saturday


def test_every_weekend_of_two_years_has_a_concert_under_30_with_places_left() -> None:
    for saturday in saturdays():
        assert any(
            "Concert" in plan.title
            and any(zone.capacity and zone.price < 30 for zone in plan.zones)
            for plan in on_weekend(saturday)
        ), saturday


def test_titles_say_what_kind_of_event_it_is() -> None:
    titles = [plan.title.lower() for plan in plans()]
    for word in ("concert", "jazz", "quartet", "theatre", "comedy", "circus", "kids", "exhibition"):
        assert sum(word in title for title in titles) > 5, word


def test_the_sample_feed_is_small() -> None:
    assert len(plans()) < 700
    assert SAMPLE_FEED.stat().st_size < 350_000


def saturdays() -> list[datetime]:
    first = OPENING + timedelta(days=5)
    assert WEEKS >= 2 * 365 // 7
    return [first + timedelta(weeks=week) for week in range(WEEKS)]


def on_weekend(saturday: datetime) -> list[Plan]:
    days = {saturday.date(), saturday.date() + timedelta(days=1)}
    return [
        plan for plan in plans() if plan.sell_mode == "online" and plan.starts_at.date() in days
    ]
