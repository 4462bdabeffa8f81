"""A file and its fields as a browser sends them (RFC 7578), passed on while they come in."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from litestar import Request
from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from contexts.analytics.application.datasets import ForgetUpload, KeepUpload
from shared.application.bus import Bus
from shared.domain.errors import Invalid

FILE = "file"

MAX_FIELD = 10_000
"""Bytes of a field that is not the file."""

MAX_PARTS = 20

_Part: TypeAlias = MultipartSegment | bytes | bytearray | None


class Received(msgspec.Struct, frozen=True):
    """The fields by name, and what the file was called and is kept under."""

    fields: dict[str, str]
    filename: str
    upload_id: UUID


async def receive(request: Request[Any, Any, Any], bus: Bus, known: tuple[str, ...]) -> Received:
    """Take in one file, never held whole, and the fields that are `known`.

    Raise Invalid for anything else; then, and when it breaks off, nothing is kept.
    """
    fields: dict[str, str] = {}
    kept: tuple[str, UUID] | None = None
    try:
        parts = _parts(request)
        async for part in parts:
            if not isinstance(part, MultipartSegment):
                continue
            name = part.name or ""
            if name == FILE and kept is None:
                upload_id = await bus(KeepUpload(_body(parts)))
                kept = part.filename or "", upload_id
            elif name in known and name not in fields:
                fields[name] = await _text(name, parts)
            else:
                told = f"given twice: {name}" if name in (FILE, *fields) else f"unknown: {name!r}"
                raise Invalid(f"form field {told}; known are {', '.join((FILE, *known))}")
    except BaseException as error:
        if kept is not None:
            await bus(ForgetUpload(kept[1]))
        if isinstance(error, MultipartError):
            raise Invalid(f"the body is no complete multipart form: {error}") from error
        raise
    if kept is None:
        raise Invalid(f"{FILE}: is missing; send the file as a form field of that name")
    return Received(fields, *kept)


async def _parts(request: Request[Any, Any, Any]) -> AsyncGenerator[_Part, None]:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise Invalid(
            "send the file as multipart/form-data, such as with "
            "curl -F name=sales -F file=@sales.csv"
        )
    with PushMultipartParser(options["boundary"], max_segment_count=MAX_PARTS) as parser:
        async for chunk in request.stream():
            if chunk:
                for part in parser.parse(chunk):
                    yield part


async def _body(parts: AsyncIterator[_Part]) -> AsyncGenerator[bytes, None]:
    """What is left of the part that has begun. Reading on raises when it breaks off."""
    async for part in parts:
        if part is None:
            return
        assert not isinstance(part, MultipartSegment)
        yield bytes(part)


async def _text(name: str, parts: AsyncIterator[_Part]) -> str:
    text = bytearray()
    async for chunk in _body(parts):
        text += chunk
        if len(text) > MAX_FIELD:
            raise Invalid(f"{name}: more than {MAX_FIELD} bytes")
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise Invalid(f"{name}: not UTF-8") from None
