"""JSON as it leaves the API: decimals are numbers."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from litestar import Response
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.types import Receive, Scope, Send
from litestar.types.asgi_types import HTTPResponseStartEvent
from litestar.typing import FieldDefinition

T = TypeVar("T")

encode_json = msgspec.json.Encoder(decimal_format="number").encode


class JSONResponse(Response[T]):
    def render(self, content: Any, media_type: str, enc_hook: Any = None) -> bytes:
        if isinstance(content, (bytes, str)) or content is None or "json" not in media_type:
            return super().render(content, media_type, enc_hook)
        return encode_json(content)


class EncodedResponse(JSONResponse[T]):
    """What is encoded already, sent as it is: most of what a response goes through is saved."""

    def __init__(self, body: bytes, status_code: int, headers: Sequence[tuple[str, str]]) -> None:
        self._body = body
        self._start: HTTPResponseStartEvent = {
            "type": "http.response.start",
            "status": status_code,
            "headers": [(name.encode(), value.encode()) for name, value in headers],
        }
        if body:
            described = [
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
            ]
            self._start["headers"] = [*described, *self._start["headers"]]

    def to_asgi_response(self, *args: Any, **options: Any) -> Any:
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(self._start)
        await send({"type": "http.response.body", "body": self._body, "more_body": False})


class DecimalsAsNumbers(OpenAPISchemaPlugin):
    """Says so in the OpenAPI document."""

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:
        return value is Decimal

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:
        return Schema(type=OpenAPIType.NUMBER)
