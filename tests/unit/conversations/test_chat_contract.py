"""The fixed contract, byte by byte: what is said is answered, and what goes wrong has one form."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from litestar import Litestar
from litestar.di import Provide
from litestar.testing import TestClient

from contexts.conversations.application.answering import AnswerConversation
from contexts.conversations.application.chatting import AwaitRun, Chatting, GetAllowance, Say
from contexts.conversations.application.ports import Allowance, AssistantFailed, Piece, Said
from contexts.conversations.application.posting import MAX_MESSAGE, CancelRun
from contexts.conversations.application.queries import GetExchanges, RunShown
from contexts.conversations.application.showing import Transcripts
from contexts.conversations.application.tending import (
    ChangeConversation,
    DeleteConversation,
    Tending,
)
from contexts.conversations.domain import conversation
from contexts.conversations.domain.run import RunId
from contexts.conversations.presentation.chat import MESSAGE, ChatController
from shared.application.bus import Bus
from shared.application.codec import Codec
from shared.presentation.caller import owner, with_caller
from shared.presentation.idempotency import idempotent
from shared.presentation.problems import problem
from stored import KINDS
from talking import NOON, Scripted, Talk

Client = TestClient[Litestar]
MOST = 100_000
"""Bytes of a body."""

EXPECTED = (
    'a JSON object such as {"message": "hello"} is expected, and its message is a text of 1 to '
    "20,000 characters that says something"
)
NO_JSON = "JSON is malformed: invalid character (byte 0)"
CUT_SHORT = "body: this is JSON that is truncated, or that holds half of a surrogate pair"
KEY = {"idempotency-key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


class Chat(Talk):
    """With a worker that answers what is listened to, unless it is `asleep`; `away` is raised
    by whatever is asked or told."""

    def __init__(self, *script: Piece | Exception | asyncio.Event, seconds: float = 20) -> None:
        self.assistant = Scripted(*script)
        super().__init__(self.assistant)
        self.asleep = False
        self.away: Exception | None = None
        self._transcripts = Transcripts(self.store, Codec(KINDS), self.vault)
        tending = Tending(
            self.conversations, self.vault, self.queue, self.cancellations, lambda: NOON
        )
        # It listens to the chat itself, see `follow`.
        itself: Any = self
        chatting = Chatting(self.bus, self._transcripts.default_of, itself, seconds)
        self.bus.serve(
            {
                Say: chatting.say,
                AwaitRun: chatting.await_run,
                GetAllowance: self._allowance,
                GetExchanges: self._exchanges,
                ChangeConversation: tending.change,
                DeleteConversation: tending.delete,
            }
        )

    async def follow(self, owner: UUID, shown: RunShown) -> AsyncGenerator[None, None]:
        """As Following does, with no frame worth reading."""
        while self.asleep:
            yield None
            await asyncio.sleep(0.01)
        if self.away is not None:
            raise self.away
        await self.bus(AnswerConversation(shown.conversation_id))

    async def default(self, caller: str) -> UUID:
        return await self._transcripts.default_of(await self.vault.subject(caller))

    async def _allowance(self, query: GetAllowance) -> Allowance:
        """Until an hour from now."""
        allowance = await self.budgets.allowance(query.owner)
        soon = datetime.now(UTC) + timedelta(hours=1)
        return msgspec.structs.replace(allowance, resets_at=soon)

    async def _exchanges(self, query: GetExchanges) -> Any:
        if self.away is not None:
            raise self.away
        return await self._transcripts.exchanges(query)


def serving(chat: Chat) -> Client:
    def bus() -> Bus:
        return chat.bus

    app = Litestar(
        route_handlers=[ChatController],
        dependencies={
            "bus": Provide(bus, sync_to_thread=False),
            "vault": Provide(lambda: chat.vault, sync_to_thread=False),
            "owner": Provide(owner),
        },
        exception_handlers={Exception: problem},
        request_max_body_size=MOST,
        logging_config=None,
    )
    app.asgi_handler = with_caller(idempotent(app.asgi_handler, _no_keys, MOST, {MESSAGE}))
    client = TestClient(app)
    client.headers["marquee-caller"] = "ann"
    return client


def _no_keys() -> Any:
    raise AssertionError("no transaction is open around what waits")


@pytest.fixture
def chat() -> Chat:
    return Chat(Said("Hello "), Said("Ann."))


@pytest.fixture
def client(chat: Chat) -> Iterator[Client]:
    with serving(chat) as client:
        yield client


def said(client: Client, message: str, **headers: str) -> tuple[int, bytes]:
    answer = client.post("/chat/message", json={"message": message}, headers=headers)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.content


def error(message: str) -> bytes:
    return b'{"status":"error","message":%b}' % msgspec.json.encode(message)


def history(client: Client, caller: str = "ann") -> Any:
    return client.get("/chat/history", headers={"marquee-caller": caller}).json()


def test_what_is_said_is_answered(client: Client) -> None:
    assert said(client, "hi") == (200, b'{"status":"Success","response":"Hello Ann."}')


def test_the_history_has_what_was_said_in_order(client: Client) -> None:
    empty = client.get("/chat/history")
    assert (empty.status_code, empty.content) == (200, b"[]")
    said(client, "first")
    said(client, "second")
    shown = client.get("/chat/history")
    assert (shown.status_code, shown.headers["cache-control"]) == (200, "no-store")
    assert shown.content == (
        b'[{"user":"first","AI":"Hello Ann."},{"user":"second","AI":"Hello Ann."}]'
    )


def test_callers_do_not_read_each_other(client: Client) -> None:
    said(client, "a secret")
    assert history(client, "bob") == []
    bob = client.post("/chat/message", json={"message": "hi"}, headers={"marquee-caller": "bob"})
    assert bob.status_code == 200
    assert [each["user"] for each in history(client, "bob")] == ["hi"]
    assert [each["user"] for each in history(client)] == ["a secret"]


def test_who_has_no_name_goes_on_by_his_cookie(chat: Chat) -> None:
    with serving(chat) as client:
        del client.headers["marquee-caller"]
        assert client.get("/chat/history").json() == []
        said(client, "hi")
        assert [each["user"] for each in client.get("/chat/history").json()] == ["hi"]
        client.cookies.clear()
        assert client.get("/chat/history").json() == []


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"null",
        b"[]",
        b'"hi"',
        b"7",
        b"",
        b'{"message": null}',
        b'{"message": 7}',
        b'{"message": ["hi"]}',
        b'{"message": ""}',
        b'{"message": " \\t\\n\\u00a0"}',
        b'{"message": "a\\u0000b"}',
        b'{"message": "\\u0000"}',
        b'{"Message": "hi"}',
        msgspec.json.encode({"message": "x" * (MAX_MESSAGE + 1)}),
    ],
)
def test_what_is_no_message_is_refused(chat: Chat, client: Client, body: bytes) -> None:
    answer = client.post(
        "/chat/message", content=body, headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.content) == (400, error(EXPECTED))
    assert chat.assistant.turns == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{bad", "body: JSON is malformed: object keys must be strings (byte 1)"),
        (b'{"message": "hi"', CUT_SHORT),
        (b'{"message": "\\ud83d"}', CUT_SHORT),
        (b"message=hi", f"body: {NO_JSON}"),
        ('{"message": "hi"}'.encode("utf-16"), f"body: {NO_JSON}"),
        (b'{"message": ' + b"[" * 40_000, "nested too deep"),
        (b" " * (MOST + 1), "the body is larger than this server takes"),
    ],
)
def test_what_is_no_json_is_refused_and_told_why(client: Client, body: bytes, why: str) -> None:
    answer = client.post(
        "/chat/message", content=body, headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.content) == (400, error(why))


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "json"])
def test_another_type_of_content_is_refused(client: Client, kind: str) -> None:
    answer = client.post(
        "/chat/message", content=b'{"message": "hi"}', headers={"content-type": kind}
    )
    why = f"content-type: application/json is expected, not '{kind}'"
    assert (answer.status_code, answer.content) == (400, error(why))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"message": "hi", "more": [{}]}', "application/json"),
        (b'{"message": "hi"}', "Application/JSON; charset=utf-8"),
        (b'{"message": "hi"}', "application/vnd.chat+json"),
        (b'{"message": "hi"}', None),
        (msgspec.json.encode({"message": "\U0001f600" * MAX_MESSAGE}), "application/json"),
    ],
)
def test_what_makes_sense_is_taken(client: Client, body: bytes, kind: str | None) -> None:
    headers = {} if kind is None else {"content-type": kind}
    assert client.post("/chat/message", content=body, headers=headers).status_code == 200


def test_a_spent_budget_is_told_with_the_time_until_there_is_more(
    chat: Chat, client: Client
) -> None:
    chat.budgets.left = 1
    said(client, "hi")
    answer = client.post("/chat/message", json={"message": "hi"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert answer.content == error("no message is left for today")
    assert [each["user"] for each in history(client)] == ["hi"]


def test_tokens_that_run_out_while_it_is_answered_are_a_spent_budget_too() -> None:
    chat = Chat(Said("Well"), AssistantFailed("budget_spent", "the tokens of today are used up"))
    with serving(chat) as client:
        answer = client.post("/chat/message", json={"message": "hi"})
    assert (answer.status_code, answer.content) == (429, error("the tokens of today are used up"))
    assert 3_000 < int(answer.headers["retry-after"]) <= 3_600


def test_an_answer_that_failed_is_told_with_its_reason() -> None:
    chat = Chat(Said("Well"), AssistantFailed("model", "the model does not answer"))
    with serving(chat) as client:
        assert said(client, "hi") == (500, error("the model does not answer"))


def test_an_answer_that_broke_off_on_our_side_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with serving(Chat(RuntimeError("a secret"))) as client, caplog.at_level(logging.CRITICAL):
        assert said(client, "hi") == (
            500,
            error("something went wrong on our side; ask once more"),
        )


def test_of_an_answer_that_was_cancelled_the_part_that_had_come_is_given() -> None:
    class Impatient(Chat):
        async def follow(self, owner: UUID, shown: RunShown) -> AsyncGenerator[None, None]:
            answering = asyncio.create_task(self.bus(AnswerConversation(shown.conversation_id)))
            while not self.frames.sent or len(self.frames.sent[RunId.read(shown.id)]) < 2:
                yield None
                await asyncio.sleep(0.01)
            await self.bus(CancelRun(owner, RunId.read(shown.id)))
            await answering

    with serving(Impatient(Said("Half "), asyncio.Event())) as client:
        assert said(client, "hi") == (200, b'{"status":"Success","response":"Half "}')


def test_nobody_waits_for_ever_and_what_is_late_stands_in_the_history(
    caplog: pytest.LogCaptureFixture,
) -> None:
    chat = Chat(Said("At last."), seconds=0.05)
    chat.asleep = True
    with serving(chat) as client:
        late = "the answer takes longer than this waits; it will stand in /chat/history"
        assert said(client, "hi") == (500, error(late))
        chat.asleep = False
        said(client, "are you there?")
        assert history(client) == [
            {"user": "hi", "AI": "At last."},
            {"user": "are you there?", "AI": "At last."},
        ]


AWAY = [
    (psycopg.OperationalError("password"), "a server that we stand on does not answer; try again"),
    (TimeoutError(), "a server that we stand on does not answer; try again"),
    (RuntimeError("a secret"), "something went wrong on our side"),
]


@pytest.mark.parametrize(("away", "why"), AWAY)
def test_what_is_our_fault_is_told_without_what_was_said(
    chat: Chat, client: Client, caplog: pytest.LogCaptureFixture, away: Exception, why: str
) -> None:
    chat.away = away
    with caplog.at_level(logging.CRITICAL):
        assert said(client, "hi") == (500, error(why))
        shown = client.get("/chat/history")
    assert shown.status_code == 500
    assert shown.content == b'{"message":%b}' % msgspec.json.encode(why)


def test_said_twice_under_one_key_it_is_said_once_and_answered_alike(
    chat: Chat, client: Client
) -> None:
    first = said(client, "hi", **KEY)
    assert first == (200, b'{"status":"Success","response":"Hello Ann."}')
    assert said(client, "hi", **KEY) == first
    assert (len(history(client)), len(chat.assistant.turns)) == (1, 1)
    said(client, "hi", **{"idempotency-key": "another"})
    assert len(history(client)) == 2


def test_said_again_it_waits_for_the_same_answer(chat: Chat) -> None:
    chat = Chat(Said("At last."), seconds=0.05)
    chat.asleep = True
    with serving(chat) as client:
        assert said(client, "hi", **KEY)[0] == 500
        chat.asleep = False
        assert said(client, "hi", **KEY) == (200, b'{"status":"Success","response":"At last."}')
        assert len(history(client)) == 1


def test_a_key_is_no_good_for_another_message(client: Client) -> None:
    said(client, "hi", **KEY)
    why = "another message was sent with this Idempotency-Key before"
    assert said(client, "bye", **KEY) == (422, error(why))
    assert [each["user"] for each in history(client)] == ["hi"]


def test_a_key_of_one_caller_is_not_that_of_another(chat: Chat, client: Client) -> None:
    said(client, "hi", **KEY)
    bob = {**KEY, "marquee-caller": "bob"}
    assert client.post("/chat/message", json={"message": "hi"}, headers=bob).status_code == 200
    assert len(chat.assistant.turns) == 2


@pytest.mark.parametrize("path", ["/chat/message", "/chat/message/", "//chat//message"])
def test_no_spelling_of_the_path_waits_inside_a_transaction(client: Client, path: str) -> None:
    answer = client.post(f"http://testserver.local{path}", json={"message": "hi"}, headers=KEY)
    assert answer.status_code == 200


def test_a_bad_key_is_refused_in_the_same_form(client: Client) -> None:
    why = "Idempotency-Key: one header of 1 to 255 visible ASCII characters is expected"
    assert said(client, "hi", **{"idempotency-key": "a b"}) == (400, error(why))


async def test_after_a_conversation_that_was_deleted_or_archived_the_chat_goes_on(
    chat: Chat,
) -> None:
    with serving(chat) as client:
        said(client, "one")
        ann = await chat.vault.subject("ann")
        await chat.bus(DeleteConversation(ann, await chat.default("ann")))
        assert history(client) == []
        said(client, "two")
        archive = ChangeConversation(
            owner=ann, conversation_id=await chat.default("ann"), status="archived"
        )
        await chat.bus(archive)
        said(client, "three")
        assert [each["user"] for each in history(client)] == ["three"]


def test_after_a_conversation_that_is_full_the_chat_goes_on_in_another(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "MAX_MESSAGES", 4)
    for text in ("one", "two", "three"):
        assert said(client, text)[0] == 200
    assert [each["user"] for each in history(client)] == ["three"]
    # What was said in the other one is still told under its key.
    assert said(client, "four", **KEY)[0] == 200


def test_what_the_paths_do_not_know_is_a_problem(client: Client) -> None:
    assert client.get("/chat/message").status_code == 405
    assert client.get("/chat/nowhere").headers["content-type"] == "application/problem+json"


def test_the_description_tells_the_forms(client: Client) -> None:
    paths = client.get("/schema/openapi.json").json()["paths"]
    assert set(paths["/chat/message"]["post"]["responses"]) == {
        *("200", "400", "409", "422", "429", "500")
    }
    assert set(paths["/chat/history"]["get"]["responses"]) == {"200", "500"}
