"""The pages of the catalogue as they are sent, kept for whoever asks for the same."""

from collections.abc import Awaitable, Callable
from typing import Any

from contexts.events.application.queries import ListEvents, ListEventsEncoded
from shared.application.pages import EncodedPage
from shared.infrastructure.lists.page_cache import PageCache


class EventPages:
    def __init__(
        self,
        cache: PageCache,
        list_events: Callable[[ListEvents], Awaitable[Any]],
        encode: Callable[[Any], bytes],
    ) -> None:
        self._cache = cache
        self._list_events = list_events
        self._encode = encode

    async def page(self, query: ListEventsEncoded) -> EncodedPage:
        async def compute() -> bytes:
            return self._encode(await self._list_events(query.list))

        return await self._cache.get(query.key, compute)
