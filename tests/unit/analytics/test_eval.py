"""What the evaluation counts as right, and that our own sets are what their maker makes."""

import json
from pathlib import Path

import pytest
from benchmarks.eval.__main__ import OWN, figures
from benchmarks.eval.comparing import same_rows
from benchmarks.eval.judging import Judged, Verdict
from benchmarks.eval.making import crews, csv_of, kiosk, lines, trees
from benchmarks.eval.questions import all_questions
from benchmarks.eval.sets import Asked, sets_in

from contexts.analytics.domain.answer import Cell


@pytest.mark.parametrize(
    ("got", "right"),
    [
        ([["a", 1], ["b", 2]], [["b", 2.0], ["a", 1.0000000001]]),
        ([[2013, 1]], [["2013", 1]]),
        ([["2025-03-01", 1]], [["2025-03-01 00:00:00", 1]]),
        ([["2025-03-01", 1]], [["3/1/2025", 1]]),
        ([["04:30:00", 1]], [["4:30", 1]]),
        ([["café"]], [["cafÃ©"]]),
        ([[True]], [["T"]]),
        ([[None, 1]], [["", 1]]),
    ],
)
def test_the_same_rows_written_otherwise_are_the_same(
    got: list[list[Cell]], right: list[list[Cell]]
) -> None:
    assert same_rows(got, right)


@pytest.mark.parametrize(
    ("got", "right"),
    [
        ([["a", 1]], [["a", 1.001]]),
        ([["a", 1]], [["a", 1], ["a", 1]]),
        ([["a", 1]], [[1, "a"]]),
        ([["a", 1, 2]], [["a", 1]]),
        ([["2025-03-02"]], [["2025-03-01"]]),
        ([["a"]], [["A"]]),
    ],
)
def test_other_rows_are_not(got: list[list[Cell]], right: list[list[Cell]]) -> None:
    assert not same_rows(got, right)


def judged(verdict: Verdict, *, answerable: bool = True, chart_right: bool = False) -> Judged:
    asked = Asked("?", rows=[] if answerable else None)
    return Judged(
        asked=asked, table="t", verdict=verdict, milliseconds=1.0, chart_right=chart_right
    )


def test_a_target_is_missed_by_one_wrong_answer_to_what_cannot_be_answered() -> None:
    right = [judged("right", chart_right=True)] * 30
    assert figures("s", "p", [*right, judged("declined rightly", answerable=False)]).met
    assert not figures("s", "p", [*right, judged("wrong", answerable=False)]).met


def test_declining_too_much_misses_a_target_too() -> None:
    answers = [judged("right", chart_right=True)] * 8
    assert not figures("s", "p", [*answers, *[judged("declined wrongly")] * 2]).met


def test_a_wrong_chart_is_counted() -> None:
    some = [judged("right", chart_right=True), judged("right")]
    assert figures("s", "p", some).chart_right == 1


def test_our_sets_are_what_their_maker_makes() -> None:
    tables = {"kiosk": kiosk(), "trees": trees(), "crews": crews()}
    for name, rows in tables.items():
        assert (OWN / "tables" / f"{name}.csv").read_text("utf-8") == csv_of(rows)
    for name, questions in all_questions(tables).items():
        kept = [json.loads(line) for line in (OWN / f"{name}.jsonl").read_text().splitlines()]
        assert kept == json.loads(json.dumps(lines(name, questions)))


def test_a_folder_of_questions_is_found_with_its_tables(tmp_path: Path) -> None:
    (tmp_path / "pets.csv").write_text("name\nRex\n")
    (tmp_path / "pets.jsonl").write_text('{"question": "names", "rows": [["Rex"]]}\n')
    (tmp_path / "other.jsonl").write_text('{"sql": "select 1"}\n')
    (tmp_path / "none.txt").write_text("Why?\n")
    found = {one.name: one for one in sets_in(tmp_path)}
    assert set(found) == {"pets", "none"}
    assert found["pets"].cases[0].table == tmp_path / "pets.csv"
    assert found["none"].cases[0].asked.rows is None


def test_a_set_without_its_table_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "pets.jsonl").write_text('{"question": "names", "rows": []}\n')
    with pytest.raises(FileNotFoundError, match=r"pets\.csv"):
        list(sets_in(tmp_path))
