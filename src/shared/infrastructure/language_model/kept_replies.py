"""Replies to questions that always have the same answer, kept in Redis for a while."""

from hashlib import blake2b

import msgspec

from shared.application.language_model import Completed, Completion, ModelServer
from shared.infrastructure.language_model.redis_door import RedisDoor

_decode = msgspec.json.Decoder(Completed).decode


class KeptReplies:
    """Each under a digest of the tenant, the server and all that the reply depends on."""

    def __init__(self, door: RedisDoor, seconds: float) -> None:
        """`seconds` 0: nothing is kept."""
        self._door = door
        self._seconds = seconds

    async def find(self, tenant: str, server: ModelServer, request: Completion) -> Completed | None:
        if not request.deterministic or not self._seconds:
            return None
        key = self._key(tenant, server, request)
        found = await self._door.ask(lambda redis: redis.get(key))
        try:
            return None if found is None else _decode(found)
        except msgspec.DecodeError:
            # Kept by another version of this program.
            return None

    async def keep(
        self, tenant: str, server: ModelServer, request: Completion, reply: Completed
    ) -> None:
        if not request.deterministic or not self._seconds or reply.finish == "length":
            return
        key, value = self._key(tenant, server, request), msgspec.json.encode(reply)
        milliseconds = round(self._seconds * 1000)
        await self._door.ask(lambda redis: redis.set(key, value, px=milliseconds))

    def _key(self, tenant: str, server: ModelServer, request: Completion) -> str:
        # What it is for, and how long it may take, changes nothing about the reply.
        asked = msgspec.structs.replace(request, purpose="", deadline=None)
        digest = blake2b(digest_size=32)
        for part in (tenant, server.base_url, server.model, asked):
            encoded = msgspec.json.encode(part)
            digest.update(len(encoded).to_bytes(8) + encoded)
        return self._door.key("reply", digest.hexdigest())
