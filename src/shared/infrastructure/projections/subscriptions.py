"""What follows the log: read models, which can be built anew at any time, and reactions.

Each is exactly once in effect where its checkpoint lies beside its data. Whoever runs a shard holds
the lock on its checkpoint row for as long as the batch takes.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
from psycopg import AsyncConnection

from shared.application.event_store import Recorded
from shared.application.reactions import Reactions
from shared.domain.aggregate import DomainEvent, tag_of

Batch: TypeAlias = Sequence[Recorded[Any]]
Connection: TypeAlias = AsyncConnection[tuple[Any, ...]]


class LostRace(Exception):
    """Another runner wrote this batch first; what we made of it was thrown away."""


class Shard(msgspec.Struct, frozen=True):
    """Every `of`-th stream, by its hash, as one instance of a projection follows it."""

    instance: int = 1
    number: int = 0
    of: int = 1


class Subscription(ABC):
    name: str
    handles: tuple[type[DomainEvent], ...]
    batch_size = 2_000
    shards = 1
    """How many runners may work on it side by side; the events of a stream stay in order."""

    @property
    @abstractmethod
    def definition(self) -> str:
        """What the program takes this subscription to be. Another one has to be built anew."""

    async def position(self, shard: Shard, committed: int, *, drawn: int) -> int:
        """How far this shard has come; `committed` is what its row says, `drawn` the last position
        that was ever drawn."""
        return committed

    @abstractmethod
    async def take_in(
        self, batch: Batch, *, shard: Shard, after: int, upto: int, connection: Connection
    ) -> None:
        """Take in the events between two positions. `connection` commits the new checkpoint."""

    @abstractmethod
    async def replay(
        self, recorded: Recorded[Any], *, shard: Shard, connection: Connection
    ) -> None:
        """Take in one event that the checkpoint has passed. `connection` commits that it was."""


class ReadModel(Subscription):
    """What can be asked. It is built in instances, each with tables or keys of its own."""

    version = 1
    """Raise it whenever the same events make something else: it is then built anew, by itself."""

    row_by_stream = True
    """Whether every row is made of the events of one stream. Then a sample of streams, folded
    anew, has to give the same rows; else only the whole log could."""

    @property
    def definition(self) -> str:
        """Events that it did not use to handle were passed over, so they count as a change."""
        handled = " ".join(sorted(tag_of(kind) for kind in self.handles))
        digest = hashlib.blake2b(handled.encode(), digest_size=4).hexdigest()
        return f"version {self.version}, {self.shards} shards, events {digest}"

    @abstractmethod
    async def create(self, instance: int, connection: Connection) -> None:
        """Make room for an instance, beside those that there are, for filling it."""

    @abstractmethod
    async def index(self, instance: int, connection: Connection) -> None:
        """Prepare an instance for being asked; where that was done already, do nothing. It costs
        less once the instance is full."""

    @abstractmethod
    async def serve(self, instance: int, connection: Connection) -> None:
        """Let this instance be what is read, from the commit of `connection` on."""

    @abstractmethod
    async def drop(self, instance: int, connection: Connection) -> None:
        """Forget all of an instance."""

    @abstractmethod
    async def counts(self, instance: int, connection: Connection) -> Mapping[str, int]:
        """How many rows or entries it holds, by table or key."""

    @abstractmethod
    async def differences(
        self, instance: int, history: Batch, connection: Connection
    ) -> Sequence[str]:
        """What in this instance is not as these events make it, in words; at most ten of it.

        `history` is all that ever happened in some streams, up to where the instance has come.
        """


class ReactionSubscription(Subscription):
    """Sends the commands that events call for; at least once, as Reactions says. There is one
    instance for good: what it has sent is never sent again by building anything anew."""

    batch_size = 50
    definition = "reactions"

    def __init__(self, name: str, reactions: Reactions) -> None:
        self.name = name
        self.handles = reactions.handles
        self._reactions = reactions

    async def take_in(
        self, batch: Batch, *, shard: Shard, after: int, upto: int, connection: Connection
    ) -> None:
        for recorded in batch:
            await self._reactions(recorded)

    async def replay(
        self, recorded: Recorded[Any], *, shard: Shard, connection: Connection
    ) -> None:
        await self._reactions(recorded)
