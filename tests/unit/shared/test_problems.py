"""What is wrong with a body is told in words, and under a code that programs may rely on."""

import msgspec
import pytest
from litestar import Litestar, post
from litestar.params import JSONBody
from litestar.testing import TestClient

from contexts.analytics.application.asking import QuestionText
from contexts.conversations.application.posting import MessageText, Title
from shared.presentation.problems import problem

SAYS_NOTHING = "a text that says something, without NUL, is expected"
CUT_SHORT = "body: this is JSON that is truncated, or that holds half of a surrogate pair"
NO_TEXT = "body: this is JSON with a text in it that is not UTF-8"


class Said(msgspec.Struct, forbid_unknown_fields=True):
    text: MessageText = "x"
    title: Title = "x"
    question: QuestionText = "x"


@post("/")
async def take(data: JSONBody[Said]) -> None:
    pass


def refusal(body: bytes) -> tuple[int, str, str]:
    app = Litestar(
        [take], exception_handlers={Exception: problem}, openapi_config=None, logging_config=None
    )
    with TestClient(app) as client:
        response = client.post("/", content=body, headers={"content-type": "application/json"})
    said = response.json()
    return response.status_code, said["type"], said["detail"]


@pytest.mark.parametrize("field", ["text", "title", "question"])
@pytest.mark.parametrize("text", [" ", "\\u3000", "a\\u0000b"])
def test_nobody_has_to_read_a_pattern_to_see_what_is_wrong(field: str, text: str) -> None:
    body = f'{{"{field}": "{text}"}}'.encode()
    assert refusal(body) == (400, "about:blank#invalid", f"{field}: {SAYS_NOTHING}")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"text": "a"', CUT_SHORT),
        (b'{"text": "\\ud83d"}', CUT_SHORT),
        (b"message=hi", "body: JSON is malformed: invalid character (byte 0)"),
        (b"\xff\xfe", "body: JSON is malformed: invalid character (byte 0)"),
        (b'{"text": "a secret \xff"}', NO_TEXT),
        (b'{"a secret \xff": 1}', NO_TEXT),
    ],
)
def test_a_body_that_is_no_json_is_invalid_like_any_other(
    body: bytes, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert refusal(body) == (400, "about:blank#invalid", said)
    assert "secret" not in caplog.text


def test_what_is_no_text_among_what_is_ours_is_our_fault(caplog: pytest.LogCaptureFixture) -> None:
    @post("/")
    async def fail(data: JSONBody[Said]) -> None:
        b"\xff".decode()

    app = Litestar(
        [fail], exception_handlers={Exception: problem}, openapi_config=None, logging_config=None
    )
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.post("/", json={}).status_code == 500
    assert "request failed" in caplog.text
