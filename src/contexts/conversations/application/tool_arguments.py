"""Which tools assistants have, and what each may be asked with.

Models write the arguments, so they are read with patience: a number may come as text, and what is
null or empty was left out. What can't be meant is refused in words that tell what can.
"""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from shared.application.language_model import Tool
from shared.domain.errors import Invalid

MOST_EVENTS = 20
DEFAULT_EVENTS = 10

MAX_QUESTION = 1_000
"""Characters."""

_Name = Annotated[str, msgspec.Meta(max_length=200)]


class _Arguments(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What all of them have in common."""


class SearchEvents(_Arguments, frozen=True, rename={"starts_from": "from", "starts_to": "to"}):
    """Times are of the venue's clock; a day means all of it."""

    words: _Name | None = None
    starts_from: str | None = None
    starts_to: str | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    available_only: bool = True
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_EVENTS)] = DEFAULT_EVENTS

    @property
    def range(self) -> tuple[datetime | None, datetime | None]:
        """Raise Invalid for what is no time."""
        first, last = self.starts_from, self.starts_to
        return (
            None if first is None else _wall_time("from", first, time.min),
            None if last is None else _wall_time("to", last, time.max),
        )


class AskData(_Arguments, frozen=True):
    question: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_QUESTION)]
    dataset: _Name | None = None
    new_topic: bool = False


class ListDatasets(_Arguments, frozen=True):
    pass


_KINDS: Mapping[str, type[SearchEvents | AskData | ListDatasets]] = {
    "search_events": SearchEvents,
    "ask_data": AskData,
    "list_datasets": ListDatasets,
}

NAMES = frozenset(_KINDS)


def read_arguments(
    name: str, arguments: Mapping[str, Any]
) -> SearchEvents | AskData | ListDatasets:
    """Raise Invalid with what is wrong and what is allowed instead."""
    if (kind := _KINDS.get(name)) is None:
        raise Invalid(f"there is no tool {name[:80]!r}; there are {', '.join(_KINDS)}")
    given = {key: value for key, value in arguments.items() if value not in (None, "")}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        schema = next(tool.parameters for tool in OFFERED if tool.name == name)
        told = "; ".join(
            f"{argument}: {each['type']}, {each['description']}"
            for argument, each in schema["properties"].items()
        )
        raise Invalid(f"{name}: {error}. It takes {told or 'no arguments'}") from None


def _wall_time(name: str, text: str, of_day: time) -> datetime:
    """A day, or a time of a day as a clock shows it."""
    try:
        return datetime.combine(date.fromisoformat(text.strip()), of_day)
    except ValueError:
        pass
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        read = None
    if read is None or read.tzinfo is not None:
        raise Invalid(
            f"{name}: {text[:40]!r} is neither a day such as 2026-11-28 nor a time such as "
            "2026-11-28T18:00 by the clock of the venue, without an offset"
        )
    return read


def _schema(*required: str, **properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [*required],
        "additionalProperties": False,
    }


OFFERED = (
    Tool(
        name="search_events",
        description=(
            "Find live events on offer, the soonest first. It knows titles, times, prices and how "
            "many places are left, but no towns and no currencies. Without 'from' and 'to', "
            "everything that is not over is looked through. The result has the total and the first "
            "events. With a total of 0 nothing was found: try once with fewer words or limits, "
            "then say so."
        ),
        parameters=_schema(
            words={
                "type": "string",
                "description": "words that the title must have, all of them: a name, or a kind "
                "such as 'concert' or 'jazz'; not 'events' or 'tickets', no place and no day",
            },
            **{
                "from": {
                    "type": "string",
                    "description": "the first day or time, by the venue's clock: 2026-11-28 or "
                    "2026-11-28T18:00, never words. From a day on, what began before and still "
                    "runs (an exhibition) is found too; from a time on, what starts then",
                },
                "to": {
                    "type": "string",
                    "description": "the last day or time at which it may start, likewise; for one "
                    "day the same as 'from'",
                },
            },
            min_price={"type": "number", "description": "has places that cost at least this much"},
            max_price={"type": "number", "description": "has places that cost at most this much"},
            available_only={
                "type": "boolean",
                "description": "only what has places left, and prices of those alone; true unless "
                "it is said",
            },
            limit={
                "type": "integer",
                "minimum": 1,
                "maximum": MOST_EVENTS,
                "description": f"how many events to show, 1 to {MOST_EVENTS}; {DEFAULT_EVENTS} "
                "unless it is said",
            },
        ),
    ),
    Tool(
        name="ask_data",
        description=(
            "Ask a dataset a question in plain English: totals, averages, counts, rankings, "
            "courses over time, lists of rows. Keep the person's own words for times ('November', "
            "'last week') and add no year: the data has dates of its own. It goes on from the last "
            "question that was answered in this conversation, so say only what changes: 'only "
            "November', 'by shop instead'. The result has the rows and an analysis in words; use "
            "no figure that does not stand in it, and tell what was assumed. The person is shown "
            "the chart. When the outcome is not 'answered', the reason, the suggestions and the "
            "options say what could be asked."
        ),
        parameters=_schema(
            "question",
            question={
                "type": "string",
                "description": "one question, such as 'revenue by month' or 'top five products by "
                "quantity in November'",
            },
            dataset={
                "type": "string",
                "description": "the name of a dataset, as list_datasets tells it; left out, the "
                "one that fits is asked; the catalogue of events is the dataset 'events'",
            },
            new_topic={
                "type": "boolean",
                "description": "true where it does not go on from the question before; false "
                "unless it is said",
            },
        ),
    ),
    Tool(
        name="list_datasets",
        description=(
            "Tell which datasets there are, with their rows, their columns, and questions that "
            "they answer."
        ),
        parameters=_schema(),
    ),
)
