"""What types columns have, and what they are for."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contexts.analytics.application.ports import LoadFailed
from contexts.analytics.domain.relation import Column, ColumnType
from contexts.analytics.infrastructure.csv import evidence as csv_evidence
from contexts.analytics.infrastructure.csv.bulk import alike
from contexts.analytics.infrastructure.csv.evidence import Evidence
from contexts.analytics.infrastructure.csv.headers import named
from contexts.analytics.infrastructure.csv.inference import readings
from contexts.analytics.infrastructure.csv.roles import main_measure, main_time, role
from contexts.analytics.infrastructure.csv.shapes import Shape
from csvs import WHATEVER, column, filled


@pytest.mark.parametrize(
    "cells",
    [
        ("true", "FALSE"),
        ("yes", "No"),
        ("Sí", "no"),
        ("t", "F"),
        ("Y", "n"),
        ("ja", "nein"),
        ("yes",),
    ],
)
def test_words_of_one_pair_are_booleans(cells: tuple[str, ...]) -> None:
    assert column(*cells).type == "boolean"


@pytest.mark.parametrize("cells", [("F",), ("N", "n"), ("true", "no"), ("M", "F"), ("t", "n")])
def test_a_letter_alone_or_words_of_several_pairs_are_texts(cells: tuple[str, ...]) -> None:
    assert column(*cells).type == "text"


def test_zero_and_one_are_whole_numbers() -> None:
    assert column("0", "1", "1").type == "integer"


@pytest.mark.parametrize("nothing", ["NA", "n/a", "null", "None", "-", "nan", "#N/A", "\\N", " "])
def test_words_for_no_value_do_not_change_the_type(nothing: str) -> None:
    assert column("12", nothing, "5").type == "integer"
    assert column("2024-01-02", nothing).type == "date"


def test_words_for_no_value_are_texts_among_texts() -> None:
    _, copied = filled("name,n\nNone,1\nAda,2\nNA,NA\n")
    assert copied == b"None,1\nAda,2\nNA,\n"


def test_texts_among_numbers_make_a_column_of_texts() -> None:
    assert column("1", "2", "three").type == "text"


def test_one_cell_in_two_hundred_may_not_fit_and_is_left_empty() -> None:
    filling, copied = filled("a,b\n" + "1,x\n" * 399 + "oops,x\n")
    assert filling.readings[0].type == "integer"
    assert filling.misfits[0] == (1, "oops")
    assert copied.endswith(b"1,x\n,x\n")


def test_cells_that_do_not_fit_are_counted_over_the_whole_file() -> None:
    rows = "1,x\n" * 399 + "oops,x\n"
    filling, _ = filled("a,b\n" + rows * 3, block=1_500)
    assert filling.is_right
    assert filling.misfits[0] == (3, "oops")


def test_two_cells_in_two_hundred_are_too_many() -> None:
    assert column(*["1"] * 198, "oops", "ah").type == "text"
    assert column(*["1"] * 198, "oops").type == "text"


def test_a_corrected_type_is_obeyed_and_what_does_not_fit_is_left_empty() -> None:
    filling, copied = filled("a,b\n007,x\nabc,y\n", forced={"a": "integer"})
    assert filling.readings[0].type == "integer"
    assert filling.misfits[0] == (1, "abc")
    assert copied == b"007,x\n,y\n"


def test_a_corrected_type_that_does_not_exist_is_refused() -> None:
    with pytest.raises(LoadFailed, match="no type 'number' for the column a"):
        filled("a,b\n1,2\n", forced={"a": "number"})


def test_a_correction_of_a_column_that_is_not_there_does_nothing() -> None:
    filling, _ = filled("a,b\n1,2\n", forced={"gone": "text"})
    assert [reading.type for reading in filling.readings] == ["integer", "integer"]


def test_later_rows_that_contradict_the_first_are_noticed() -> None:
    rows = "".join(f"{n},x\n" for n in range(2_000)) + "1.5,x\n"
    filling, _ = filled("a,b\n" + rows, block=4_000)
    assert filling.readings[0].type == "integer"
    assert not filling.is_right
    assert filling.final()[0].type == "decimal"


def test_later_rows_of_the_same_kind_are_not_taken_for_a_contradiction() -> None:
    rows = "".join(f"{n}.25,{n % 28 + 1}/2/2024\n" for n in range(2_000))
    filling, _ = filled("a,b\n" + rows, WHATEVER, block=4_000)
    assert filling.is_right
    assert [reading.type for reading in filling.readings] == ["decimal", "date"]


def test_nothing_but_empty_cells_is_text() -> None:
    assert column("", "", "").type == "text"


def roles(name: str, type_: ColumnType = "integer", place: int = 3, **facts: object) -> str:
    known = {"distinct": 50, "minimum": "3", "maximum": "900", **facts}
    return role(
        Column(name=name, title=name, type=type_, role="measure", **known),  # type: ignore[arg-type]
        rows=1_000,
        place=place,
    )


@pytest.mark.parametrize(
    "name", ["id", "customer_id", "ticket_number", "waiter", "order_no", "dormid", "cliente"]
)
def test_numbers_that_say_which_one_are_identifiers(name: str) -> None:
    assert roles(name) == "identifier"


@pytest.mark.parametrize(
    "name", ["quantity", "number_of_guests", "number_deaths", "amount_paid", "total", "no_of_rooms"]
)
def test_numbers_that_say_how_many_are_measures(name: str) -> None:
    assert roles(name) == "measure"


@pytest.mark.parametrize("name", ["year", "open_year", "rank", "level_of_membership", "is_new"])
def test_numbers_that_one_groups_by_are_dimensions(name: str) -> None:
    assert roles(name) == "dimension"


def test_numbers_that_could_all_be_years_are_dimensions() -> None:
    assert roles("founded", minimum="1904", maximum="2019") == "dimension"
    assert roles("price", minimum="1904", maximum="2019") == "measure"


def test_zero_and_one_are_a_dimension() -> None:
    assert roles("survived", minimum="0", maximum="1") == "dimension"


def test_a_first_column_of_different_numbers_numbers_the_rows() -> None:
    assert roles("row", place=0, distinct=1_000) == "identifier"
    assert roles("row", place=1, distinct=1_000) == "measure"


def test_texts_are_grouped_by_unless_they_say_which_one() -> None:
    assert roles("product", "text") == "dimension"
    assert roles("ticket_number", "text") == "identifier"
    assert roles("phone", "text") == "identifier"
    assert roles("zip_code", "text") == "dimension"
    assert roles("city_code", "text") == "dimension"
    assert roles("voucher_code", "text", distinct=1_000) == "identifier"


def test_dates_tell_when_and_booleans_group() -> None:
    assert roles("sold", "date") == roles("hour", "time") == "time"
    assert roles("new", "boolean") == "dimension"


def test_the_measure_and_the_time_that_are_meant_without_a_name() -> None:
    columns = (
        Column(name="price", title="Price", type="decimal", role="measure"),
        Column(name="hour", title="Hour", type="time", role="time"),
        Column(name="total", title="Total", type="decimal", role="measure"),
        Column(name="day", title="Day", type="date", role="time"),
    )
    assert main_measure(columns) == "total"
    assert main_time(columns) == "day"
    assert main_measure(columns[1:2]) is None


@pytest.mark.parametrize("cells", [("13/1/2024", "1/13/2024"), ("1,5", "1.5"), ("1", "x")])
def test_cells_that_speak_against_one_another_are_counted_one_by_one(
    cells: tuple[str, str],
) -> None:
    evidence = Evidence()
    evidence.take(cells)
    evidence.take([cells[1]] * 500)
    assert [count for _, count in evidence.rows.most_common()] == [501, 1]


def test_many_new_values_are_taken_together_only_if_all_of_them_exist() -> None:
    seen = [Shape("timestamp", "Y-m-d H:M")]
    instants = [f"2024-02-{day:02} 10:00" for day in range(1, 30)]
    assert alike(instants, seen) == seen[0]
    assert alike([*instants, "2024-02-30 10:00"], seen) is None
    assert alike([*instants, "2024-02-30"], seen) is None
    assert alike(instants, [Shape("date", "Y-m-d")]) is None


def test_many_new_numbers_are_taken_together_where_the_column_has_fractions_already() -> None:
    whole, fraction = Shape("number", "1"), Shape("number", "1.5")
    assert alike(["1", "2", "-30"], [whole]) == whole
    assert alike(["1", "2.5"], [whole]) is None
    assert alike(["1", "2.5", "1.234"], [whole, fraction]) == fraction
    assert alike(["1", "007"], [whole]) is None
    assert alike(["1", "1,5"], [whole, fraction]) is None
    assert alike(["1"], [whole, Shape("number", "1", "€", False)]) is None


KINDS = (
    ("1", "22", "-3", "", " "),
    ("1", "2.5", "3.0", "1.234", "7"),
    ("1.234", "2,5", "1.234,5", "8"),
    ("1/2/2024", "3/4/2024", "13/4/2024", "", "NA"),
    ("1/2/2024", "2/13/2024", "13/2/2024"),
    ("2024-01-02 03:04", "2024-01-02T03:04:05", "2024-01-02 00:00:00", "2024-01-05"),
    ("yes", "no", "si", ""),
    ("5 €", "5 $", "6"),
    ("007", "8", "x"),
)


@given(
    st.sampled_from(KINDS).flatmap(lambda cells: st.lists(st.sampled_from(cells), max_size=40)),
    st.lists(st.integers(0, 40), max_size=5),
    st.sampled_from([1, 2, 50]),
)
def test_how_a_file_is_cut_changes_nothing(cells: list[str], cuts: list[int], many: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_evidence, "_MANY", many)
        whole, cut = Evidence(), Evidence()
        whole.take(cells)
        bounds = [0, *sorted(min(at, len(cells)) for at in cuts), len(cells)]
        for first, last in pairwise(bounds):
            cut.take(cells[first:last])
    title = named(["it"])
    (one,), (other,) = (readings(title, [each], WHATEVER, {}) for each in (whole, cut))
    assert one.agrees(other)
    assert one.unit == other.unit
    assert sum(whole.rows.values()) == sum(cut.rows.values()) == len(cells)
    assert whole.values.keys() == cut.values.keys() == set(cells)
