"""A chat in memory, for tests: a vault that forgets, a scripted assistant, frames on record."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from contexts.conversations.application.answering import (
    AnswerConversation,
    Answering,
    AnswerSettings,
    FindTitle,
)
from contexts.conversations.application.content import Message, Part, ToolPart
from contexts.conversations.application.ending import BeginRun, Ending, EndRun, GiveTitle
from contexts.conversations.application.frames import FrameEvent
from contexts.conversations.application.ports import (
    Allowance,
    Assistant,
    BudgetSpent,
    Piece,
    Titles,
    Turn,
)
from contexts.conversations.application.posting import (
    CancelRun,
    Posting,
    PostMessage,
    Regenerate,
    StartConversation,
)
from contexts.conversations.application.queries import GetConversation, GetRun, RunShown
from contexts.conversations.application.showing import Transcripts
from contexts.conversations.domain.conversation import Conversation
from contexts.conversations.domain.run import RunId, Spent
from shared.application.bus import Bus
from shared.application.codec import Codec
from shared.application.personal import NOBODY, SubjectGone
from shared.application.repository import Repository
from shared.domain.personal import Sealed
from shared.infrastructure.event_store.memory_event_store import MemoryEventStore
from stored import KINDS

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


class MemoryVault:
    """Fits Vault; boxes are numbers of what is kept here."""

    def __init__(self) -> None:
        self._names: dict[str, UUID] = {}
        self._kept: list[bytes] = []
        self.erased: set[UUID] = set()

    async def subject(self, name: str) -> UUID:
        return self._names.setdefault(name, uuid4())

    async def find(self, name: str) -> UUID | None:
        return self._names.get(name)

    async def seal(self, subject: UUID, *texts: bytes) -> tuple[Sealed, ...]:
        if subject in self.erased:
            raise SubjectGone(f"subject {subject} was erased")
        first = len(self._kept)
        self._kept += texts
        return tuple(Sealed(subject, b"%d" % (first + n)) for n in range(len(texts)))

    async def open(self, *sealed: Sealed) -> tuple[bytes | None, ...]:
        return tuple(
            None if each.subject in self.erased else self._kept[int(each.box)] for each in sealed
        )


class MemoryBudgets:
    """Fits Budgets; `left` messages, any number of tokens."""

    def __init__(self, left: int = 1_000) -> None:
        self.left = left
        self.reserved: dict[RunId, int] = {}
        self.settled: list[int] = []

    async def take_message(self, owner: UUID) -> None:
        if not self.left:
            raise BudgetSpent("no message is left for today", retry_after=60)
        self.left -= 1

    async def give_message_back(self, owner: UUID) -> None:
        self.left += 1

    async def reserve(self, owner: UUID, run: RunId, tokens: int) -> None:
        self.reserved[run] = tokens

    async def settle(self, owner: UUID, run: RunId, tokens: int) -> None:
        self.reserved.pop(run, None)
        self.settled.append(tokens)

    async def allowance(self, owner: UUID) -> Allowance:
        return Allowance(
            messages_limit=None,
            messages_used=0,
            tokens_limit=None,
            tokens_used=sum(self.settled),
            tokens_reserved=sum(self.reserved.values()),
            resets_at=NOON,
        )

    async def forget(self, owner: UUID) -> None:
        self.settled.clear()


class FramesOnRecord:
    """Fits Frames and Writer: `sent` is what was sent, by run."""

    def __init__(self) -> None:
        self.sent: dict[RunId, list[FrameEvent]] = {}
        self.told: tuple[Part, ...] = ()
        self.last = 0
        self._run: RunId | None = None

    @asynccontextmanager
    async def sending(
        self, run: RunId, owner: UUID, attempt: int
    ) -> AsyncIterator["FramesOnRecord"]:
        self._run, self.last = run, attempt * 1_000_000 - 1
        yield self

    async def send(self, event: FrameEvent) -> None:
        assert self._run is not None
        self.last += 1
        self.sent.setdefault(self._run, []).append(event)

    async def flush(self) -> None:
        pass

    async def follow(self, run: RunId, owner: UUID, after: int) -> AsyncGenerator[None, None]:
        yield None

    async def parts(self, run: RunId, owner: UUID) -> tuple[Part, ...]:
        return self.told

    async def forget(self, owner: UUID) -> None:
        self.sent.clear()


class CancelledByHand:
    """Fits Cancellations."""

    def __init__(self) -> None:
        self.told: list[RunId] = []
        self._watched: dict[RunId, asyncio.Event] = {}

    async def tell(self, run: RunId) -> None:
        self.told.append(run)
        if run in self._watched:
            self._watched[run].set()

    @asynccontextmanager
    async def watch(self, run: RunId, owner: UUID) -> AsyncIterator[asyncio.Event]:
        event = self._watched[run] = asyncio.Event()
        try:
            yield event
        finally:
            del self._watched[run]


class Queue:
    """Fits WorkQueue."""

    def __init__(self) -> None:
        self.put_in: list[UUID] = []

    async def put(self, conversation_id: UUID) -> None:
        self.put_in.append(conversation_id)


class ClaimsHere:
    """Fits Claims; `taken` are those that others have."""

    def __init__(self) -> None:
        self.taken: set[UUID] = set()

    @asynccontextmanager
    async def claim(self, work: str, id: UUID) -> AsyncIterator[bool]:
        if id in self.taken:
            yield False
            return
        self.taken.add(id)
        try:
            yield True
        finally:
            self.taken.discard(id)


class Scripted:
    """Fits Assistant: says these pieces, and tells what was spent; an exception is raised, and an
    Event is waited for."""

    name = "scripted"

    def __init__(self, *script: Piece | Spent | Exception | asyncio.Event) -> None:
        self.script = list(script)
        self.turns: list[Turn] = []
        self.hung_up = False
        self.broken_off = Spent()

    async def reply(self, turn: Turn) -> AsyncGenerator[Piece, None]:
        self.turns.append(turn)
        try:
            for step in self.script:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, asyncio.Event):
                    await step.wait()
                elif isinstance(step, Spent):
                    turn.took(step)
                else:
                    yield step
        except (asyncio.CancelledError, GeneratorExit):
            self.hung_up = True
            turn.took(self.broken_off)
            raise


class Tools:
    """Fits Tools: gives these results in order, and keeps what was called."""

    offered = ()

    def __init__(self, *results: dict[str, Any]) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._results = list(results)

    async def call(
        self, id: str, name: str, arguments: Mapping[str, Any], path: tuple[Message, ...]
    ) -> ToolPart:
        self.calls.append((name, dict(arguments)))
        return ToolPart(id=id, name=name, arguments=dict(arguments), result=self._results.pop(0))


class Talk:
    """The context with everything outside of it in memory; `owner` talks."""

    def __init__(
        self,
        assistant: Assistant,
        titles: Titles | None = None,
        settings: AnswerSettings | None = None,
    ) -> None:
        self.bus = Bus()
        self.vault, self.budgets, self.frames = MemoryVault(), MemoryBudgets(), FramesOnRecord()
        self.cancellations, self.queue, self.claims = CancelledByHand(), Queue(), ClaimsHere()
        self.ended: list[RunShown] = []
        self.owner = NOBODY
        codec, store = Codec(KINDS), MemoryEventStore()
        self.store = store
        self.conversations = Repository(Conversation, store, codec)
        transcripts = Transcripts(store, codec, self.vault)

        def clock() -> datetime:
            return NOON

        posting = Posting(
            self.conversations, self.vault, self.budgets, self.queue, self.cancellations, clock
        )
        ending = Ending(self.conversations, self.vault, clock)
        answering = Answering(
            bus=self.bus,
            conversations=self.conversations,
            transcripts=transcripts,
            vault=self.vault,
            assistant=assistant,
            titles=titles,
            budgets=self.budgets,
            frames=self.frames,
            cancellations=self.cancellations,
            claims=self.claims,
            clock=clock,
            settings=settings or AnswerSettings(),
            on_ended=lambda run, seconds: self.ended.append(run),
        )
        self.bus.serve(
            {
                StartConversation: posting.start,
                PostMessage: posting.post,
                Regenerate: posting.regenerate,
                CancelRun: posting.cancel,
                BeginRun: ending.begin,
                EndRun: ending.end,
                GiveTitle: ending.title,
                AnswerConversation: answering.answer,
                FindTitle: answering.title,
                GetRun: transcripts.get_run,
                GetConversation: transcripts.get,
            }
        )

    async def begin(self) -> UUID:
        """A conversation of somebody new."""
        self.owner = await self.vault.subject(uuid4().hex)
        return await self.bus(StartConversation(owner=self.owner))

    async def run(self, run: RunId) -> RunShown:
        return await self.bus(GetRun(run, self.owner))
