"""The sample feed: what the first start of the program imports."""

from collections import Counter

from contexts.events.application.ports import Plan
from contexts.events.infrastructure.feeds.formats import sniff
from samples import SAMPLE_FEED
from samples.make_feed import PLANS, feed


def plans() -> list[Plan]:
    return [plan for plan in sniff(SAMPLE_FEED)(SAMPLE_FEED) if isinstance(plan, Plan)]


def test_the_script_writes_the_sample_feed_byte_for_byte() -> None:
    assert feed().encode() == SAMPLE_FEED.read_bytes()


def test_every_plan_of_the_sample_feed_is_read() -> None:
    assert len(list(sniff(SAMPLE_FEED)(SAMPLE_FEED))) == len(plans()) == PLANS


def test_the_sample_feed_has_something_of_everything() -> None:
    read = plans()
    assert max(Counter(plan.base_id for plan in read).values()) > 3
    assert any(len({zone.zone_id for zone in plan.zones}) < len(plan.zones) for plan in read)
    assert {plan.sold_out for plan in read} == {True, False}
    assert {plan.sell_mode for plan in read} == {"online", "offline"}
    assert {plan.starts_at.year for plan in read} == {2026, 2027}
    assert all(plan.sell_to and plan.sell_to < plan.starts_at for plan in read)
    assert all(not zone.capacity for plan in read if plan.sold_out for zone in plan.zones)


def test_the_sample_feed_is_small() -> None:
    assert SAMPLE_FEED.stat().st_size < 250_000
