"""Replies of a bounded size: what a server sends beyond it is not read."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2


class TooLarge(Exception):
    """A reply is larger than any that is wanted."""


class Encoded(Exception):
    """A reply is compressed though that was not asked for: nobody knows how large it is."""


class _Capped(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, most: int) -> None:
        self._stream = stream
        self._left = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._left -= len(chunk)
            if self._left < 0:
                raise TooLarge
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def capped(most: int) -> Callable[[httpx2.Response], Awaitable[None]]:
    """A hook for responses: no body has more than `most` bytes. Ask for none that is compressed."""

    async def hook(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise Encoded
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Capped(response.stream, most)

    return hook
