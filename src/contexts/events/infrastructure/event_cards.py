"""The event cards in Redis: each event with all that is known of it, one key away."""

import logging
from datetime import datetime
from decimal import Decimal
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
from shared.application.event_store import EventStore, Recorded
from shared.application.pages import Page
from shared.domain.aggregate import kinds_of
from shared.domain.errors import NotFound
from shared.infrastructure.event_store.log_identity import LogIdentity
from shared.infrastructure.projections.instances import ActiveInstances
from shared.infrastructure.projections.redis_projection import RedisProjection
from shared.infrastructure.projections.subscriptions import Batch

logger = logging.getLogger(__name__)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(EventShown).decode


class EventCards(RedisProjection):
    """Hash `<prefix>:of:<tenant>`: event id -> EventShown in MessagePack.

    What is not in Redis is folded from the log, so that an event can be shown the moment it was
    announced, and while Redis is away or is being filled again.
    """

    name = "events.cards"
    handles = kinds_of(EventChange)

    def __init__(
        self,
        redis: Redis,
        log: LogIdentity,
        active: ActiveInstances,
        store: EventStore,
        codec: Codec,
    ) -> None:
        super().__init__(redis, log, active)
        self._store = store
        self._codec = codec

    async def project(self, batch: Batch, redis: Redis, writes: Pipeline, prefix: str) -> None:
        cards = await _cards(batch, redis, prefix)
        for recorded in batch:
            key = recorded.tenant, recorded.id
            cards[key] = show(cards.get(key), recorded)
        for (tenant, id), card in cards.items():
            writes.hset(_hash(prefix, tenant), id.bytes, _encode(card))

    async def get(self, query: GetEvent) -> EventShown:
        """Raise NotFound unless it is, or ever was, on offer; with `as_of`: unless it was then."""
        if query.as_of is not None:
            return _fold_as_of(await self._history(query.event_id), query.event_id, query.as_of)
        id = query.event_id
        card = await self._cached(id) or _fold(await self._history(id))
        if card is None or not card.ever_online:
            raise NotFound(f"no event {query.event_id}")
        return card

    async def history(self, query: GetHistory) -> Page[HistoryEntry]:
        """Raise NotFound as `get` does: what was never on offer has no public history either."""
        history = await self._history(query.event_id)
        card = _fold(history)
        if card is None or not card.ever_online:
            raise NotFound(f"no event {query.event_id}")
        first = query.page.offset
        shown = [_entry(each) for each in history[first : first + query.page.size]]
        return Page.of(shown, query.page, len(history))

    async def _cached(self, id: UUID) -> EventShown | None:
        tenant = current_context().tenant
        try:
            data: Any = await self._redis.hget(_hash(self.prefix, tenant), id.bytes)
        except RedisError as error:
            logger.warning("redis is away", extra={"error": str(error)})
            return None
        return _decode(data) if data else None

    async def _history(self, id: UUID) -> list[Recorded[EventChange]]:
        stream = f"{Event.stream}-{id}"
        stored = (await self._store.read([stream])).get(stream, ())
        return [self._codec.recorded(each) for each in stored]


async def _cards(batch: Batch, redis: Redis, prefix: str) -> dict[tuple[str, UUID], EventShown]:
    ids: dict[str, set[UUID]] = {}
    for recorded in batch:
        ids.setdefault(recorded.tenant, set()).add(recorded.id)
    cards = {}
    for tenant, wanted in ids.items():
        found: Any = await redis.hmget(_hash(prefix, tenant), [id.bytes for id in wanted])
        for id, data in zip(wanted, found, strict=True):
            if data:
                cards[tenant, id] = _decode(data)
    return cards


def _hash(prefix: str, tenant: str) -> str:
    return f"{prefix}:of:{tenant}"


def _fold(history: list[Recorded[EventChange]]) -> EventShown | None:
    card = None
    for recorded in history:
        card = show(card, recorded)
    return card


def _fold_as_of(history: list[Recorded[EventChange]], id: UUID, as_of: datetime) -> EventShown:
    """What was said of the event at that instant; an instant to come is taken for now."""
    card = shown = None
    for recorded in history:
        card = show(card, recorded)
        # The clock of a server may have gone back, versions never do: the last one counts.
        if recorded.recorded_at <= as_of:
            shown = card
    if card is None or not card.ever_online:
        raise NotFound(f"no event {id}")
    if shown is None or not shown.ever_online:
        raise NotFound(f"event {id} was not on offer yet at {as_of.isoformat()}")
    return shown


def _entry(recorded: Recorded[EventChange]) -> HistoryEntry:
    data = msgspec.to_builtins(recorded.event, builtin_types=(Decimal,))
    tag = data.pop("type")
    return HistoryEntry(
        version=recorded.version,
        position=recorded.position,
        type=tag,
        recorded_at=recorded.recorded_at,
        data=data,
        actor=recorded.metadata.actor,
        correlation_id=recorded.metadata.correlation_id,
        causation_id=recorded.metadata.causation_id,
    )
