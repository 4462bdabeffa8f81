"""The event cards in Redis: each event with all that is known of it, one key away."""

import logging
from typing import Any
from uuid import UUID

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from contexts.events.application.queries import (
    EventShown,
    GetEvent,
    GetHistory,
    HistoryEntry,
)
from contexts.events.application.showing import show
from contexts.events.domain.event import Event, EventChange
from shared.application.codec import Codec
from shared.application.context import current_context
from shared.application.event_store import EventStore, StoredEvent
from shared.application.pages import Page
from shared.domain.aggregate import kinds_of
from shared.domain.errors import NotFound
from shared.infrastructure.log_identity import LogIdentity
from shared.infrastructure.projections import Batch, RedisProjection

logger = logging.getLogger(__name__)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(EventShown).decode


class EventCards(RedisProjection):
    """Hash `<prefix>:<tenant>`: event id -> EventShown in MessagePack.

    What is not in Redis is folded from the log, so that an event can be shown the moment it was
    announced, and while Redis is away or is being filled again.
    """

    name = "events.cards"
    handles = kinds_of(EventChange)

    def __init__(self, redis: Redis, log: LogIdentity, store: EventStore, codec: Codec):
        super().__init__(redis, log)
        self._store = store
        self._codec = codec

    async def project(self, batch: Batch, redis: Redis, writes: Pipeline) -> None:
        cards = await self._cards(batch, redis)
        for recorded in batch:
            key = recorded.tenant, recorded.id
            cards[key] = show(cards.get(key), recorded)
        for (tenant, id), card in cards.items():
            writes.hset(self._hash(tenant), id.bytes, _encode(card))

    async def get(self, query: GetEvent) -> EventShown:
        """Raise NotFound unless it is, or ever was, on offer."""
        card = await self._cached(query.event_id) or await self._folded(query.event_id)
        if card is None or not card.ever_online:
            raise NotFound(f"no event {query.event_id}")
        return card

    async def history(self, query: GetHistory) -> Page[HistoryEntry]:
        stored = await self._stored(query.event_id)
        if not stored:
            raise NotFound(f"no event {query.event_id}")
        first = query.page.offset
        shown = [_entry(each) for each in stored[first : first + query.page.size]]
        return Page.of(shown, query.page, len(stored))

    async def _cached(self, id: UUID) -> EventShown | None:
        try:
            data: Any = await self._redis.hget(self._hash(current_context().tenant), id.bytes)
        except RedisError as error:
            logger.warning("redis is away", extra={"error": str(error)})
            return None
        return _decode(data) if data else None

    async def _folded(self, id: UUID) -> EventShown | None:
        card = None
        for stored in await self._stored(id):
            card = show(card, self._codec.recorded(stored))
        return card

    async def _stored(self, id: UUID) -> list[StoredEvent]:
        stream = f"{Event.stream}-{id}"
        return list((await self._store.read([stream])).get(stream, ()))

    async def _cards(self, batch: Batch, redis: Redis) -> dict[tuple[str, UUID], EventShown]:
        ids: dict[str, set[UUID]] = {}
        for recorded in batch:
            ids.setdefault(recorded.tenant, set()).add(recorded.id)
        cards = {}
        for tenant, wanted in ids.items():
            found: Any = await redis.hmget(self._hash(tenant), [id.bytes for id in wanted])
            for id, data in zip(wanted, found, strict=True):
                if data:
                    cards[tenant, id] = _decode(data)
        return cards

    def _hash(self, tenant: str) -> str:
        return f"{self.prefix}:{tenant}"


def _entry(stored: StoredEvent) -> HistoryEntry:
    data = msgspec.json.decode(stored.data)
    del data["type"]
    return HistoryEntry(
        version=stored.version,
        position=stored.position,
        type=stored.type,
        recorded_at=stored.recorded_at,
        data=data,
        actor=stored.metadata.actor,
        correlation_id=stored.metadata.correlation_id,
        causation_id=stored.metadata.causation_id,
    )
