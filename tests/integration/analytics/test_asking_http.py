"""Datasets and questions over HTTP, as a program uses them."""

import asyncio
import csv
from collections.abc import AsyncIterator
from io import StringIO
from typing import Any

import msgspec
import pytest
from httpx2 import AsyncClient

from asking import TRIPS, at_work, chunks, load
from bootstrap import Application
from conftest import caught_up
from contexts.analytics.application.datasets import (
    ColumnCorrection,
    CorrectDataset,
    KeepUpload,
    LoadDataset,
    SweepUploads,
)
from contexts.analytics.domain.dataset import dataset_id
from listings import database_down, serving_here
from servers import Urls
from settings import Settings

FORM = {"file": ("trips.csv", TRIPS, "text/csv")}
PATIENCE = 60


@pytest.fixture
async def client(settings: Settings, application: Application) -> AsyncIterator[AsyncClient]:
    async with serving_here(settings) as client, at_work(application):
        yield client


async def loaded(client: AsyncClient, content: bytes = TRIPS, **form: str) -> dict[str, Any]:
    """Upload, and wait until it is a version or failed to be."""
    response = await client.post(
        "/datasets", files={"file": ("trips.csv", content, "text/csv")}, data=form
    )
    assert response.status_code == 202, response.text
    version = response.json()["version"]
    async with asyncio.timeout(PATIENCE):
        while True:
            shown: dict[str, Any] = (await client.get(response.headers["location"])).json()
            if (shown["loading"] or {}).get("version") != version:
                return shown


async def asked(client: AsyncClient, **body: object) -> dict[str, Any]:
    """Ask, and look until there is an outcome."""
    response = await client.post("/questions", json=body)
    assert response.status_code == 202, response.text
    async with asyncio.timeout(PATIENCE):
        while True:
            shown: dict[str, Any] = (await client.get(response.headers["location"])).json()
            if shown["outcome"]:
                return shown


async def test_an_uploaded_file_tells_its_columns_and_what_they_rest_on(
    client: AsyncClient,
) -> None:
    shown = await loaded(client)
    assert (shown["name"], shown["status"], shown["version"]) == ("trips", "loaded", 1)
    assert shown["rows"] == 7
    types = {column["name"]: (column["type"], column["role"]) for column in shown["asked"]}
    assert types == {
        "day": ("date", "time"),
        "city": ("text", "dimension"),
        "driver_id": ("integer", "identifier"),
        "passengers": ("integer", "measure"),
        "fare": ("decimal", "measure"),
    }
    assert all(column["why"] for column in shown["asked"])
    listed = (await client.get("/datasets")).json()
    assert [each["name"] for each in listed] == ["events", "trips"]


async def test_another_file_of_the_same_name_is_the_next_version(client: AsyncClient) -> None:
    await loaded(client)
    shown = await loaded(client, b"day,city\n2026-01-01,Nieve\n")
    assert (shown["version"], shown["rows"], shown["columns"]) == (2, 1, 2)


async def test_a_file_that_is_none_fails_with_what_to_do_and_the_version_before_it_stays(
    client: AsyncClient,
) -> None:
    await loaded(client)
    shown = await loaded(client, b"PK\x03\x04" + bytes(200))
    assert (shown["status"], shown["version"]) == ("loaded", 1)
    assert shown["failure"]["version"] == 2
    assert "CSV" in shown["failure"]["reason"]


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"name": "My Trips"}, "my_trips"),
        ({"name": "events"}, "catalogue"),
        ({"colour": "red"}, "unknown: 'colour'"),
        ({"options": '{"date": "day_first"}'}, "known are encoding"),
        ({"options": "[1]"}, "options"),
        ({"options": "nonsense"}, "options"),
    ],
)
async def test_a_form_that_makes_no_sense_is_refused_and_nothing_is_kept(
    client: AsyncClient, application: Application, form: dict[str, str], told: str
) -> None:
    response = await client.post("/datasets", files=FORM, data=form)
    assert response.status_code in (400, 409), response.text
    assert told in response.json()["detail"]
    assert await _kept(application) == 0


async def test_an_upload_that_is_cut_half_way_leaves_nothing(
    client: AsyncClient, application: Application
) -> None:
    head = (
        b'--X\r\nContent-Disposition: form-data; name="file"; filename="trips.csv"\r\n\r\n' + TRIPS
    )
    response = await client.post(
        "/datasets", content=head, headers={"content-type": "multipart/form-data; boundary=X"}
    )
    assert response.status_code == 400
    assert "complete" in response.json()["detail"]
    assert await _kept(application) == 0
    assert (await client.get("/datasets/trips")).status_code == 404


async def test_what_is_no_form_is_told_how_to_send_one(client: AsyncClient) -> None:
    response = await client.post("/datasets", content=TRIPS, headers={"content-type": "text/csv"})
    assert response.status_code == 400
    assert "curl -F" in response.json()["detail"]


async def test_a_corrected_type_is_loaded_anew_without_another_upload(
    client: AsyncClient,
) -> None:
    await loaded(client, b"zip,city\n4711,Nieve\n815,Halvora\n")
    response = await client.patch("/datasets/trips", json={"columns": {"zip": {"type": "text"}}})
    assert response.status_code == 202
    while (shown := (await client.get("/datasets/trips")).json())["loading"]:
        pass
    assert shown["version"] == 2
    assert shown["asked"][0]["type"] == "text"
    answer = await asked(client, question="number of rows by zip", dataset="trips")
    assert sorted(answer["result"]) == [["4711", 1], ["815", 1]]


async def test_words_that_are_corrected_show_at_once(client: AsyncClient) -> None:
    await loaded(client)
    body = {"columns": {"fare": {"unit": "EUR", "synonyms": ["takings"]}}, "row_noun": "trip"}
    response = await client.patch("/datasets/trips", json=body)
    assert response.status_code == 200
    shown = response.json()
    assert shown["asked"][4]["unit"] == "EUR"
    assert shown["row_noun"] == "trip"
    wrong = await client.patch("/datasets/trips", json={"columns": {"price": {"unit": "EUR"}}})
    assert wrong.status_code == 400
    assert "it has city" in wrong.json()["detail"]


async def test_a_deleted_dataset_is_gone_with_its_tables_and_its_file(
    client: AsyncClient, application: Application
) -> None:
    await loaded(client)
    assert (await client.delete("/datasets/trips")).status_code == 204
    assert (await client.get("/datasets/trips")).status_code == 404
    assert (await client.delete("/datasets/trips")).status_code == 404
    assert await _kept(application) == 0
    async with application.pool().connection() as connection:
        cursor = await connection.execute("select 1 from pg_tables where tablename like 'trips%'")
        assert await cursor.fetchone() is None


async def test_a_question_is_accepted_at_once_and_answered_by_a_worker(
    client: AsyncClient,
) -> None:
    await loaded(client)
    shown = await asked(client, question="total fare by city", dataset="trips")
    assert shown["outcome"] == "answered"
    assert shown["result"] == [["Halvora", 72.25], ["Nieve", 64], ["Saltmarsh", 8.25]]
    assert [column["kind"] for column in shown["columns"]] == ["dimension", "measure"]
    assert shown["sql"].lstrip().upper().startswith("SELECT")
    assert shown["chart"]["spec"]["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
    response = await client.get(f"/questions/{shown['id']}")
    tag = response.headers["etag"]
    same = await client.get(f"/questions/{shown['id']}", headers={"if-none-match": tag})
    assert same.status_code == 304


async def test_a_question_is_watched_to_its_outcome(client: AsyncClient) -> None:
    await loaded(client)
    response = await client.post(
        "/questions", json={"question": "total fare by city", "dataset": "trips"}
    )
    path = f"{response.headers['location']}/progress"
    events = _events((await client.get(path, timeout=PATIENCE)).text)
    assert events[-1]["event"] == "answered"
    assert events[0]["event"] in ("asked", "planned", "answered")
    last = msgspec.json.decode(events[-1]["data"])
    assert last["result"][0] == ["Halvora", 72.25]
    again = await client.get(path, headers={"last-event-id": events[-2]["id"]})
    assert [event["id"] for event in _events(again.text)] == [events[-1]["id"]]
    wrong = await client.get(path, headers={"last-event-id": "x"})
    assert wrong.status_code == 400


async def test_analyze_answers_in_the_short_form(client: AsyncClient) -> None:
    await loaded(client)
    response = await client.get(
        "/analyze", params={"text": "total fare by city", "dataset": "trips"}, timeout=PATIENCE
    )
    assert response.status_code == 200
    body = response.json()
    assert set(body) == {"result", "query", "chart_type", "analysis"}
    assert list(body["result"][0].values()) == ["Halvora", 72.25]
    assert body["chart_type"] == "bar"
    assert body["query"].lstrip().upper().startswith("SELECT")
    assert body["analysis"]


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({}, "missing"),
        ({"text": ""}, "missing"),
        ({"text": "   "}, "missing"),
        ({"text": "x" * 1_001}, "1000"),
        ({"text": "total fare", "dataset": "nowhere"}, "nowhere"),
        ({"text": "total fare", "data": "trips"}, "unknown parameter"),
        ({"text": "average wingspan by city", "dataset": "trips"}, "wingspan"),
        ({"text": "drop table trips", "dataset": "trips"}, ""),
    ],
)
async def test_analyze_says_why_there_is_no_answer(
    client: AsyncClient, parameters: dict[str, str], told: str
) -> None:
    await loaded(client)
    response = await client.get("/analyze", params=parameters, timeout=PATIENCE)
    assert response.status_code == 400, response.text
    assert set(response.json()) == {"error"}
    assert told in response.json()["error"]


async def test_a_spreadsheet_of_the_rows_computes_nothing(client: AsyncClient) -> None:
    await loaded(client, b"item,price\n=1+2,3\n@sum,4\n", name="shop")
    shown = await asked(client, question="total price by item", dataset="shop")
    response = await client.get(f"/questions/{shown['id']}/result.csv")
    assert response.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(StringIO(response.text)))
    assert sorted(row[0] for row in rows[1:]) == ["'=1+2", "'@sum"]


async def test_feedback_is_for_answers_alone(client: AsyncClient) -> None:
    await loaded(client)
    right = await asked(client, question="total fare by city", dataset="trips")
    path = f"/questions/{right['id']}/feedback"
    assert (await client.post(path, json={"verdict": "right"})).status_code == 204
    assert (await client.post(path, json={"verdict": "perhaps"})).status_code == 400
    none = await asked(client, question="average wingspan by city", dataset="trips")
    refused = await client.post(f"/questions/{none['id']}/feedback", json={"verdict": "right"})
    assert refused.status_code == 409
    csv_of_none = await client.get(f"/questions/{none['id']}/result.csv")
    assert csv_of_none.status_code == 409


async def test_questions_are_found_by_criteria(client: AsyncClient) -> None:
    await loaded(client)
    await asked(client, question="total fare by city", dataset="trips")
    await asked(client, question="average wingspan by city", dataset="trips")
    found = await client.get("/questions", params={"status[eq]": "answered"})
    while found.json()["totalRows"] != 1:
        found = await client.get("/questions", params={"status[eq]": "answered"})
    assert found.json()["data"][0]["question"] == "total fare by city"
    refused = await client.get("/questions", params={"colour": "red"})
    assert refused.status_code == 400


def _events(text: str) -> list[dict[str, str]]:
    """Server-sent events, as WHATWG's HTML has them."""
    blocks = text.replace("\r\n", "\n").strip().split("\n\n")
    return [
        dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        for block in blocks
    ]


async def _kept(application: Application) -> int:
    async with application.pool().connection() as connection:
        cursor = await connection.execute("select count(*) from analytics.upload_chunks")
        row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def test_a_fault_of_ours_is_told_in_the_same_form(
    settings: Settings, servers: Urls, database: str
) -> None:
    quick = msgspec.structs.replace(settings, connect_seconds=2)
    async with serving_here(quick) as client:
        with database_down(servers.database, database):
            response = await client.get("/analyze", params={"text": "fares"}, timeout=PATIENCE)
    assert response.status_code == 500
    assert set(response.json()) == {"error"}


async def test_a_file_that_no_dataset_is_made_of_is_swept_away_once_it_is_old(
    application: Application,
) -> None:
    bus = application.bus()
    await load(application)
    await bus(KeepUpload(chunks(TRIPS)))
    await caught_up(application)
    assert await bus(SweepUploads()) == 0
    assert await _kept(application) == 2
    assert await bus(SweepUploads(older_than=-60)) == 1
    assert await _kept(application) == 1
    columns = {"city": ColumnCorrection(type="text"), "driver_id": ColumnCorrection(type="text")}
    assert await bus(CorrectDataset(name="trips", columns=columns)) == 2
    assert await bus(LoadDataset(dataset_id("trips")))
