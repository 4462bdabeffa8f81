from datetime import UTC, datetime
from decimal import Decimal

from contexts.events.domain.offer import Schedule, Zone, price_range


def test_wall_times_become_instants_by_the_zone_of_the_venue() -> None:
    summer = Schedule(datetime(2021, 6, 30, 21), datetime(2021, 6, 30, 21, 30), "Europe/Madrid")
    assert summer.starts_at_utc == datetime(2021, 6, 30, 19, tzinfo=UTC)
    assert summer.ends_at_utc == datetime(2021, 6, 30, 19, 30, tzinfo=UTC)
    winter = Schedule(datetime(2021, 1, 30, 21), None, "Europe/Madrid")
    assert (winter.starts_at_utc.hour, winter.ends_at_utc) == (20, None)


def test_a_wall_time_that_the_clock_change_repeats_is_its_first_occurrence() -> None:
    repeated = Schedule(datetime(2021, 10, 31, 2, 30), None, "Europe/Madrid")
    assert repeated.starts_at_utc == datetime(2021, 10, 31, 0, 30, tzinfo=UTC)


def test_the_price_range_spans_all_zones() -> None:
    zones = [Zone("1", "a", Decimal(price), 1) for price in ("20.00", "15.00", "30.00")]
    span = price_range(zones)
    assert (span.min, span.max) == (Decimal(15), Decimal(30))
    empty = price_range([])
    assert (empty.min, empty.max) == (None, None)
