"""What other contexts may ask of analytics: questions that nothing is kept of, and what there is to
ask."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from shared.application.bus import Query

Outcome = Literal["answered", "needs_clarification", "unanswerable", "refused", "failed"]


class AnswerColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column of an answer: `name` is its key in the SQL, `title` its words. `type` is one of
    text, integer, decimal, boolean, date, timestamp and time; `kind` is dimension or measure. What
    is `in_percent` is a part of something: 0.1 is 10 %."""

    name: str
    title: str
    type: str
    kind: str
    unit: str | None = None
    in_percent: bool = False


class WayToAsk(msgspec.Struct, frozen=True):
    """One way to be clearer: what it means, the question that says so, and of which dataset, where
    that was what is unclear."""

    label: str
    question: str
    dataset: str | None = None


class ConfidentialAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a question; all of it is as plain as JSON.

    `rows` are in the order of `columns`, and `truncated` where there were more; dates and times are
    in ISO 8601. `chart` is a Vega-Lite document with its data inside, None for a table or none.
    `sql` is what ran, on the data of `dataset_version`, when the log had come to `log_position`.
    `confidence` is 0 to 1. What is no answer has a `reason`, and what would have one: `suggestions`
    are columns, values or questions, `options` are ways to be clearer, and `unplaced` are the words
    that nothing goes by. `thread` is what the next question can go on from: whoever asks hands it
    back as it is. The tokens are those that language models read and wrote for it, and `cost` is
    what they took in US dollars, None where no price is known.
    """

    outcome: Outcome
    dataset: str | None = None
    explanation: str | None = None
    assumptions: tuple[str, ...] = ()
    columns: tuple[AnswerColumn, ...] = ()
    rows: tuple[tuple[str | int | float | bool | None, ...], ...] = ()
    truncated: bool = False
    chart_type: str | None = None
    chart: dict[str, Any] | None = None
    analysis: str | None = None
    sql: str | None = None
    dataset_version: str | None = None
    log_position: int | None = None
    planner: str | None = None
    confidence: float | None = None
    reason: str | None = None
    unplaced: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    options: tuple[WayToAsk, ...] = ()
    thread: dict[str, Any] | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None


class AskInConfidence(Query[ConfidentialAnswer], frozen=True, kw_only=True):
    """Have a question answered at once, of which nothing is recorded: no event, no row, no key.

    Without a `dataset` the one is asked that fits best; where it `follows` the thread of another
    answer, that one's, as long as the question fits it. "Yesterday" and the like refer to the wall
    time `as_of`, where that is not now. Raise Invalid for a question that is empty or too long;
    every other trouble is an outcome.
    """

    question: str
    dataset: str | None = None
    follows: dict[str, Any] | None = None
    planner: Literal["auto", "offline", "model", "both"] = "auto"
    as_of: datetime | None = None


class AskableColumn(msgspec.Struct, frozen=True):
    """`kind` is what it is for: measure (adding up), dimension (grouping by), identifier or time;
    `type` as that of a column of an answer."""

    title: str
    type: str
    kind: str


class Askable(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset that can be asked. `description` is a sentence on what it holds; `examples` are
    questions that it answers."""

    name: str
    rows: int
    description: str
    columns: tuple[AskableColumn, ...]
    examples: tuple[str, ...]


class ListAskable(Query[list[Askable]], frozen=True):
    """Every dataset that can be asked, the catalogue last."""
