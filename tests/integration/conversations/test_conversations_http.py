"""Conversations over HTTP, as programs of two callers use them who never see each other's."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from httpx2 import AsyncClient, Response

from bootstrap import Application
from conftest import caught_up
from contexts.conversations.application.answering import AnswerConversation
from contexts.conversations.presentation.copies import MAX_IMPORT
from listings import serving_here
from settings import Settings

ANN, BEN = {"Marquee-Caller": "ann"}, {"Marquee-Caller": "ben"}


@pytest.fixture
async def client(settings: Settings, application: Application) -> AsyncIterator[AsyncClient]:
    async with serving_here(settings) as client:
        yield client


class Caller:
    """Somebody who uses the API, and a worker that answers him when told to."""

    def __init__(
        self, client: AsyncClient, application: Application, who: dict[str, str] = ANN
    ) -> None:
        self._client = client
        self._application = application
        self._who = who

    async def send(self, method: str, path: str, body: object = None, **headers: str) -> Response:
        content = None if body is None else msgspec.json.encode(body)
        about = {"content-type": "application/json"} if body is not None else {}
        return await self._client.request(
            method, path, content=content, headers={**about, **self._who, **headers}
        )

    async def begin(self, title: str | None = None) -> str:
        """The path of a new conversation."""
        response = await self.send("POST", "/conversations", {"title": title})
        assert response.status_code == 201, response.text
        return response.headers["location"]

    async def say(self, path: str, text: str = "Hello!", **more: Any) -> dict[str, Any]:
        response = await self.send("POST", f"{path}/messages", {"text": text, **more})
        assert response.status_code == 202, response.text
        assert response.headers["location"] == f"/runs/{response.json()['run_id']}"
        said: dict[str, Any] = response.json()
        return said

    async def answered(self, path: str, text: str = "Hello!", **more: Any) -> dict[str, Any]:
        said = await self.say(path, text, **more)
        await self._application.bus()(AnswerConversation(UUID(path.rpartition("/")[2])))
        return said

    async def shown(self, path: str) -> dict[str, Any]:
        response = await self.send("GET", path)
        assert response.status_code == 200, response.text
        shown: dict[str, Any] = response.json()
        return shown

    async def titles(self, query: str = "") -> list[str]:
        await caught_up(self._application)
        response = await self.send("GET", f"/conversations{query}")
        assert response.status_code == 200, response.text
        return [each["title"] for each in response.json()["data"]]


@pytest.fixture
def ann(client: AsyncClient, application: Application) -> Caller:
    return Caller(client, application)


@pytest.fixture
def ben(client: AsyncClient, application: Application) -> Caller:
    return Caller(client, application, BEN)


def refused(response: Response, status: int, said: str = "") -> bool:
    problem = response.json()
    assert response.headers["content-type"].startswith("application/problem+json")
    return bool(response.status_code == status == problem["status"] and said in problem["detail"])


# One conversation


async def test_a_conversation_is_begun_read_renamed_put_away_and_deleted(ann: Caller) -> None:
    path = await ann.begin()
    assert await ann.titles() == ["New conversation"]
    said = await ann.answered(path, "Hello, what can you do?")
    shown = await ann.shown(path)
    assert (shown["title"], shown["messages"], shown["running"]) == (
        "Hello, what can you do?",
        2,
        False,
    )
    assert [each["id"] for each in shown["tree"]] == [said["message_id"], said["answer_id"]]
    assert shown["tree"][1]["parts"][-1]["text"]
    assert [each["id"] for each in shown["runs"]] == [said["run_id"]]
    changed = await ann.send("PATCH", path, {"title": "Help", "status": "archived"})
    assert (changed.status_code, changed.content) == (204, b"")
    assert await ann.titles("?status[eq]=archived") == ["Help"]
    refusal = await ann.send("POST", f"{path}/messages", {"text": "More?"})
    assert refused(refusal, 409, "restore")
    assert (await ann.send("PATCH", path, {"status": "active"})).status_code == 204
    await ann.say(path, "More?")
    assert (await ann.send("DELETE", path)).status_code == 204
    assert refused(await ann.send("GET", path), 404)
    assert refused(await ann.send("DELETE", path), 404)
    assert await ann.titles() == []


async def test_a_conversation_that_is_as_it_was_is_not_sent_again(ann: Caller) -> None:
    path = await ann.begin("Plans")
    first = await ann.send("GET", path)
    again = await ann.send("GET", path, **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await ann.send("PATCH", path, {"title": "Others"})
    changed = await ann.send("GET", path, **{"If-None-Match": first.headers["etag"]})
    assert changed.json()["title"] == "Others"


async def test_nothing_that_people_write_is_kept_on_the_way(ann: Caller) -> None:
    path = await ann.begin("Plans")
    responses = [
        await ann.send("POST", "/conversations", {}),
        await ann.send("GET", "/conversations"),
        await ann.send("GET", path),
        await ann.send("GET", path, **{"If-None-Match": "*"}),
        await ann.send("GET", f"{path}/export"),
        await ann.send("POST", f"{path}/messages", {"text": "Hello!"}),
    ]
    assert {each.headers["cache-control"] for each in responses} == {"private, no-store"}


# What is said


async def test_a_message_is_edited_and_answered_again_on_branches_of_their_own(
    ann: Caller,
) -> None:
    path = await ann.begin()
    first = await ann.answered(path, "Hello!")
    second = await ann.answered(path, "Help!")
    edit = await ann.answered(path, "Thanks!", edits=second["message_id"])
    apart = await ann.answered(path, "Good morning!", parent_id=None)
    following = await ann.answered(path, "And then?", parent_id=first["answer_id"])
    again = await ann.send("POST", f"{path}/messages/{first['answer_id']}/regeneration", {})
    assert again.status_code == 202
    assert again.json()["message_id"] == first["message_id"]
    parents = {each["id"]: each["parent_id"] for each in (await ann.shown(path))["tree"]}
    assert parents[second["message_id"]] == first["answer_id"]
    assert parents[edit["message_id"]] == first["answer_id"]
    assert parents[apart["message_id"]] is None
    assert parents[following["message_id"]] == first["answer_id"]
    assert (await ann.shown(path))["head"] == again.json()["answer_id"]


async def test_a_message_that_comes_while_another_is_answered_does_as_its_policy_says(
    ann: Caller,
) -> None:
    path = await ann.begin()
    first = await ann.say(path)
    assert first["stream_url"] == f"/runs/{first['run_id']}/stream"
    refusal = await ann.send("POST", f"{path}/messages", {"text": "Help!"})
    assert refused(refusal, 409, first["run_id"])
    assert refusal.json()["type"] == "about:blank#conversations.run_in_progress"
    await ann.say(path, "Help!", policy="enqueue")
    await ann.say(path, "Thanks!", policy="interrupt")
    runs = (await ann.shown(path))["runs"]
    assert [(each["status"], each["cancelling"]) for each in runs] == [
        ("queued", True),
        ("queued", True),
        ("queued", False),
    ]


async def test_a_message_that_is_sent_twice_under_one_key_is_said_once(ann: Caller) -> None:
    path = await ann.begin()
    responses = [
        await ann.send("POST", f"{path}/messages", {"text": "Hello!"}, **{"Idempotency-Key": "1"})
        for _ in range(2)
    ]
    assert responses[0].json() == responses[1].json()
    assert (await ann.shown(path))["messages"] == 1


NO_MESSAGES: list[tuple[object, str]] = [
    ({}, "text"),
    ({"text": ""}, "text"),
    ({"text": " \n"}, "text"),
    ({"text": "a\0b"}, "text"),
    ({"text": "a" * 20_001}, "text"),
    ({"text": 7}, "text"),
    ({"text": None}, "text"),
    ({"text": "Hello!", "policy": "shout"}, "policy"),
    ({"text": "Hello!", "parent_id": "x"}, "parent_id"),
    ({"text": "Hello!", "parent_id": str(uuid4())}, "parent_id"),
    ({"text": "Hello!", "edits": str(uuid4())}, "edits"),
    ({"text": "Hello!", "edits": str(uuid4()), "parent_id": None}, "parent_id"),
    ({"text": "Hello!", "color": "red"}, "color"),
    ([], "body"),
]


async def test_a_message_that_is_none_is_refused_with_what_is_wrong_with_it(
    ann: Caller,
) -> None:
    path = await ann.begin()
    for body, said in NO_MESSAGES:
        assert refused(await ann.send("POST", f"{path}/messages", body), 400, said), body
    assert (await ann.shown(path))["messages"] == 0


NO_CHANGES: list[tuple[object, str]] = [
    ({}, "title"),
    ({"title": ""}, "title"),
    ({"title": "t" * 201}, "title"),
    ({"title": "a\0"}, "title"),
    ({"status": "deleted"}, "status"),
    ({"owner": str(uuid4())}, "owner"),
]


async def test_a_change_that_is_none_is_refused(ann: Caller) -> None:
    path = await ann.begin("Plans")
    for body, said in NO_CHANGES:
        assert refused(await ann.send("PATCH", path, body), 400, said), body
    assert (await ann.shown(path))["title"] == "Plans"


# Lists


async def test_conversations_are_found_by_what_was_said_in_them(ann: Caller) -> None:
    await ann.say(await ann.begin(), "Is there flamenco in Málaga?")
    await ann.say(await ann.begin("Plans"), "What is on?")
    assert await ann.titles() == ["Plans", "Is there flamenco in Málaga?"]
    assert await ann.titles("?q=malaga") == ["Is there flamenco in Málaga?"]
    assert await ann.titles("?q=flam&title[contains]=malaga") == []
    assert await ann.titles("?sortBy=started_at&pageSize=1") == ["Is there flamenco in Málaga?"]
    response = await ann.send("GET", "/conversations?fields=title&count=none")
    assert response.json()["data"][0] == {"title": "Plans"}


async def test_a_long_list_is_read_by_cursors(ann: Caller, ben: Caller) -> None:
    for number in range(5):
        await ann.begin(f"Number {number}")
    await ben.begin("Another")
    seen = await ann.titles("?pageSize=2")
    query = "?pageSize=2"
    while True:
        page = (await ann.send("GET", f"/conversations{query}")).json()
        if page["nextCursor"] is None:
            break
        query = f"?pageSize=2&cursor={page['nextCursor']}"
        seen += await ann.titles(query)
        assert refused(await ben.send("GET", f"/conversations{query}"), 400, "cursor")
    assert seen == [f"Number {number}" for number in (4, 3, 2, 1, 0)]


NO_LISTS: list[str] = [
    "?owner[eq]=00000000-0000-0000-0000-000000000000",
    "?filter=%7B%22field%22:%22owner%22,%22op%22:%22ne%22,%22value%22:%221%22%7D",
    "?sortBy=owner",
    "?fields=owner",
    "?fields=words",
    "?messages[gt]=many",
    "?words[contains]=a",
    "?cursor=AAAA",
    "?page=0",
]


async def test_a_list_is_asked_for_by_what_it_has_only(ann: Caller) -> None:
    await ann.begin("Plans")
    for query in NO_LISTS:
        assert refused(await ann.send("GET", f"/conversations{query}"), 400), query


# Others


async def test_others_are_told_that_there_is_nothing(ann: Caller, ben: Caller) -> None:
    path = await ann.begin("Secret plans")
    said = await ann.answered(path)
    requests: list[tuple[str, str, object]] = [
        ("GET", path, None),
        ("PATCH", path, {"title": "Mine"}),
        ("PATCH", path, {"status": "archived"}),
        ("DELETE", path, None),
        ("GET", f"{path}/export", None),
        ("POST", f"{path}/forks", {"message_id": said["message_id"]}),
        ("POST", f"{path}/messages", {"text": "Hello!"}),
        ("POST", f"{path}/messages", {"text": "Hello!", "parent_id": said["answer_id"]}),
        ("POST", f"{path}/messages", {"text": "Hello!", "edits": said["message_id"]}),
        ("POST", f"{path}/messages/{said['message_id']}/regeneration", {}),
        ("GET", f"/runs/{said['run_id']}", None),
        ("GET", f"/runs/{said['run_id']}/stream", None),
        ("POST", f"/runs/{said['run_id']}/cancellation", {}),
    ]
    before = await ann.shown(path)
    for method, asked, body in requests:
        response = await ben.send(method, asked, body)
        assert refused(response, 404), (method, asked)
        assert "ecret" not in response.text
        nowhere = asked.replace(path[-36:], str(UUID(int=7)))
        again = await ben.send(method, nowhere, body)
        # Not even that it is somebody's can be told from what is said.
        assert again.json()["detail"] == response.json()["detail"].replace(
            path[-36:], str(UUID(int=7))
        )
    assert await ben.titles() == []
    assert await ben.titles("?q=secret") == []
    assert await ann.shown(path) == before


async def test_a_caller_of_whom_nothing_is_known_sees_nothing(
    client: AsyncClient, ann: Caller, application: Application
) -> None:
    path = await ann.begin("Plans")
    nobody = Caller(client, application, {})
    assert await nobody.titles() == []
    assert refused(await nobody.send("GET", path), 404)


async def test_what_is_no_id_names_no_conversation(ann: Caller) -> None:
    for id in ("x", "..", "1", "' or 1=1", f"{uuid4()}-1", "%00", "imports"):
        response = await ann.send("GET", f"/conversations/{id}/export")
        assert response.status_code in (404, 405), (id, response.text)


# Copies


async def test_a_fork_goes_on_from_a_message_without_changing_the_original(ann: Caller) -> None:
    path = await ann.begin()
    first = await ann.answered(path, "Hello!")
    await ann.answered(path, "Help!")
    before = await ann.shown(path)
    response = await ann.send("POST", f"{path}/forks", {"message_id": first["answer_id"]})
    assert response.status_code == 201
    fork = response.headers["location"]
    await ann.answered(fork, "Thanks!")
    shown = await ann.shown(fork)
    assert [each["author"] for each in shown["tree"]] == ["user", "assistant"] * 2
    assert shown["tree"][2]["parent_id"] == shown["tree"][1]["id"]
    assert shown["forked_from"] == {
        "conversation_id": path[-36:],
        "message_id": first["answer_id"],
    }
    assert await ann.shown(path) == before
    assert await ann.titles() == ["Hello!", "Hello!"]
    nowhere = await ann.send("POST", f"{path}/forks", {"message_id": str(uuid4())})
    assert refused(nowhere, 404, "message")


async def test_an_export_is_a_file_that_another_caller_may_bring_in(
    ann: Caller, ben: Caller
) -> None:
    path = await ann.begin("Plans")
    await ann.answered(path, "Hello!")
    await ann.answered(path, "Which concerts are there?")
    export = await ann.send("GET", f"{path}/export")
    assert export.headers["content-disposition"] == (
        f'attachment; filename="conversation-{path[-36:]}.json"'
    )
    file = export.json()
    assert (file["format"], file["title"]) == ("marquee.conversation/1", "Plans")
    response = await ben.send("POST", "/conversations/imports", file)
    assert response.status_code == 201, response.text
    copy = response.headers["location"]
    again = (await ben.send("GET", f"{copy}/export")).json()
    assert [each["parts"] for each in again["messages"]] == [
        each["parts"] for each in file["messages"]
    ]
    await ben.answered(copy, "Thanks!")
    assert (await ben.shown(copy))["messages"] == 6
    assert await ben.titles("?q=concerts") == ["Plans"]
    assert refused(await ann.send("GET", copy), 404)


def filed(text: str = "Hello!", **changes: Any) -> dict[str, Any]:
    message = {
        "id": str(uuid4()),
        "parent_id": None,
        "author": "user",
        "written_at": "2026-05-04T12:00:00Z",
        "parts": [{"type": "text", "text": text}],
        **changes,
    }
    return {"format": "marquee.conversation/1", "messages": [message]}


NO_FILES: list[tuple[bytes, str]] = [
    (b"", "body"),
    (b"{", ""),
    (b"[]", ""),
    (b"\xff\xfe", ""),
    (b'{"format": "marquee.conversation/1"}', "messages"),
    (b'{"format": "zip", "messages": []}', "format"),
    (b'{"format": "marquee.conversation/1", "messages": {}}', "messages"),
    (b'{"format": "marquee.conversation/1", "messages": [null]}', "messages[0]"),
    (msgspec.json.encode(filed(author="system")), "messages[0].author"),
    (msgspec.json.encode(filed(parts=[{"type": "image"}])), "messages[0].parts[0]"),
    (msgspec.json.encode(filed(written_at="yesterday")), "messages[0].written_at"),
    (msgspec.json.encode(filed(written_at="2026-05-04T12:00:00")), "messages[0].written_at"),
    (msgspec.json.encode(filed(parent_id=str(uuid4()))), "messages[0].parent_id"),
    (msgspec.json.encode(filed(text=" ")), "messages[0].parts[0].text"),
    (msgspec.json.encode(filed()).replace(b"Hello!", rb"\ud800"), ""),
    (
        msgspec.json.encode(
            filed(parts=[{"type": "tool", "id": "1", "name": "x", "arguments": {}}])
        ).replace(b'"arguments":{}', b'"arguments":' + b'{"a":' * 9_000 + b"1" + b"}" * 9_000),
        "nested too deep",
    ),
]


async def test_a_file_that_is_no_conversation_is_refused_with_the_place(
    ann: Caller, client: AsyncClient
) -> None:
    headers = {**ANN, "content-type": "application/json"}
    for body, said in NO_FILES:
        response = await client.post("/conversations/imports", content=body, headers=headers)
        assert refused(response, 400, said), (body[:100], response.text)
    assert await ann.titles() == []


async def test_a_file_may_be_larger_than_other_bodies_but_not_any_size(ann: Caller) -> None:
    file = filed()
    message = file["messages"][0]
    answer = {
        **message,
        "id": str(uuid4()),
        "parent_id": message["id"],
        "author": "assistant",
        "parts": [{"type": "text", "text": "a " * (MAX_IMPORT // 2 - 5_000)}],
    }
    file["messages"].append(answer)
    assert 4_500_000 < len(msgspec.json.encode(file)) < MAX_IMPORT
    key = {"Idempotency-Key": "once"}
    for _ in range(2):
        response = await ann.send("POST", "/conversations/imports", file, **key)
        assert response.status_code == 201, response.text
    assert await ann.titles() == ["Hello!"]
    answer["parts"].append({"type": "text", "text": "a" * 10_000})
    assert refused(await ann.send("POST", "/conversations/imports", file), 413)


async def test_what_may_be_left_out_whole_may_be_sent_without_a_body(ann: Caller) -> None:
    path = (await ann.send("POST", "/conversations")).headers["location"]
    said = await ann.answered(path)
    regeneration = f"{path}/messages/{said['message_id']}/regeneration"
    for body in ([], {"policy": None}, {"color": "red"}, "x"):
        assert refused(await ann.send("POST", regeneration, body), 400), body
    assert (await ann.send("POST", regeneration)).status_code == 202


async def test_the_document_of_the_api_tells_how_conversations_are_used(
    client: AsyncClient,
) -> None:
    document = (await client.get("/schema/openapi.json")).json()
    listing = document["paths"]["/conversations"]["get"]
    assert {"q", "cursor", "filter"} <= {each["name"] for each in listing["parameters"]}
    saying = document["paths"]["/conversations/{conversation_id}/messages"]["post"]
    assert {"202", "400", "404", "409", "429"} <= saying["responses"].keys()
