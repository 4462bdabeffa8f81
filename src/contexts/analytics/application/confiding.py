"""Questions asked in confidence: answered like all others, and forgotten at once.

What people say in a conversation is theirs to have erased, so no word of it may come into the log,
a read model or Redis by way of a question.
"""

from typing import Any

import msgspec
from uuid_utils.compat import uuid7

from contexts.analytics.application.asking import MAX_QUESTION
from contexts.analytics.application.ports import Clock, Ran
from contexts.analytics.application.solving import Solving
from contexts.analytics.application.understanding import Before
from contexts.analytics.domain.question import (
    Answer,
    Asked,
    ClarificationNeeded,
    Outcome,
    Question,
    QuestionAnswered,
    QuestionFailed,
    QuestionRefused,
    QuestionUnanswerable,
    Usage,
)
from contexts.analytics.published import (
    AnswerColumn,
    AskInConfidence,
    ConfidentialAnswer,
    WayToAsk,
)
from shared.domain.errors import Invalid


class NothingKept:
    """Fits KeptAnswers. The SQL of an answer has words of its question in it."""

    async def get(self, key: bytes) -> Ran | None:
        return None

    async def put(self, key: bytes, ran: Ran) -> None:
        pass


class _InMemory:
    """Fits the Record of Solving."""

    def __init__(self, before: Before | None) -> None:
        self._before = before

    async def before(self, question: Question) -> Before | None:
        return self._before

    async def save(self, question: Question) -> None:
        pass


class Confiding:
    """`solving` has to run queries with NothingKept."""

    def __init__(self, solving: Solving, clock: Clock) -> None:
        self._solving = solving
        self._clock = clock

    async def ask(self, query: AskInConfidence) -> ConfidentialAnswer:
        text = " ".join(query.question.split())
        if not text or len(text) > MAX_QUESTION or "\x00" in text:
            raise Invalid(
                f"question: give one of at most {MAX_QUESTION:,} characters, such as 'revenue by "
                "month'"
            )
        asked = Asked(
            question=text,
            asked_at=self._clock(),
            dataset=query.dataset,
            planner=query.planner,
            as_of=query.as_of,
        )
        question = Question.ask(uuid7(), asked)
        await self._solving.solve(question, _InMemory(_before(query.follows)))
        assert question.outcome is not None
        return _told(question, question.outcome)


def _before(thread: dict[str, Any] | None) -> Before | None:
    """What can't be read, such as a thread from another time, is nothing to go on from."""
    try:
        return msgspec.convert(thread, Before | None)
    except msgspec.ValidationError:
        return None


def _told(question: Question, outcome: Outcome) -> ConfidentialAnswer:
    plan = question.plan
    told: dict[str, Any] = {"dataset": question.asked.dataset}
    spent = Usage()
    if plan is not None:
        spent = plan.usage
        told = {
            "dataset": plan.dataset,
            "dataset_version": plan.dataset_version,
            "explanation": plan.explanation,
            "assumptions": plan.assumptions,
            "planner": plan.planner,
            "confidence": plan.confidence,
        }
    match outcome:
        case QuestionAnswered(answer=answer):
            spent = answer.usage
            told |= {"outcome": "answered", **_answered(answer)}
            told["thread"] = msgspec.to_builtins(Before.plan_of(question))
        case ClarificationNeeded():
            spent += outcome.usage
            told |= {"outcome": "needs_clarification", "reason": outcome.reason}
            told["options"] = tuple(
                WayToAsk(each.label, each.question, each.dataset) for each in outcome.options
            )
        case QuestionUnanswerable():
            spent += outcome.usage
            told |= {"outcome": "unanswerable", "reason": outcome.reason}
            told |= {"unplaced": outcome.unplaced, "suggestions": outcome.suggestions}
        case QuestionRefused():
            spent += outcome.usage
            told |= {"outcome": "refused", "reason": outcome.reason}
            told["suggestions"] = outcome.suggestions
        case QuestionFailed():
            told |= {"outcome": "failed", "reason": outcome.reason}
    return ConfidentialAnswer(
        **told,
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        cost=spent.cost,
    )


def _answered(answer: Answer) -> dict[str, Any]:
    return {
        "columns": tuple(
            AnswerColumn(
                name=each.name,
                title=each.title,
                type=each.type,
                kind=each.kind,
                unit=each.unit,
                in_percent=each.in_percent,
            )
            for each in answer.result.columns
        ),
        "rows": answer.result.rows,
        "truncated": answer.result.truncated,
        "chart_type": answer.chart.type,
        "chart": answer.chart.spec,
        "analysis": answer.analysis,
        "sql": answer.sql,
        "log_position": answer.log_position,
    }
