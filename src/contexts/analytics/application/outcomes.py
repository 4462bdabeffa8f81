"""The outcomes that are no answer, as events."""

from datetime import datetime

from contexts.analytics.application.ports import Declined, QueryRefused
from contexts.analytics.domain.question import (
    ClarificationNeeded,
    QuestionRefused,
    QuestionUnanswerable,
)

NARROWER = (
    "ask for a shorter time, or for one value of a column",
    "ask for totals instead of single rows",
)


def declined(
    by: Declined, *, now: datetime
) -> ClarificationNeeded | QuestionUnanswerable | QuestionRefused:
    match by.outcome:
        case "needs_clarification":
            return ClarificationNeeded(
                reason=by.reason, options=by.options, declined_at=now, usage=by.usage
            )
        case "unanswerable":
            return QuestionUnanswerable(
                reason=by.reason,
                unplaced=by.unplaced,
                suggestions=by.suggestions,
                declined_at=now,
                usage=by.usage,
            )
        case "refused":
            return QuestionRefused(
                reason=by.reason, suggestions=by.suggestions, declined_at=now, usage=by.usage
            )


def beyond_limits(error: QueryRefused, *, now: datetime) -> QuestionRefused:
    return QuestionRefused(reason=str(error), suggestions=NARROWER, declined_at=now)
