"""What may be asked: a question, what somebody thinks of its answer; and how a thread goes on."""

import re
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from contexts.analytics.application.keeping import Golden, WorkQueue
from contexts.analytics.application.ports import Clock
from contexts.analytics.domain.dataset import CATALOGUE, Dataset, dataset_id
from contexts.analytics.domain.question import (
    Asked,
    Question,
    QuestionAnswered,
    Verdict,
    WhichPlanner,
)
from shared.application.bus import Command
from shared.application.repository import Repository
from shared.application.texts import SAYS_SOMETHING, WITHOUT_NUL
from shared.domain.errors import Invalid

MAX_QUESTION = 1_000
"""Characters; a question is a sentence or two."""

QuestionText = Annotated[
    str, msgspec.Meta(min_length=1, max_length=MAX_QUESTION, pattern=SAYS_SOMETHING)
]
Thread = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


class AskQuestion(Command[UUID], frozen=True, kw_only=True):
    """Ask; the id of the question, which a worker answers.

    Without a `dataset` it is asked of the one that fits best. In a `conversation`, or where it
    `follows` another question, it may go on from what was asked before. `question_id` makes asking
    twice the same question; `report` is whose run asks. "Yesterday" and the like refer to the wall
    time `as_of`, where that is not now.
    """

    question: QuestionText
    dataset: str | None = None
    planner: WhichPlanner = "auto"
    conversation: Thread | None = None
    follows: UUID | None = None
    question_id: UUID | None = None
    report: UUID | None = None
    as_of: datetime | None = None


class QueueQuestion(Command[None], frozen=True):
    """Hand a question over to the workers. Asked twice, it is answered once."""

    question_id: UUID


class GiveFeedback(Command[None], frozen=True):
    """Say whether an answer is right. One that is becomes a golden query: it is tried first from
    then on, and `marquee questions verify` runs it again."""

    question_id: UUID
    verdict: Verdict
    comment: Annotated[str, msgspec.Meta(max_length=1_000, pattern=WITHOUT_NUL)] = ""


class Asking:
    def __init__(
        self,
        questions: Repository[Question],
        datasets: Repository[Dataset],
        queue: WorkQueue,
        clock: Clock,
    ) -> None:
        self._questions = questions
        self._datasets = datasets
        self._queue = queue
        self._clock = clock

    async def ask(self, command: AskQuestion) -> UUID:
        """Raise Invalid for an empty question, and NoSuchDataset."""
        text = " ".join(command.question.split())
        if not text:
            raise Invalid("question: there is none; ask something such as 'revenue by month'")
        id = command.question_id or uuid7()
        known = await self._questions.get_many(
            [id, *([command.follows] if command.follows else [])]
        )
        if id in known:
            return id
        if command.follows is not None and command.follows not in known:
            raise Invalid(f"follows: there is no question {command.follows}")
        if command.dataset is not None and command.dataset != CATALOGUE:
            found = await self._datasets.get_many([dataset_id(command.dataset)])
            dataset = found.get(dataset_id(command.dataset)) or Dataset.named(command.dataset)
            dataset.must_exist(command.dataset)
        asked = Asked(
            question=text,
            asked_at=self._clock(),
            dataset=command.dataset,
            planner=command.planner,
            conversation=command.conversation,
            follows=command.follows,
            report=command.report,
            as_of=command.as_of,
        )
        await self._questions.save(Question.ask(id, asked))
        return id

    async def queue(self, command: QueueQuestion) -> None:
        await self._queue.put("answer_question", command.question_id)

    async def judge(self, command: GiveFeedback) -> None:
        question = await self._questions.get(command.question_id)
        question.judge(command.verdict, command.comment, now=self._clock())
        await self._questions.save(question)


_WORD = re.compile(r"[^\W_]+|[<>=%]+")


def normalized(question: str) -> str:
    """The same for questions that differ in case, spaces and punctuation only."""
    return " ".join(_WORD.findall(question.casefold()))


_RELATIVE = re.compile(
    r"\b(last|latest|past|previous|prior|this|current|next|coming|ago|today|yesterday|tomorrow|now"
    r"|recent|recently|so far|to date)\b"
)


def is_relative(question: str) -> bool:
    """Whether it may mean other days when it is asked on another."""
    return _RELATIVE.search(question.casefold()) is not None


def still_holds(golden: Golden, *, today: date, dataset_version: str) -> bool:
    """A spec has its days spelt out: one of "last week" is right on its day and its data only."""
    return not golden.relative or (
        golden.asked_on == today and golden.dataset_version == dataset_version
    )


def golden_of(question: Question, id: UUID) -> Golden | None:
    """The golden query that a question found right makes."""
    outcome = question.outcome
    if question.plan is None or not isinstance(outcome, QuestionAnswered):
        return None
    asked, rows = question.asked, outcome.answer.result.rows
    return Golden(
        question_id=id,
        question=asked.question,
        dataset=question.plan.dataset,
        spec=question.plan.spec,
        dataset_version=outcome.answer.dataset_version,
        asked_on=asked.now.date(),
        relative=is_relative(asked.question),
        rows=tuple(tuple(row) for row in rows),
    )
