"""JSON as it leaves the API: decimals are numbers."""

from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from litestar import Response
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

T = TypeVar("T")

_encode = msgspec.json.Encoder(decimal_format="number").encode


class JSONResponse(Response[T]):
    def render(self, content: Any, media_type: str, enc_hook: Any = None) -> bytes:
        if isinstance(content, (bytes, str)) or content is None or "json" not in media_type:
            return super().render(content, media_type, enc_hook)
        return _encode(content)


class DecimalsAsNumbers(OpenAPISchemaPlugin):
    """Says so in the OpenAPI document."""

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:
        return value is Decimal

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:
        return Schema(type=OpenAPIType.NUMBER)
