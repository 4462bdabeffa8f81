"""Whether two results tell the same."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contexts.analytics.application.agreement import agree
from contexts.analytics.domain.answer import Cell, Output, Result


def result(*rows: tuple[Cell, ...], width: int = 2, truncated: bool = False) -> Result:
    columns = tuple(
        Output(name=f"c{number}", title="", type="text", kind="dimension")
        for number in range(len(rows[0]) if rows else width)
    )
    return Result(columns=columns, rows=rows, truncated=truncated)


FERRIES = result(("Heron", 12.5), ("Tern", 7), ("Tern", 7))


@pytest.mark.parametrize(
    "other",
    [
        result(("Tern", 7), ("Heron", 12.5), ("Tern", 7)),
        result((12.5, "Heron"), (7, "Tern"), (7, "Tern")),
        result(("Heron", 12.500001), ("Tern", 7.0), ("Tern", "7")),
    ],
)
def test_the_order_of_rows_and_columns_and_the_form_of_numbers_do_not_matter(
    other: Result,
) -> None:
    assert agree(FERRIES, other)
    assert agree(other, FERRIES)


@pytest.mark.parametrize(
    "other",
    [
        result(("Heron", 12.5), ("Tern", 7)),
        result(("Heron", 12.5), ("Heron", 12.5), ("Tern", 7)),
        result(("Heron", 12.6), ("Tern", 7), ("Tern", 7)),
        result(("heron", 12.5), ("Tern", 7), ("Tern", 7)),
        result(("Heron", 7), ("Tern", 12.5), ("Tern", 7)),
        result(("Heron", 12.5), ("Tern", 7), ("Tern", None)),
        result(("Heron", 12.5, 1), ("Tern", 7, 1), ("Tern", 7, 1)),
        result(("Heron", 12.5), ("Tern", 7), ("Tern", 7), truncated=True),
    ],
)
def test_another_number_name_or_count_of_rows_is_another_answer(other: Result) -> None:
    assert not agree(FERRIES, other)
    assert not agree(other, FERRIES)


def test_a_date_agrees_with_its_midnight_and_with_no_other_hour() -> None:
    day = result(("2023-03-01", 1))
    assert agree(day, result(("2023-03-01 00:00:00", 1)))
    assert not agree(day, result(("2023-03-01 10:00:00", 1)))


def test_a_code_of_eight_digits_is_no_date() -> None:
    assert agree(result(("20230301", 1)), result((20230301, 1)))
    assert not agree(result(("20230301", 1)), result(("2023-03-01", 1)))


def test_truth_is_no_number() -> None:
    assert not agree(result((True, 5)), result((1, 5)))
    assert agree(result((True, 5)), result(("true", 5)))


def test_nothing_agrees_with_nothing() -> None:
    assert agree(result(), result())
    assert not agree(result(), FERRIES)


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", None, "2023-01-01"]),
        st.integers(-5, 5),
        st.floats(-1e6, 1e6).map(lambda number: round(number, 2)),
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)
@given(ROWS, st.randoms(), st.permutations([0, 1, 2]))
def test_any_shuffle_agrees(
    rows: list[tuple[Cell, ...]], dice: random.Random, order: list[int]
) -> None:
    shuffled = [tuple(row[at] for at in order) for row in rows]
    dice.shuffle(shuffled)
    assert agree(result(*rows), result(*shuffled))


@settings(deadline=None)
@given(ROWS, st.integers(0, 7))
def test_one_number_that_differs_is_seen(rows: list[tuple[Cell, ...]], at: int) -> None:
    changed = list(rows)
    name, count, _ = changed[at % len(rows)]
    changed[at % len(rows)] = (name, count, 2e6)
    assert not agree(result(*rows), result(*changed))
