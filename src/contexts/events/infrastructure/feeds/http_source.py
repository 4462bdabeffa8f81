"""Gets feeds over HTTP, from servers that may hang, cut, lie or send more than anyone can hold."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from ssl import SSLContext
from tempfile import TemporaryDirectory

import httpx2
import msgspec

from contexts.events.application.ports import FeedFailed, Fetched, Validators

_REDIRECTS = 5
_HEADERS = {
    "User-Agent": "marquee",
    "Accept": "application/xml, text/xml, application/ld+json, application/json;q=0.9, */*;q=0.1",
}


class FetchLimits(msgspec.Struct, frozen=True):
    """How long a provider may take, and how much it may send.

    `total_seconds` is from the first connection to the last byte: a server that sends a byte now
    and then keeps within `read_seconds` for ever. `max_bytes` counts decoded bytes.
    """

    connect_seconds: float = 10
    read_seconds: float = 30
    total_seconds: float = 600
    max_bytes: int = 1024**3

    def check(self, size: int) -> None:
        if size > self.max_bytes:
            raise FeedFailed(f"the feed is larger than {self.max_bytes} bytes")


class HttpFeedSource:
    """Downloads a feed into a temporary file.

    Messages name the host alone: a URL may hold a password or a key.
    """

    def __init__(self, limits: FetchLimits) -> None:
        self._limits = limits

    @asynccontextmanager
    async def fetch(self, url: str, known: Validators) -> AsyncIterator[Fetched]:
        with TemporaryDirectory(prefix="marquee-feed-") as folder:
            yield await self._download(url, known, Path(folder, "feed"))

    async def _download(self, url: str, known: Validators, path: Path) -> Fetched:
        limits = self._limits
        timeout = httpx2.Timeout(limits.read_seconds, connect=limits.connect_seconds)
        try:
            async with (
                asyncio.timeout(limits.total_seconds),
                httpx2.AsyncClient(
                    timeout=timeout, headers=_HEADERS, verify=await asyncio.to_thread(_tls)
                ) as client,
            ):
                first = client.build_request("GET", url, headers=_conditions(known))
                response = await _follow(client, first)
                async with aclosing(response):
                    return await self._receive(response, known, path)
        except httpx2.InvalidURL:
            # Its text may quote the password.
            raise FeedFailed("the feed's address is not a URL") from None
        except (httpx2.RequestError, TimeoutError) as error:
            raise FeedFailed(self._in_words(error)) from error
        except OSError as error:
            raise FeedFailed(f"the feed cannot be kept: {error.strerror}") from error

    async def _receive(self, response: httpx2.Response, known: Validators, path: Path) -> Fetched:
        headers = response.headers
        validators = Validators(_plain(headers.get("ETag")), _plain(headers.get("Last-Modified")))
        if response.status_code == HTTPStatus.NOT_MODIFIED and known != Validators():
            return Fetched(path=None, validators=known, bytes=0)
        if response.status_code != HTTPStatus.OK:
            raise FeedFailed(
                f"the provider answered {_status(response.status_code)}",
                retry_after=_retry_after(headers.get("Retry-After")),
            )
        accepted = _codings(response.request.headers.get("Accept-Encoding", "")) | {"identity"}
        if unknown := _codings(headers.get("Content-Encoding", "")) - accepted:
            raise FeedFailed(f"the feed is encoded as {', '.join(sorted(unknown))}, unasked")
        announced = headers.get("Content-Length", "")
        if announced.isdecimal():
            self._limits.check(int(announced))
        received = 0
        with await asyncio.to_thread(path.open, "wb") as file:
            async with aclosing(response.aiter_bytes()) as pieces:
                async for piece in pieces:
                    received += len(piece)
                    self._limits.check(received)
                    await asyncio.to_thread(file.write, piece)
        return Fetched(path=path, validators=validators, bytes=received)

    def _in_words(self, error: Exception) -> str:
        match error:
            case httpx2.ConnectTimeout():
                return f"the provider took no connection within {self._limits.connect_seconds:g} s"
            case httpx2.TimeoutException():
                return f"the provider sent nothing for {self._limits.read_seconds:g} s"
            case TimeoutError():
                return f"the feed did not arrive whole within {self._limits.total_seconds:g} s"
            case httpx2.ConnectError():
                return f"the provider cannot be reached: {error}"
            case httpx2.UnsupportedProtocol():
                return "the feed's address has no host to ask"
            case httpx2.DecodingError():
                return "the feed's compression is broken"
            case httpx2.NetworkError() | httpx2.ProtocolError():
                return f"the connection broke off: {error or 'no reason given'}"
            case _:
                return f"the feed cannot be had: {type(error).__name__}"


@cache
def _tls() -> SSLContext:
    """Made once: reading the certificates takes a tenth of a second, and nobody else gets on."""
    return httpx2.create_ssl_context()


async def _follow(client: httpx2.AsyncClient, request: httpx2.Request) -> httpx2.Response:
    """The answer at the end of the redirects, its body unread.

    The client would follow them by itself, but it reads the body of each into memory.
    """
    for _ in range(_REDIRECTS + 1):
        response = await client.send(request, stream=True)
        if not response.has_redirect_location:
            return response
        await response.aclose()
        if response.next_request is None:
            raise FeedFailed("the provider redirects to something that is not a URL")
        request = response.next_request
        if request.url.scheme not in ("http", "https"):
            raise FeedFailed(f"the provider redirects to a {request.url.scheme}: address")
    raise FeedFailed(f"the provider redirects more than {_REDIRECTS} times")


def _conditions(known: Validators) -> dict[str, str]:
    stated = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in stated.items() if value}


def _plain(validator: str | None) -> str | None:
    """A validator that can be sent back as it came; one that cannot is worth nothing."""
    return validator if validator and validator.isascii() and validator.isprintable() else None


def _codings(header: str) -> set[str]:
    return {coding for part in header.lower().split(",") if (coding := part.strip())}


def _status(code: int) -> str:
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)


def _retry_after(header: str | None) -> float | None:
    """Seconds, or the time left to a date (RFC 9110, section 10.2.3); None when it is neither."""
    if header is None:
        return None
    if header.isascii() and header.isdecimal():
        return float(header[:9])
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _without_secrets(record: logging.LogRecord) -> bool:
    """Cut a logged URL down to its origin; httpx2 logs each request's whole, password and all."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            f"{each.scheme}://{each.host}" if isinstance(each, httpx2.URL) else each
            for each in record.args
        )
    return True


logging.getLogger("httpx2").addFilter(_without_secrets)
