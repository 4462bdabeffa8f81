"""Workers answer questions: one worker a question, and each step an event that is recorded once.

A worker that dies in between leaves the question open, and another goes on from the last step that
was recorded. Whatever is tried again, and why, is recorded too.
"""

import logging
from time import perf_counter
from uuid import UUID

from contexts.analytics.application.keeping import History, Settings
from contexts.analytics.application.ports import Clock
from contexts.analytics.application.solving import Solving
from contexts.analytics.application.understanding import Before
from contexts.analytics.domain.question import Question, QuestionFailed
from shared.application.bus import Command
from shared.application.claims import Claims
from shared.application.event_store import VersionConflict
from shared.application.repository import Repository

logger = logging.getLogger(__name__)


class AnswerQuestion(Command[bool], frozen=True):
    """Bring a question to its outcome; False when it has one, or when another worker is at it."""

    question_id: UUID


class Answering:
    """Fits the Record of Solving: the log has all that is known of a question."""

    def __init__(
        self,
        *,
        questions: Repository[Question],
        solving: Solving,
        history: History,
        claims: Claims,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._questions = questions
        self._solving = solving
        self._history = history
        self._claims = claims
        self._clock = clock
        self._settings = settings

    async def answer(self, command: AnswerQuestion) -> bool:
        id = command.question_id
        async with self._claims.claim("answer_question", id) as ours:
            if not ours:
                return False
            question = (await self._questions.get_many([id])).get(id)
            if question is None or question.outcome is not None:
                return False
            began = perf_counter()
            try:
                await self._solving.solve(question, self)
            except VersionConflict:
                raise
            except Exception as error:
                self._break_off(question, error)
            await self.save(question)
            logger.info(
                "question ended",
                extra={
                    "question": str(id),
                    "outcome": type(question.outcome).__name__,
                    "ms": round((perf_counter() - began) * 1000, 1),
                },
            )
            return True

    async def before(self, question: Question) -> Before | None:
        """The question that it names, or the last of its thread."""
        asked, before = question.asked, question.asked.follows
        if before is None and asked.conversation is not None:
            before = await self._history.last_answered(asked.conversation, before=asked.asked_at)
        if before is None:
            return None
        found = (await self._questions.get_many([before])).get(before)
        return None if found is None else Before.plan_of(found)

    async def save(self, question: Question) -> None:
        await self._questions.save(question)

    def _break_off(self, question: Question, error: Exception) -> None:
        """What nobody expected may pass: the tick finds the question again, a few times."""
        logger.exception("question broke off", extra={"question": str(question.id)})
        reason = f"something went wrong on our side: {type(error).__name__}"
        question.fail_attempt("running", reason, now=self._clock())
        if question.attempts >= self._settings.attempts:
            reason = "something went wrong on our side, again and again"
            question.end(QuestionFailed(reason=reason, failed_at=self._clock()))
