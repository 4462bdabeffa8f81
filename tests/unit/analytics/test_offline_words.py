"""How questions are cut into words, and when two words are the same."""

import pytest

from contexts.analytics.domain.relation import ColumnValues
from contexts.analytics.infrastructure.offline_planner.columns import alike
from contexts.analytics.infrastructure.offline_planner.cover import cover
from contexts.analytics.infrastructure.offline_planner.readings import Held, Placed, Sign
from contexts.analytics.infrastructure.offline_planner.values import ValueIndex
from contexts.analytics.infrastructure.offline_planner.words import (
    names_in,
    one_slip,
    squash,
    stem,
    tokens_of,
)


def test_dates_times_numbers_and_quoted_texts_are_one_token_each() -> None:
    texts = [t.text for t in tokens_of("from 2025-03-01 at 12:30, 'Iced tea' over 1,250.5")]
    assert texts == ["from", "2025-03-01", "at", "12:30", ",", "Iced tea", "over", "1,250.5"]


def test_an_identifier_in_a_question_is_cut_like_its_words() -> None:
    assert [t.text for t in tokens_of("unit_price x12un x-axis")] == [
        *("unit", "price", "x", "12", "un", "x", "axis")
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [("cities", "city"), ("priced", "prices"), ("boxes", "box"), ("people", "person")],
)
def test_forms_of_a_word_have_one_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


def test_words_that_only_look_alike_have_different_stems() -> None:
    assert stem("status") == "status"
    assert stem("news") != stem("new")
    assert alike(stem("country"), stem("county")) < 0.8


def test_names_are_split_at_marks_at_capitals_and_at_digits() -> None:
    assert (
        names_in("unitPrice")
        == names_in("unit_price")
        == names_in("Unit price")
        == (
            "unit",
            "price",
        )
    )
    assert names_in("Prix_Réel2") == ("prix", "reel", "2")


def test_marks_do_not_tell_values_apart() -> None:
    assert squash(("ph.d.",)) == squash(("phd",)) == "phd"


@pytest.mark.parametrize("slip", ["lemonde", "lemonnade", "lemonabe", "lemoande"])
def test_one_slip_of_the_pen_is_forgiven(slip: str) -> None:
    assert one_slip("lemonade", slip)


def test_two_slips_are_not() -> None:
    assert not one_slip("lemonade", "lmonaed")
    assert not one_slip("lemonade", "lemonade")


def test_a_cover_prefers_one_stretch_that_explains_more() -> None:
    tokens = tokens_of("total number of")
    short = [Placed(i, i + 1, Sign(kind="filler"), 0.8) for i in range(3)]
    whole = Placed(0, 3, Sign(kind="aggregate", value="count"), 2.4)
    items = cover("total number of", tokens, [*short, whole])
    assert [item.text for item in items] == ["total number of"]


def test_a_word_that_nothing_explains_is_an_item_without_readings() -> None:
    items = cover("blue moons", tokens_of("blue moons"), [Placed(0, 1, Sign(kind="filler"), 0.5)])
    assert [(item.text, bool(item.readings)) for item in items] == [
        ("blue", True),
        ("moons", False),
    ]


def test_a_name_that_has_an_apostrophe_is_one_value() -> None:
    index = ValueIndex((ColumnValues("play", ("The Miller's Goose", "Otto")),))
    for text, name in (("the miller's goose", "The Miller's Goose"), ("Otto's", "Otto")):
        found = [placed.reading for placed in index.held_in(tokens_of(text))]
        whole = [each.held for each in found if isinstance(each, Held) and not each.part]
        assert whole == [(("play", (name,)),)]
