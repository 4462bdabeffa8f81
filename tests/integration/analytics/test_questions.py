"""A question from the asking to its outcome, on real servers."""

import asyncio
from uuid import uuid4

import psycopg
import pytest

from asking import TRIPS, answered, load
from bootstrap import Application
from conftest import caught_up
from contexts.analytics.application.answering import AnswerQuestion
from contexts.analytics.application.asking import AskQuestion, GiveFeedback
from contexts.analytics.application.datasets import ColumnCorrection, CorrectDataset, DeleteDataset
from contexts.analytics.application.queries import GetQuestion, ListQuestions
from contexts.analytics.application.verifying import VerifyGolden
from contexts.analytics.domain.dataset import NoSuchDataset
from shared.domain.errors import Invalid


async def test_an_answer_has_rows_sql_chart_and_words(application: Application) -> None:
    await load(application)
    shown = await answered(application, "total fare by city", dataset="trips")
    assert shown.outcome == "answered"
    assert shown.result == (("Halvora", 72.25), ("Nieve", 64.0), ("Saltmarsh", 8.25))
    assert shown.columns[0].title == "City"
    assert shown.sql is not None
    assert "trips_v1" in shown.sql
    assert shown.chart is not None
    assert shown.chart.type == "bar"
    assert shown.chart.spec is not None
    assert "Halvora" in (shown.analysis or "")
    assert shown.explanation
    assert shown.planner == "offline"
    assert shown.dataset_version == "1"
    assert (shown.log_position or 0) > 0
    assert shown.timings is not None


async def test_the_sql_that_is_shown_has_the_rows_that_are_shown(
    application: Application, database: str
) -> None:
    await load(application)
    shown = await answered(application, "total fare by city", dataset="trips")
    relation = (await application.analytics.relations().of("trips")).relation
    with psycopg.connect(database) as connection:
        connection.execute("select set_config('search_path', %s, false)", (relation.schema,))
        rows = connection.execute((shown.sql or "").encode()).fetchall()
    assert [(city, float(fare)) for city, fare in rows] == [*shown.result]


async def test_what_has_no_place_in_the_dataset_is_named_and_nothing_is_made_up(
    application: Application,
) -> None:
    await load(application)
    shown = await answered(application, "average profit margin by city", dataset="trips")
    assert shown.outcome == "unanswerable"
    assert "profit" in " ".join(shown.unplaced)
    assert shown.suggestions
    assert shown.result == ()


async def test_whoever_asks_for_a_change_is_refused(application: Application) -> None:
    await load(application)
    shown = await answered(application, "delete all rows where city is Nieve", dataset="trips")
    assert shown.outcome == "refused"
    again = await answered(application, "how many rows are there", dataset="trips")
    assert again.result == ((7,),)


async def test_two_workers_at_once_answer_a_question_once(application: Application) -> None:
    await load(application)
    id = await application.bus()(AskQuestion(question="total fare by city", dataset="trips"))
    worked = await asyncio.gather(*(application.bus()(AnswerQuestion(id)) for _ in range(4)))
    assert sorted(worked) == [False, False, False, True]
    assert (await application.bus()(GetQuestion(id))).version == 3


async def test_the_same_question_on_the_same_data_is_not_run_again_and_says_so(
    application: Application,
) -> None:
    await load(application)
    first = await answered(application, "total fare by city", dataset="trips")
    second = await answered(application, "Total fare for each city", dataset="trips")
    assert (first.cached, second.cached) == (False, True)
    assert second.result == first.result


async def test_another_version_of_the_data_is_asked_anew(application: Application) -> None:
    await load(application)
    await answered(application, "total fare by city", dataset="trips")
    await load(application, TRIPS.replace(b"8.25", b"9.25"))
    shown = await answered(application, "total fare by city", dataset="trips")
    assert not shown.cached
    assert shown.dataset_version == "2"
    assert ("Saltmarsh", 9.25) in shown.result


async def test_a_follow_up_goes_on_from_the_question_before_it_in_its_conversation(
    application: Application,
) -> None:
    await load(application)
    first = await answered(application, "total fare by city", dataset="trips", conversation="one")
    await caught_up(application)
    only = await answered(application, "only April", dataset="trips", conversation="one")
    assert only.outcome == "answered", only.reason
    assert sorted(only.result) == [("Halvora", 12.0), ("Nieve", 44.0)]
    instead = await answered(application, "as a pie", dataset="trips", follows=first.id)
    assert instead.chart_type == "pie"
    assert instead.result == first.result


async def test_conversations_do_not_hear_one_another(application: Application) -> None:
    await load(application)
    await answered(application, "total fare by city", dataset="trips", conversation="one")
    await caught_up(application)
    other = await answered(application, "only April", dataset="trips", conversation="two")
    assert other.result != (("Nieve", 44.0), ("Halvora", 12.0))


async def test_without_a_dataset_the_one_is_asked_that_fits(application: Application) -> None:
    await load(application)
    await load(application, b"author,pages\nMoore,120\nLind,80\n", "books")
    await caught_up(application)
    shown = await answered(application, "total pages by author")
    assert (shown.dataset, shown.outcome) == ("books", "answered")
    assert any("books" in each for each in shown.assumptions)


async def test_a_right_answer_is_known_by_heart_and_checked_again(
    application: Application,
) -> None:
    await load(application)
    first = await answered(application, "Total fare by city", dataset="trips")
    await application.bus()(GiveFeedback(first.id, "right"))
    await caught_up(application)
    again = await answered(application, "total  fare by CITY?", dataset="trips")
    assert again.planner == "golden"
    assert again.result == first.result
    (check,) = await application.bus()(VerifyGolden())
    assert check.verdict == "same"
    await application.bus()(GiveFeedback(first.id, "wrong"))
    await caught_up(application)
    assert (await answered(application, "total fare by city", dataset="trips")).planner == "offline"


async def test_a_synonym_that_was_given_is_understood_at_once(application: Application) -> None:
    await load(application)
    before = await answered(application, "total zlotys by city", dataset="trips")
    assert before.outcome == "unanswerable"
    columns = {"fare": ColumnCorrection(synonyms=("zlotys",))}
    assert await application.bus()(CorrectDataset(name="trips", columns=columns)) is None
    after = await answered(application, "total zlotys by city", dataset="trips")
    assert after.result[0] == ("Halvora", 72.25)


async def test_a_question_of_nothing_or_of_no_dataset_is_refused_at_the_door(
    application: Application,
) -> None:
    with pytest.raises(Invalid):
        await application.bus()(AskQuestion(question="   "))
    with pytest.raises(NoSuchDataset):
        await application.bus()(AskQuestion(question="fares", dataset="nowhere"))
    with pytest.raises(Invalid, match="follows"):
        await application.bus()(AskQuestion(question="fares", follows=uuid4()))


async def test_a_dataset_that_is_deleted_meanwhile_makes_it_unanswerable(
    application: Application,
) -> None:
    await load(application)
    id = await application.bus()(AskQuestion(question="total fare by city", dataset="trips"))
    await application.bus()(DeleteDataset("trips"))
    await application.bus()(AnswerQuestion(id))
    assert (await application.bus()(GetQuestion(id))).outcome == "unanswerable"


async def test_the_catalogue_is_a_dataset_and_always_as_it_is_now(
    application: Application,
) -> None:
    from contexts.events.application.commands import AnnounceEvent

    async def announce(title: str) -> None:
        from datetime import datetime

        await application.bus()(
            AnnounceEvent(title=title, starts_at=datetime(2027, 5, 3, 21), timezone="UTC")
        )
        await caught_up(application)

    await announce("Jazz")
    first = await answered(application, "how many events are there", dataset="events")
    assert first.result == ((1,),)
    await announce("Blues")
    second = await answered(application, "how many events are there", dataset="events")
    assert second.result == ((2,),)
    assert first.dataset_version != second.dataset_version


async def test_questions_are_listed_by_criteria(application: Application) -> None:
    await load(application)
    await answered(application, "total fare by city", dataset="trips")
    await answered(application, "average profit margin by city", dataset="trips")
    await caught_up(application)
    page = await application.bus()(ListQuestions())
    assert [each.status for each in page.data] == ["unanswerable", "answered"]  # type: ignore[union-attr]


async def test_what_nobody_expected_is_tried_again_a_few_times_and_then_failed(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    await load(application)

    async def breaks(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(application.analytics.understanding(), "plan", breaks)
    id = await application.bus()(AskQuestion(question="total fare by city", dataset="trips"))
    for left in (2, 1, 0):
        assert await application.bus()(AnswerQuestion(id))
        shown = await application.bus()(GetQuestion(id))
        assert (shown.outcome is None) == (left > 0)
    assert shown.outcome == "failed"
    assert [attempt.reason for attempt in shown.attempts] == [
        "something went wrong on our side: ZeroDivisionError"
    ] * 3
