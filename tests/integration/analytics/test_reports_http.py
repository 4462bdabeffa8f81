"""Reports over HTTP: what is asked of them and how it is answered."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from bootstrap import Application
from conftest import caught_up
from contexts.analytics.domain.answer import Chart, Output, Result
from contexts.analytics.domain.question import Answer, Outcome, QuestionAnswered, QuestionFailed
from listings import Client, serving
from settings import Settings

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAILY = {
    "name": "Low fares",
    "question": "total fare yesterday",
    "cron": "0 8 * * MON-FRI",
    "timezone": "Europe/Madrid",
    "condition": "fare < 1000",
}


def answered(*fares: float) -> QuestionAnswered:
    column = Output(name="fare", title="Fare", type="decimal", kind="measure")
    answer = Answer(
        sql="select 1",
        result=Result(columns=(column,), rows=tuple((each,) for each in fares)),
        chart=Chart(type="none", why="one number"),
        analysis="Fares add up to little.",
        dataset_version="1",
        log_position=1,
    )
    return QuestionAnswered(answer=answer, answered_at=NOON)


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with serving(settings) as client:
        yield client


async def scheduled(client: Client, **more: Any) -> str:
    """The path of a report."""
    response = await client.post("/reports", json={**DAILY, **more})
    assert response.status_code == 201, response.text
    return str(response.headers["location"])


async def run(client: Client, application: Application, report: str, outcome: Outcome) -> str:
    """The path of a run by hand that came to this."""
    response = await client.post(f"{report}/runs")
    assert response.status_code == 202, response.text
    await caught_up(application)
    questions = application.analytics.question_streams()
    question = await questions.get(UUID(response.json()["question_id"]))
    question.end(outcome)
    await questions.save(question)
    await caught_up(application)
    return str(response.headers["location"])


async def shown(client: Client, path: str) -> Any:
    response = await client.get(path)
    assert response.status_code == 200, response.text
    return response.json()


async def refusal(client: Client, method: str, path: str, status: int, body: Any = None) -> str:
    response = await client.request(method, path, json=body)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return str(response.json()["detail"])


async def test_a_report_is_where_the_answer_says_and_tells_when_it_is_due(client: Client) -> None:
    response = await client.post("/reports", json=DAILY)
    body = response.json()
    assert (response.status_code, response.headers["etag"]) == (201, '"1"')
    assert response.headers["location"] == f"/reports/{body['id']}"
    times = [datetime.fromisoformat(each) for each in body["next_three"]]
    assert times == sorted(set(times))
    assert len(times) == 3
    assert {each[10:19] for each in body["next_three"]} == {"T08:00:00"}
    report = await shown(client, response.headers["location"])
    assert {name: report[name] for name in DAILY} == DAILY
    assert (report["state"], report["missed"], report["alert"]) == ("active", "latest", False)
    assert report["next_three"] == body["next_three"]
    assert datetime.fromisoformat(report["next_due"]) == times[0]
    again = await client.get(response.headers["location"], headers={"if-none-match": '"1"'})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"cron": "every morning"}, "such as '0 8 * * MON-FRI'"),
        ({"cron": "0 25 * * *"}, "bad hour"),
        ({"timezone": "Madrid"}, "such as 'Europe/Madrid'"),
        ({"condition": "fare is low"}, "such as 'total < 1000'"),
        ({"name": " "}, "name"),
        ({"name": "a\u0000b"}, "name"),
        ({"question": "  "}, "question"),
        ({"missed": "all"}, "missed"),
        ({"crom": "0 8 * * *"}, "crom"),
    ],
)
async def test_what_makes_no_report_is_refused_and_says_what_would(
    client: Client, wrong: dict[str, str], said: str
) -> None:
    assert said in await refusal(client, "POST", "/reports", 400, {**DAILY, **wrong})


@pytest.mark.parametrize("missing", ["name", "question", "cron", "timezone"])
async def test_what_a_report_needs_is_asked_for(client: Client, missing: str) -> None:
    body = {name: value for name, value in DAILY.items() if name != missing}
    assert missing in await refusal(client, "POST", "/reports", 400, body)


async def test_a_report_on_a_dataset_that_is_not_there_is_refused(client: Client) -> None:
    said = await refusal(client, "POST", "/reports", 404, {**DAILY, "dataset": "ferries"})
    assert "ferries" in said


async def test_a_run_by_hand_is_opened_with_all_of_its_answer(
    client: Client, application: Application
) -> None:
    report = await scheduled(client)
    path = await run(client, application, report, answered(820.5))
    opened = await shown(client, path)
    run_id = path.rpartition("/")[2]
    assert opened["run"]["id"] == opened["question"]["id"] == run_id
    assert (opened["run"]["status"], opened["run"]["why"]) == ("answered", "by_hand")
    assert (opened["run"]["value"], opened["run"]["condition_met"]) == (820.5, True)
    assert opened["question"]["result"] == [[820.5]]
    assert opened["question"]["analysis"] == "Fares add up to little."
    assert opened["question"]["report"] == report.rpartition("/")[2]
    seen = await shown(client, report)
    assert (seen["alert"], seen["alert_since"], seen["last_outcome"]) == (
        True,
        "2026-03-02T12:00:00Z",
        "answered",
    )
    assert [each["id"] for each in seen["last_runs"]] == [run_id]


async def test_a_run_is_there_before_its_question_is(client: Client) -> None:
    report = await scheduled(client)
    response = await client.post(f"{report}/runs")
    opened = await shown(client, response.headers["location"])
    assert (opened["run"]["status"], opened["question"]) == ("running", None)


async def test_runs_are_listed_the_newest_first_by_page(
    client: Client, application: Application
) -> None:
    report, other = await scheduled(client), await scheduled(client)
    await run(client, application, other, answered(1))
    paths = [
        await run(client, application, report, answered(2000)),
        await run(client, application, report, QuestionFailed("the server was away", NOON)),
        await run(client, application, report, answered()),
    ]
    page = await shown(client, f"{report}/runs?pageSize=2")
    assert (page["totalRows"], page["totalPages"]) == (3, 2)
    rest = await shown(client, f"{report}/runs?pageSize=2&page=2")
    runs = [*page["data"], *rest["data"]]
    assert [f"{report}/runs/{each['id']}" for each in runs] == paths[::-1]
    assert [each["status"] for each in runs] == ["answered", "failed", "answered"]
    assert [each["condition_met"] for each in runs] == [None, None, False]
    assert [each["note"] for each in runs] == [
        "there are no rows to compare; `rows = 0` asks for that",
        "the server was away",
        None,
    ]
    assert [(await shown(client, path))["run"] for path in paths] == runs[::-1]
    assert "unknown parameter" in await refusal(client, "GET", f"{report}/runs?size=2", 400)


async def test_a_report_is_paused_resumed_and_retired(
    client: Client, application: Application
) -> None:
    report = await scheduled(client)
    await caught_up(application)
    paused = await client.post(f"{report}/pause")
    assert (paused.status_code, paused.headers["etag"]) == (200, '"2"')
    assert (paused.json()["state"], paused.json()["next_three"]) == ("paused", [])
    assert (await client.post(f"{report}/pause")).headers["etag"] == '"2"'
    assert (await shown(client, report))["next_due"] is None
    resumed = await client.post(f"{report}/resume")
    assert resumed.json()["state"] == "active"
    assert len(resumed.json()["next_three"]) == 3
    assert (await client.delete(report)).status_code == 204
    assert (await client.delete(report)).status_code == 204
    seen = await shown(client, report)
    assert (seen["state"], seen["next_due"]) == ("retired", None)
    for what in ("pause", "resume", "runs"):
        assert "is retired" in await refusal(client, "POST", f"{report}/{what}", 409)


async def test_reports_are_listed_by_criteria(client: Client, application: Application) -> None:
    quiet = await scheduled(client, name="Quiet")
    loud = await scheduled(client, name="Loud", dataset="events")
    gone = await scheduled(client, name="Gone")
    await run(client, application, loud, answered(1))
    await client.delete(gone)
    await caught_up(application)

    async def names(query: str) -> list[str]:
        return [each["name"] for each in (await shown(client, f"/reports?{query}"))["data"]]

    assert await names("") == ["Gone", "Loud", "Quiet"]
    assert await names("sortBy=name&sortDir=asc") == ["Gone", "Loud", "Quiet"]
    assert await names("sortBy=name&sortDir=desc&pageSize=2") == ["Quiet", "Loud"]
    assert await names("state[eq]=active&sortBy=next_due&sortDir=asc") == ["Quiet", "Loud"]
    assert sorted(await names("state[in]=active,paused")) == ["Loud", "Quiet"]
    assert await names("alert[eq]=true") == ["Loud"]
    assert await names("dataset[eq]=events") == ["Loud"]
    assert await names("next_due[is_null]=true") == ["Gone"]
    assert await names("name[contains]=uie") == ["Quiet"]
    assert "state" in await refusal(client, "GET", "/reports?state[eq]=tired", 400)
    (listed,) = (await shown(client, "/reports?name[eq]=Quiet"))["data"]
    whole = await shown(client, quiet)
    assert listed == {name: whole[name] for name in listed}


async def test_a_list_is_read_after_a_write_when_it_is_asked_for(
    client: Client, application: Application
) -> None:
    response = await client.post("/reports", json=DAILY)
    position = response.headers["log-position"]
    await caught_up(application)
    for path in ("/reports", f"{response.headers['location']}/runs"):
        seen = await client.get(path, headers={"min-log-position": position})
        assert seen.status_code == 200
    late = await client.get("/reports", headers={"min-log-position": str(int(position) + 1_000)})
    assert late.status_code == 503


async def test_what_is_not_there_is_not_found(client: Client, application: Application) -> None:
    report, none = await scheduled(client), f"/reports/{uuid4()}"
    of_another = (await run(client, application, await scheduled(client), answered())).split("/")[
        -1
    ]
    for method, path in [
        ("GET", none),
        ("GET", f"{report}/runs/{of_another}"),
        ("DELETE", none),
        ("GET", f"{none}/runs"),
        ("GET", f"{none}/runs/{uuid4()}"),
        ("GET", f"{report}/runs/{uuid4()}"),
        *(("POST", f"{none}/{what}") for what in ("pause", "resume", "runs")),
    ]:
        await refusal(client, method, path, 404)
    assert (await shown(client, f"{report}/runs"))["data"] == []


async def test_a_rebuilt_read_model_shows_the_same(
    client: Client, application: Application
) -> None:
    report = await scheduled(client)
    await client.post(f"{report}/pause")
    await client.post(f"{report}/resume")
    for fares in (5, 2000):
        await run(client, application, report, answered(fares))
    await client.post(f"{report}/runs")
    await caught_up(application)
    before = await _rows(application)
    assert len(before) == 4
    reports = application.runner().subscriptions["analytics.reports"]
    for size in (1, 2_000):
        async with application.pool().connection() as connection:
            await connection.execute("truncate analytics.reports_1, analytics.report_runs_1")
            await connection.execute(
                "update event_store.checkpoints set position = 0 where projection = %s",
                (reports.name,),
            )
        reports.batch_size = size
        await application.runner().catch_up(reports.name)
        assert await _rows(application) == before


async def _rows(application: Application) -> list[Any]:
    async with application.pool().connection() as connection:
        cursor = await connection.execute(
            "select r::text from analytics.reports r union all"
            " select r::text from analytics.report_runs r order by 1"
        )
        return await cursor.fetchall()
