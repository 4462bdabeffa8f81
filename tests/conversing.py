"""A conversation that comes about step by step, for tests of what is made of it."""

from datetime import timedelta
from typing import Literal
from uuid import UUID, uuid4

from contexts.conversations.application.content import Part, TextPart, encoded
from contexts.conversations.application.queries import ConversationShown
from contexts.conversations.application.showing import Transcripts
from contexts.conversations.domain.conversation import Conversation, Policy, Titler
from contexts.conversations.domain.message import Kept
from contexts.conversations.domain.run import RunCompleted, RunEnded, RunId, Spent
from shared.application.codec import Codec
from shared.application.event_store import EventStore
from shared.application.personal import Vault
from shared.application.repository import Repository
from shared.domain.personal import Sealed
from shared.infrastructure.event_store.memory_event_store import MemoryEventStore
from stored import KINDS
from talking import NOON, MemoryVault


class Telling:
    """What `owner` says in a conversation, and what he is answered; read from the log."""

    def __init__(
        self, owner: UUID, vault: Vault, store: EventStore, *, id: UUID | None = None
    ) -> None:
        self.id, self.owner = id or uuid4(), owner
        self.now = NOON
        self._vault = vault
        codec = Codec(KINDS)
        self.repository = Repository(Conversation, store, codec)
        self.transcripts = Transcripts(store, codec, vault)

    async def begin(self, title: str | None = None, *said: Kept) -> None:
        sealed = None if title is None else await self.sealed(title)
        conversation = Conversation.start(
            self.id, self.owner, now=self.now, title=sealed, messages=said
        )
        await self.repository.save(conversation)

    async def sealed(self, text: str) -> Sealed:
        (box,) = await self._vault.seal(self.owner, text.encode())
        return box

    async def call(self, title: str, by: Titler = "caller") -> None:
        conversation = await self.repository.get(self.id)
        conversation.give_title(await self.sealed(title), by, now=self.now)
        await self.repository.save(conversation)

    async def put_away(self, how: Literal["archive", "restore", "delete"]) -> None:
        conversation = await self.repository.get(self.id)
        getattr(conversation, how)(now=self.now)
        await self.repository.save(conversation)

    async def kept(self, id: UUID, parent_id: UUID | None, *parts: Part, user: bool = True) -> Kept:
        (content,) = await self._vault.seal(self.owner, encoded(parts))
        return Kept(
            id=id,
            parent_id=parent_id,
            author="user" if user else "assistant",
            content=content,
            written_at=self.now,
        )

    async def ask(
        self, text: str, parent_id: UUID | None = None, policy: Policy = "enqueue"
    ) -> tuple[UUID, UUID, RunId]:
        """Ids of the question and of its answer to be, and the run."""
        question_id, answer_id = uuid4(), uuid4()
        message = await self.kept(question_id, parent_id, TextPart(text))
        conversation = await self.repository.get(self.id)
        run = conversation.post(message, answer_id, policy, now=self.now)
        await self.repository.save(conversation)
        return question_id, answer_id, run

    async def ask_again(self, question_id: UUID) -> tuple[UUID, RunId]:
        answer_id = uuid4()
        conversation = await self.repository.get(self.id)
        run = conversation.regenerate(question_id, answer_id, "enqueue", now=self.now)
        await self.repository.save(conversation)
        return answer_id, run

    async def start(self, run: RunId) -> None:
        conversation = await self.repository.get(self.id)
        conversation.begin(run.number, now=self.now + timedelta(seconds=run.number))
        await self.repository.save(conversation)

    async def answer(self, run: RunId, *parts: Part) -> None:
        state = (await self.repository.get(self.id)).open[run.number]
        answer = await self.kept(state.answer_id, state.question_id, *parts, user=False)
        await self.end(
            RunCompleted(
                number=run.number,
                answer=answer,
                assistant="m",
                sequence=7,
                ended_at=self.now,
                spent=Spent(input_tokens=3, output_tokens=2, model="m"),
            )
        )

    async def end(self, ended: RunEnded) -> None:
        conversation = await self.repository.get(self.id)
        assert conversation.end(ended)
        await self.repository.save(conversation)

    async def shown(self) -> ConversationShown:
        return await self.transcripts.read(self.id)


class Told(Telling):
    """Kept in memory, under a key that is gone with `vault.erased`."""

    def __init__(self) -> None:
        self.vault, self.store = MemoryVault(), MemoryEventStore()
        super().__init__(uuid4(), self.vault, self.store)
