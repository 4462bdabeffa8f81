"""Gets feeds from where they are kept, be it a provider's server or a file."""

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from contexts.events.application.ports import FeedFailed, FeedSource, Fetched, Validators
from contexts.events.infrastructure.feeds.http_source import FetchLimits, HttpFeedSource

__all__ = ["FeedSources", "FetchLimits", "FileFeedSource", "HttpFeedSource"]


class FeedSources:
    """The source that a URL's scheme asks for; a path without a scheme is a file."""

    def __init__(self, limits: FetchLimits) -> None:
        files = FileFeedSource(limits)
        http = HttpFeedSource(limits)
        self._by_scheme: dict[str, FeedSource] = {
            "": files,
            "file": files,
            "http": http,
            "https": http,
        }

    def fetch(self, url: str, known: Validators) -> AbstractAsyncContextManager[Fetched]:
        try:
            scheme = urlsplit(url).scheme
        except ValueError:
            raise FeedFailed("the feed's address is not a URL") from None
        source = self._by_scheme.get(scheme)
        if source is None:
            raise FeedFailed(f"feeds are read over http, https or from a file, not over {scheme}")
        return source.fetch(url, known)


class FileFeedSource:
    """Reads a feed where it lies; it is neither copied nor removed.

    Its size and time of change take the place of an ETag.
    """

    def __init__(self, limits: FetchLimits) -> None:
        self._limits = limits

    @asynccontextmanager
    async def fetch(self, url: str, known: Validators) -> AsyncIterator[Fetched]:
        yield await asyncio.to_thread(self._look, url, known)

    def _look(self, url: str, known: Validators) -> Fetched:
        path = _path(url)
        try:
            found = path.stat()
            if stat.S_ISDIR(found.st_mode):
                raise FeedFailed(f"{path.name} is a folder, not a feed")
            if not stat.S_ISREG(found.st_mode):
                raise FeedFailed(f"{path.name} is not a regular file")
            path.open("rb").close()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a path"
            raise FeedFailed(f"the file {path.name} cannot be read: {reason}") from error
        self._limits.check(found.st_size)
        validators = Validators(etag=f"{found.st_mtime_ns:x}-{found.st_size:x}")
        if validators == known:
            return Fetched(path=None, validators=known, bytes=0)
        return Fetched(path=path, validators=validators, bytes=found.st_size)


def _path(url: str) -> Path:
    if not url.startswith("file:"):
        return Path(url)
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise FeedFailed("a file: address names no host but this one")
    return Path(unquote(parts.path))
