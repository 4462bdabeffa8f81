"""A question: it ends once, whoever comes second; only an answer can be right or wrong."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from contexts.analytics.application.asking import is_relative, normalized
from contexts.analytics.domain.answer import Chart, Result
from contexts.analytics.domain.query_spec import Measure, QuerySpec
from contexts.analytics.domain.question import (
    Answer,
    Asked,
    AttemptFailed,
    FeedbackGiven,
    NotAnswered,
    Plan,
    Question,
    QuestionAnswered,
    QuestionAsked,
    QuestionFailed,
    QuestionPlanned,
    ReportRun,
)

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
ID, REPORT = UUID(int=7), UUID(int=8)

ASKED = QuestionAsked(
    question_id=ID, asked=Asked(question="fares by city", asked_at=NOW, dataset="trips")
)
PLANNED = QuestionPlanned(
    plan=Plan(
        spec=QuerySpec(measures=(Measure(aggregate="count"),)),
        dataset="trips",
        dataset_version="1",
        planner="offline",
        confidence=0.9,
        explanation="Number of rows.",
    ),
    planned_at=NOW,
)
ANSWERED = QuestionAnswered(
    answer=Answer(
        sql="select 1",
        result=Result(columns=(), rows=()),
        chart=Chart(type="none", why="no rows"),
        analysis="There is nothing.",
        dataset_version="1",
        log_position=5,
    ),
    answered_at=NOW,
)
FAILED = QuestionFailed(reason="the database is away", failed_at=NOW)


def given(*history: object) -> Question:
    return Question.replay(ID, history)  # type: ignore[arg-type]


def test_asking_records_what_was_asked() -> None:
    assert Question.ask(ID, ASKED.asked).pending == [ASKED]


def test_a_question_ends_once() -> None:
    question = given(ASKED, PLANNED, ANSWERED)
    question.end(FAILED)
    question.fail_attempt("running", "late", now=NOW)
    question.understand(PLANNED.plan, now=NOW)
    assert question.pending == []


def test_what_was_tried_in_vain_is_recorded() -> None:
    question = given(ASKED)
    question.fail_attempt("planning", "no reply", now=NOW)
    assert question.pending == [AttemptFailed(stage="planning", reason="no reply", failed_at=NOW)]


def test_an_answer_may_be_found_right_and_the_last_word_counts() -> None:
    question = given(ASKED, PLANNED, ANSWERED)
    question.judge("right", "", now=NOW)
    question.judge("right", "", now=NOW)
    question.judge("wrong", "one city is missing", now=NOW)
    assert question.pending == [
        FeedbackGiven(verdict="right", comment="", given_at=NOW),
        FeedbackGiven(verdict="wrong", comment="one city is missing", given_at=NOW),
    ]


@pytest.mark.parametrize("history", [(ASKED,), (ASKED, PLANNED), (ASKED, FAILED)])
def test_what_has_no_answer_is_neither_right_nor_wrong(history: tuple[object, ...]) -> None:
    with pytest.raises(NotAnswered):
        given(*history).judge("right", "", now=NOW)


def test_the_outcome_of_a_report_tells_whose_it_is() -> None:
    asked = msgspec.structs.replace(
        ASKED, asked=msgspec.structs.replace(ASKED.asked, report=REPORT)
    )
    question = given(asked)
    question.end(FAILED)
    assert question.pending == [
        msgspec.structs.replace(FAILED, asked_by=ReportRun(report=REPORT, question=ID))
    ]


def test_questions_that_differ_in_case_spaces_and_marks_only_are_the_same() -> None:
    assert normalized("  Fares by CITY?") == normalized("fares, by city")
    assert normalized("fares > 10") != normalized("fares < 10")
    assert normalized("fares by city") != normalized("fares by street")


def test_a_question_that_speaks_of_its_own_day_is_known_by_its_words() -> None:
    assert is_relative("Fares last week")
    assert is_relative("what was sold TODAY?")
    assert not is_relative("Fares by city in March 2026")
