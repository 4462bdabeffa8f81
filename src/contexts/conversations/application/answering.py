"""How a run comes to its end: an assistant answers, listeners are told, and the log gets the whole.

A worker that is lost leaves the run open, and another answers it anew; listeners are told so. When
the log can't be reached at the end, what was said is held until it can.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from uuid import UUID

import msgspec

from contexts.conversations.application.content import encoded
from contexts.conversations.application.ending import BeginRun, EndRun, GiveTitle
from contexts.conversations.application.frames import Ended, Started
from contexts.conversations.application.ports import (
    Assistant,
    Budgets,
    Cancellations,
    Clock,
    Frames,
    Titles,
    Turn,
    Writer,
)
from contexts.conversations.application.queries import GetRun, RunShown
from contexts.conversations.application.replying import (
    ERASED,
    Cancelled,
    Completed,
    Draft,
    Failed,
    Outcome,
    reply,
)
from contexts.conversations.application.showing import Transcripts, path_to
from contexts.conversations.domain.conversation import Conversation
from contexts.conversations.domain.message import Kept
from contexts.conversations.domain.run import (
    RunCancelled,
    RunCompleted,
    RunEnded,
    RunFailed,
    RunId,
)
from shared.application.bus import Bus, Command
from shared.application.claims import Claims
from shared.application.personal import SubjectGone, Vault
from shared.application.repository import Repository
from shared.domain.errors import NotFound

logger = logging.getLogger(__name__)

WORK = "answer_conversation"
"""What a claim is for."""

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
"""Seconds between attempts to record what the log would not take."""


class AnswerConversation(Command[bool], frozen=True):
    """Bring the open runs of a conversation to their ends, one after the other; False when there
    was none, or when another worker is at it."""

    conversation_id: UUID


class FindTitle(Command[None], frozen=True):
    """Ask a model what a conversation is about, where it has no title but that of the rule."""

    conversation_id: UUID


class AnswerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How hard to try; times are in seconds. An answer that the log does not take within
    `record_seconds` is made anew by whoever finds the run open."""

    run_seconds: float = 300.0
    attempts: int = 3
    record_seconds: float = 120.0


class Answering:
    def __init__(
        self,
        *,
        bus: Bus,
        conversations: Repository[Conversation],
        transcripts: Transcripts,
        vault: Vault,
        assistant: Assistant,
        titles: Titles | None,
        budgets: Budgets,
        frames: Frames,
        cancellations: Cancellations,
        claims: Claims,
        clock: Clock,
        settings: AnswerSettings,
        on_ended: Callable[[RunShown, float | None], None],
    ) -> None:
        """`on_ended` is told of each run that ended, with the seconds until its first piece."""
        self._bus = bus
        self._conversations = conversations
        self._transcripts = transcripts
        self._vault = vault
        self._assistant = assistant
        self._titles = titles
        self._budgets = budgets
        self._frames = frames
        self._cancellations = cancellations
        self._claims = claims
        self._clock = clock
        self._settings = settings
        self._on_ended = on_ended

    async def answer(self, command: AnswerConversation) -> bool:
        id, answered, left = command.conversation_id, False, True
        while left:
            async with self._claims.claim(WORK, id) as ours:
                if not ours:
                    return answered
                while (conversation := await self._open(id)) is not None:
                    await self._run(conversation, min(conversation.open))
                    answered = True
            # Whoever posted while it was still claimed was told that somebody is at it.
            left = await self._open(id) is not None
        return answered

    async def title(self, command: FindTitle) -> None:
        if self._titles is None:
            return
        shown = await self._transcripts.read(command.conversation_id)
        if shown.titled_by == "rule" and shown.head is not None:
            owner = (await self._conversations.get(command.conversation_id)).owner
            title = await self._titles.suggest(owner, path_to(shown, shown.head))
            if title is not None:
                await self._bus(GiveTitle(command.conversation_id, title))

    async def _open(self, id: UUID) -> Conversation | None:
        conversation = (await self._conversations.get_many([id])).get(id)
        return conversation if conversation is not None and conversation.open else None

    async def _run(self, conversation: Conversation, number: int) -> None:
        run, owner = RunId(conversation.id, number), conversation.owner
        attempt, draft = conversation.open[number].attempts + 1, Draft()
        async with (
            self._frames.sending(run, owner, attempt) as writer,
            self._cancellations.watch(run, owner) as cancelled,
        ):
            try:
                outcome = await self._attempt(conversation, run, draft, writer, cancelled)
                await writer.flush()
            except SubjectGone:
                outcome = ERASED
            shown = await self._record(conversation, run, draft, outcome, writer.last + 1)
            if shown is not None:
                with suppress(SubjectGone):
                    await writer.send(Ended(shown))
                self._on_ended(shown, draft.seconds)

    async def _attempt(
        self,
        conversation: Conversation,
        run: RunId,
        draft: Draft,
        writer: Writer,
        cancelled: asyncio.Event,
    ) -> Outcome:
        state, owner = conversation.open[run.number], conversation.owner
        if state.cancelling or conversation.deleted:
            draft.parts += await self._frames.parts(run, owner)
            return Cancelled()
        if state.attempts >= self._settings.attempts:
            draft.parts += await self._frames.parts(run, owner)
            lost = f"{state.attempts} workers were lost while they answered; ask once more"
            return Failed("worker_lost", lost)
        path = path_to(await self._transcripts.read(run.conversation_id), state.question_id)
        if path[-1].erased:
            return ERASED
        beginning = asyncio.create_task(self._begin(run))
        try:
            started = Started(str(run), conversation.id, state.answer_id, state.attempts + 1)
            await writer.send(started)
            turn = Turn(run=run, owner=owner, path=path, now=self._clock(), took=draft.took)
            return await reply(
                self._assistant,
                turn,
                draft,
                writer,
                cancelled,
                self._budgets,
                self._settings.run_seconds,
            )
        finally:
            await beginning

    async def _begin(self, run: RunId) -> None:
        """Recorded while the assistant begins to think. Where it can't be, this attempt does not
        count."""
        try:
            await self._bus(BeginRun(run))
        except Exception as error:
            logger.warning("attempt not recorded", extra={"run": str(run), "error": repr(error)})

    async def _record(
        self, conversation: Conversation, run: RunId, draft: Draft, outcome: Outcome, sequence: int
    ) -> RunShown | None:
        """The run as it ended; None when somebody else has ended it, or nobody may see it."""
        deadline, pause = monotonic() + self._settings.record_seconds, FIRST_PAUSE
        while True:
            try:
                end = await self._end(conversation, run, draft, outcome, sequence)
                if not await self._bus(EndRun(run.conversation_id, end)):
                    return None
                return await self._bus(GetRun(run, conversation.owner))
            except NotFound:
                return None
            except Exception as error:
                if monotonic() > deadline:
                    raise
                logger.warning("end not recorded", extra={"run": str(run), "error": repr(error)})
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _end(
        self, conversation: Conversation, run: RunId, draft: Draft, outcome: Outcome, sequence: int
    ) -> RunEnded:
        now, state = self._clock(), conversation.open[run.number]
        answer: Kept | None = None
        with suppress(SubjectGone):
            (content,) = await self._vault.seal(conversation.owner, encoded(tuple(draft.parts)))
            answer = Kept(
                id=state.answer_id,
                parent_id=state.question_id,
                author="assistant",
                content=content,
                written_at=now,
                complete=isinstance(outcome, Completed),
            )
        number, name, spent = run.number, self._assistant.name, draft.spent
        match outcome:
            case Completed() if answer is not None:
                return RunCompleted(
                    number=number,
                    answer=answer,
                    assistant=name,
                    sequence=sequence,
                    ended_at=now,
                    spent=spent,
                )
            case Cancelled():
                return RunCancelled(
                    number=number,
                    answer=answer,
                    assistant=name,
                    sequence=sequence,
                    ended_at=now,
                    spent=spent,
                )
            case _:
                failed = outcome if isinstance(outcome, Failed) else ERASED
                return RunFailed(
                    number=number,
                    code=failed.code,
                    reason=failed.reason,
                    answer=answer,
                    assistant=name,
                    sequence=sequence,
                    ended_at=now,
                    spent=spent,
                )
