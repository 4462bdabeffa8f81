"""Which numbers of a text stand in a result or follow from it."""

import pytest

from contexts.analytics.application.grounding import numbers_are_grounded
from contexts.analytics.domain.answer import Output, Result

BOAT = Output(name="boat", title="Boat", type="text", kind="dimension")
MONTH = Output(name="month", title="Month", type="date", kind="dimension", grain="month")
FARES = Output(
    name="fares", title="Total fares", type="decimal", kind="measure", unit="EUR", additive=True
)
SPEED = Output(name="speed", title="Average speed", type="decimal", kind="measure")
PART = Output(name="part", title="Part", type="decimal", kind="measure", shown_as="share")

TAKINGS = Result(
    columns=(BOAT, FARES), rows=(("Ant 12", 1_250_000.5), ("Bee", 550_000.0), ("Cat", 199_999.5))
)
"""Together 2,000,000: 62.5 %, 27.5 % and 10 %."""

SPEEDS = Result(columns=(MONTH, SPEED), rows=(("2023-03-01", 7.25), ("2023-05-01", 8.7)))


@pytest.mark.parametrize(
    "text",
    [
        "Bee took 550,000 EUR, that is 550000.",
        "Ant 12 took 1,250,000.5.",
        "Ant 12 took 1.25 million, about 1.3 million.",
        "Bee took 550k, or 550 thousand.",
        "Together they took 2,000,000 (2 million), 666,666.67 on average.",
        "Ant 12 has 62.5% of it, Bee 27.5 percent, Cat 10 %; the top two have 90%.",
        "There are 3 boats; three of them.",
        "Ant 12 took 2.3 times as much as Bee and 700,000.5 more.",
        "Ant 12 took 127% more than Bee, and Bee 56% less than Ant 12.",
        "The top 2 and the 3rd.",
        "One might say so.",
    ],
)
def test_cells_and_what_follows_from_them_are_grounded(text: str) -> None:
    assert numbers_are_grounded(text, TAKINGS) == []


@pytest.mark.parametrize(
    ("text", "made_up"),
    [
        ("Bee took 550,001 EUR.", ["550,001"]),
        ("Ant took 1.2 million.", ["1.2 million"]),
        ("Bee took 5 million.", ["5 million"]),
        ("Bee has 26%.", ["26%"]),
        ("Bee has 550,000%.", ["550,000%"]),
        ("There are 4 boats.", ["4"]),
        ("There are seven boats.", ["seven"]),
        ("There are twenty-five boats.", ["twenty-five"]),
        ("Hundreds of boats.", ["Hundreds"]),
        ("The top 4 boats.", ["4"]),
        ("Bee has half of it.", ["half"]),
        ("Ant doubled that of Bee.", ["doubled"]),
        ("In 2023 and on 2024-05-06.", ["2023", "2024", "05", "06"]),
        ("Bee took 5e5 and 7e9.", ["7e9"]),
        ("Bee took 1e999.", ["999"]),
        ("Bee took \u0665\u0660 EUR.", ["\u0665\u0660"]),
        ("Ant took 4 times as much as Bee.", ["4 times"]),
        ("Ant took 2.3 EUR.", ["2.3"]),
        ("Bee took ⅞ of it, in the year Ⅻ.", ["7", "8"]),
        ("There are 五 boats.", ["五"]),
        ("It grew 3 percentage points.", ["3 percentage points"]),
    ],
)
def test_what_does_not_follow_is_named(text: str, made_up: list[str]) -> None:
    found = numbers_are_grounded(text, TAKINGS)
    assert set(made_up) <= set(found)


def test_parts_are_told_in_words() -> None:
    halves = Result(columns=(BOAT, FARES), rows=(("Ant", 50.0), ("Bee", 25.0), ("Cat", 25.0)))
    text = "Ant has half, twice as much as Bee, which has a quarter of it."
    assert numbers_are_grounded(text, halves) == []
    assert numbers_are_grounded("Ant has two thirds; it tripled.", halves) == [
        "two thirds",
        "tripled",
    ]


def test_averages_are_neither_added_up_nor_parts_of_a_whole() -> None:
    assert numbers_are_grounded("15.95 in all", SPEEDS) == ["15.95"]
    assert numbers_are_grounded("54.5% of it", SPEEDS) == ["54.5%"]


def test_where_something_is_below_zero_there_are_no_parts_of_a_whole() -> None:
    loss = Result(columns=(BOAT, FARES), rows=(("Ant", 300.0), ("Bee", -100.0)))
    assert numbers_are_grounded("200 in all", loss) == []
    assert numbers_are_grounded("150% of it", loss) == ["150%"]


def test_times_are_grounded_by_their_parts_and_their_words() -> None:
    assert numbers_are_grounded("From March 2023 (2023-03-01) to May 2023", SPEEDS) == []
    assert numbers_are_grounded("In 2022", SPEEDS) == ["2022"]


def test_steps_of_time_without_rows_are_grounded() -> None:
    assert numbers_are_grounded("1 of 3 months is missing", SPEEDS) == []
    assert numbers_are_grounded("4 months are missing", SPEEDS) == ["4"]


def test_texts_given_along_ground_their_own_numbers_only() -> None:
    question = "fares of boats with more than 40 seats"
    assert numbers_are_grounded("with more than 40 seats", TAKINGS, [question]) == []
    assert numbers_are_grounded("with more than 41 seats", TAKINGS, [question]) == ["41"]
    assert numbers_are_grounded("in 40% of cases", TAKINGS, [question]) == ["40%"]
    assert numbers_are_grounded("41", TAKINGS, [41]) == []


def test_a_share_is_grounded_as_a_percentage() -> None:
    shares = Result(columns=(BOAT, PART), rows=(("Ant", 0.314), ("Bee", 0.686)))
    assert numbers_are_grounded("31.4%, 31% and 0.314", shares) == []
    assert numbers_are_grounded("37.2 percentage points apart", shares) == []
    assert numbers_are_grounded("30%", shares) == ["30%"]


def test_the_sign_is_told_in_words() -> None:
    change = Output(name="c", title="Change", type="integer", kind="measure", shown_as="change")
    assert numbers_are_grounded("It fell by 5.", Result(columns=(change,), rows=((-5,),))) == []
