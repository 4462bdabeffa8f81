"""What was asked before, as far as later questions need it."""

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

from contexts.analytics.application.asking import golden_of
from contexts.analytics.application.keeping import Golden
from contexts.analytics.domain.question import Question
from contexts.analytics.infrastructure.questions import Questions
from shared.application.positions import Positions
from shared.application.repository import Repository
from shared.domain.errors import NotYet


class AskedBefore:
    """The read model finds the question, the log has its answer."""

    def __init__(
        self,
        found: Questions,
        questions: Repository[Question],
        positions: Positions,
        log_position: Callable[[], Awaitable[int]],
    ) -> None:
        self._found = found
        self._questions = questions
        self._positions = positions
        self._log_position = log_position

    async def golden(self, dataset: str, question: str) -> Golden | None:
        id = await self._found.golden_for(dataset, question)
        return golden_of(await self._questions.get(id), id) if id else None

    async def all_golden(self) -> Sequence[Golden]:
        ids = await self._found.golden_ids()
        questions = await self._questions.get_many(ids)
        golden = (golden_of(questions[id], id) for id in ids if id in questions)
        return [each for each in golden if each is not None]

    async def last_answered(self, conversation: str, *, before: datetime) -> UUID | None:
        # The answer before this question may have been given a moment ago.
        with contextlib.suppress(NotYet):
            await self._positions.reached(Questions.name, await self._log_position())
        return await self._found.last_answered(conversation, before=before)
