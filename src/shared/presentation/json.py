"""JSON as it leaves the API: decimals are numbers."""

from typing import Any, TypeVar

import msgspec
from litestar import Response

T = TypeVar("T")

_encode = msgspec.json.Encoder(decimal_format="number").encode


class JSONResponse(Response[T]):
    def render(self, content: Any, media_type: str, enc_hook: Any = None) -> bytes:
        if isinstance(content, (bytes, str)) or content is None or "json" not in media_type:
            return super().render(content, media_type, enc_hook)
        return _encode(content)
