"""The parts of the benchmarks that decide what is said: losses, ratios, verdicts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.contest import Entry, Figure, Measure, Measured, Result, Row, contest
from benchmarks.delivery import Delivery, delivery
from benchmarks.figures import percentile, ratios, spread
from benchmarks.place import Place, Unavailable
from benchmarks.table import markdown, number
from hypothesis import given
from hypothesis import strategies as st

from settings import Settings

NOTHING_LOST = Delivery(0, 0, 0, 0)


def test_what_was_committed_and_not_delivered_was_skipped() -> None:
    assert delivery([("a", 1), ("a", 2)], [("a", 1)]) == Delivery(1, 0, 0, 0)


def test_what_was_delivered_twice_was_repeated_and_not_reordered() -> None:
    delivered = [("a", 1), ("a", 2), ("a", 1)]
    assert delivery([("a", 1), ("a", 2)], delivered) == Delivery(0, 1, 0, 0)


def test_an_earlier_event_of_a_stream_behind_a_later_one_is_reordered() -> None:
    committed = [("a", 1), ("a", 2), ("a", 3)]
    assert delivery(committed, [("a", 3), ("a", 1), ("a", 2)]) == Delivery(0, 0, 2, 0)


def test_streams_have_no_order_among_each_other() -> None:
    committed = [("a", 1), ("b", 1), ("a", 2)]
    assert delivery(committed, [("b", 1), ("a", 1), ("a", 2)]) == NOTHING_LOST


def test_what_was_rolled_back_and_delivered_all_the_same_is_unreal() -> None:
    assert delivery([("a", 1)], [("a", 1), ("b", 1)]) == Delivery(0, 0, 0, 1)


PLACES = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 6)), unique=True)


@given(PLACES)
def test_a_log_that_is_delivered_as_it_is_loses_nothing(committed: list[tuple[str, int]]) -> None:
    assert delivery(committed, sorted(committed)) == NOTHING_LOST


@given(PLACES, PLACES)
def test_every_delivery_is_accounted_for(
    committed: list[tuple[str, int]], delivered: list[tuple[str, int]]
) -> None:
    lost = delivery(committed, delivered + delivered)
    assert lost.repeated == len(delivered)
    assert len(committed) - lost.skipped == len(delivered) - lost.unreal


def test_ratios_are_taken_round_by_round() -> None:
    assert ratios([2.0, 30.0], [1.0, 10.0]) == [2.0, 3.0]


def test_rounds_without_a_counterpart_are_not_silently_dropped() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])


def test_the_spread_is_the_middle_and_both_ends() -> None:
    assert spread([5.0, 1.0, 3.0]) == (3.0, 1.0, 5.0)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (0.991, 100.0), (1.0, 100.0)]
)
def test_a_percentile_is_a_value_that_was_seen(share: float, expected: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (12345.6, "12,346"), (0.123, "0.12"), (12.34, "12.3"), (1000.0, "1,000")],
)
def test_a_number_has_the_digits_that_matter(value: float, text: str) -> None:
    assert number(value) == text


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(Settings(database_url="postgresql://nobody@localhost/none"), tmp_path, peers=None)


def always(*values: float, **notes: float) -> Measure:
    figures: Iterator[float] = iter(values)

    async def measure(_: Place) -> Figure:
        return Figure(next(figures), notes)

    return measure


async def test_a_target_is_judged_by_the_median_of_the_ratios(place: Place) -> None:
    row = Row(
        "a row",
        "things/s",
        (
            Entry("ours", always(4, 4, 4)),
            Entry("slow", always(1, 1, 100), ("at least", 3)),
            Entry("fast", always(8, 8, 1), ("at least", 3)),
            Entry("bounded", always(2, 2, 2), ("at most", 2)),
        ),
    )
    _, slow, fast, bounded = (await contest(row, place, rounds=3)).entries
    assert slow.ratios == [4, 4, 0.04]
    assert (slow.reached, fast.reached, bounded.reached) == (True, False, True)


async def test_every_round_begins_with_another_entry(place: Place) -> None:
    order: list[str] = []

    def noting(name: str) -> Measure:
        async def measure(_: Place) -> Figure:
            order.append(name)
            return Figure(1)

        return measure

    row = Row("a row", "things/s", (Entry("a", noting("a")), Entry("b", noting("b"))))
    await contest(row, place, rounds=3)
    assert order == ["a", "b", "b", "a", "a", "b"]


async def test_one_loss_in_one_round_is_not_averaged_away(place: Place) -> None:
    skipped = iter([0, 0, 1, 0, 0])

    async def measure(_: Place) -> Figure:
        return Figure(1, {"skipped": next(skipped)})

    row = Row("a row", "events/s", (Entry("ours", measure),), limits={"skipped": 0})
    (ours,) = (await contest(row, place, rounds=5)).entries
    assert ours.reached is False


async def test_a_limit_on_a_time_is_judged_by_its_median(place: Place) -> None:
    times = iter([20, 20, 90])

    async def measure(_: Place) -> Figure:
        return Figure(1, {"ms p50": next(times)})

    row = Row("a row", "ms", (Entry("ours", measure),), limits={"ms p50": 30})
    (ours,) = (await contest(row, place, rounds=3)).entries
    assert ours.reached is True


async def test_what_cannot_be_measured_says_why_and_holds_nobody_up(place: Place) -> None:
    async def absent(place: Place) -> Figure:
        return Figure((await place.peer("with_nobody", "append"))["rate"])

    row = Row("a row", "things/s", (Entry("ours", always(1, 1)), Entry("peer", absent)))
    ours, peer = (await contest(row, place, rounds=2)).entries
    assert ours.values == [1, 1]
    assert peer.missing == "not installed: `make bench` installs it"
    assert not peer.failed


async def test_what_breaks_is_marked_as_failed(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(_: Place) -> Figure:
        raise ZeroDivisionError("no events")

    row = Row("a row", "things/s", (Entry("ours", broken), Entry("limit", always(1))))
    ours, limit = (await contest(row, place, rounds=1)).entries
    assert ours.failed
    assert limit.values == [1]
    assert "no events" in capsys.readouterr().err


async def test_what_many_rounds_share_is_prepared_once(place: Place) -> None:
    made: list[int] = []

    async def prepare() -> int:
        made.append(1)
        return len(made)

    assert [await place.once("it", prepare) for _ in range(3)] == [1, 1, 1]


async def test_a_preparation_that_failed_fails_whoever_needs_it(place: Place) -> None:
    async def prepare() -> None:
        raise Unavailable("no room")

    for _ in range(2):
        with pytest.raises(Unavailable, match="no room"):
            await place.once("it", prepare)


def test_the_table_adds_up_losses_and_takes_the_middle_of_all_else() -> None:
    entry = Measured("ours", values=[1.0, 2.0, 9.0])
    entry.notes = [{"skipped": n, "ms p50": n} for n in (1.0, 2.0, 9.0)]
    missing = Measured("peer", missing="not installed")
    lines = markdown([Result("a row", "things/s", [entry, missing])]).splitlines()
    assert lines[2].startswith("| **a row** (things/s) |")
    assert lines[3] == "| ours | 2 | 1 to 9 |  |  |  | skipped 12, ms p50 2 |"
    assert lines[4] == "| peer | - |  |  |  |  | not installed |"
