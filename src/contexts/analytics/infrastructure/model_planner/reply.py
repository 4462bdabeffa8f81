"""What the model replies, the JSON schema it is held to, and the strict reading of it."""

from typing import Any, Literal

import msgspec

from contexts.analytics.application import wording
from contexts.analytics.application.ports import Declined, Option, Planned
from contexts.analytics.domain.query_spec import QuerySpec
from contexts.analytics.domain.question import Usage
from shared.application.language_model import Schema

_LONGEST_WORDS = 300
"""Characters of what a model says to people."""

_MOST_WORDS = 6
"""So many assumptions, options, suggestions or words that it could not place."""


_LEFT_OUT = ("default", "title")


class ReplyUnusable(Exception):
    """Says what is wrong with a reply, for the model and for people."""


class _Way(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to read a question that can be read in several: a label of a few words, and the whole
    question that would say so."""

    label: str
    question: str


class _Decline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why there is no query. `unanswerable`: the columns do not hold it; `needs_clarification`: it
    can be meant in ways that differ, which are the options; `refused`: it asks to change data, or
    for something other than data. `unplaced` are the words of the question that no column or value
    goes by; `suggestions` are questions that could be answered."""

    outcome: Literal["needs_clarification", "unanswerable", "refused"]
    reason: str
    unplaced: tuple[str, ...] = ()
    options: tuple[_Way, ...] = ()
    suggestions: tuple[str, ...] = ()


class _Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Either `spec` or `decline`, the other is null. `assumptions` are choices that the question
    left open, a sentence each; `confidence`, 0 to 1, is how sure it is that the spec is meant."""

    spec: QuerySpec | None = None
    decline: _Decline | None = None
    assumptions: tuple[str, ...] = ()
    confidence: float = 0.5


def reply_schema() -> Schema:
    """An object at the root, nothing besides its properties; what has a default may be left out,
    but not where a server makes its model write all of it."""
    return Schema("query", _schema(every=False), strict=_schema(every=True))


def _schema(*, every: bool) -> dict[str, Any]:
    made = msgspec.json.schema(_Reply)
    definitions = {name: _closed(part, every) for name, part in made["$defs"].items()}
    root = definitions.pop(_Reply.__name__)
    return {**root, "$defs": definitions}


def read_reply(parsed: Any, planner: str, usage: Usage) -> Planned | Declined:
    """Raise ReplyUnusable for anything but one spec or one decline."""
    try:
        reply = msgspec.convert(parsed, _Reply, strict=True)
    except msgspec.ValidationError as error:
        fault = str(error).replace("`", "'")
        raise ReplyUnusable(f"it does not match the schema: {fault}") from None
    _has_nothing_else(parsed, reply, "the reply")
    if (reply.spec is None) == (reply.decline is None):
        raise ReplyUnusable("it has to hold either a spec or a decline, and null for the other")
    if reply.decline is not None:
        return _declined(reply.decline, planner, usage)
    assert reply.spec is not None
    return Planned(
        spec=reply.spec,
        planner=planner,
        confidence=min(1.0, max(0.0, reply.confidence)),
        rests_on=("how a language model reads the question",),
        assumptions=_words(reply.assumptions),
        usage=usage,
    )


def _closed(part: Any, every: bool) -> Any:
    """The same schema without defaults, every object closed, with `every` property required or
    those that have no default."""
    if isinstance(part, list):
        return [_closed(each, every) for each in part]
    if not isinstance(part, dict):
        return part
    kept = {key: _closed(each, every) for key, each in part.items() if key not in _LEFT_OUT}
    if "description" in kept:
        kept["description"] = " ".join(kept["description"].split())
    if "enum" in kept:
        kept["type"] = "string"
    if "properties" in part:
        properties = {name: _closed(each, every) for name, each in part["properties"].items()}
        required = list(properties) if every else part.get("required", [])
        kept |= {"properties": properties, "required": required, "additionalProperties": False}
    return kept


def _has_nothing_else(raw: Any, read: Any, where: str) -> None:
    """A field that no struct has would be passed over in silence otherwise."""
    if isinstance(read, msgspec.Struct):
        fields = set(read.__struct_fields__)
        if unknown := sorted(set(raw) - fields):
            shown = wording.listed([wording.cut(each, 40) for each in unknown[:5]])
            raise ReplyUnusable(f"{where} has no field {shown}; it has {', '.join(sorted(fields))}")
        for name in raw:
            _has_nothing_else(raw[name], getattr(read, name), name)
    elif isinstance(read, tuple):
        for one, other in zip(raw, read, strict=True):
            _has_nothing_else(one, other, f"an item of {where}")


def _declined(decline: _Decline, planner: str, usage: Usage) -> Declined:
    return Declined(
        outcome=decline.outcome,
        reason=wording.cut(decline.reason, _LONGEST_WORDS) or "the columns do not hold it",
        planner=planner,
        unplaced=_words(decline.unplaced),
        suggestions=_words(decline.suggestions),
        options=tuple(
            Option(wording.cut(way.label), wording.cut(way.question, _LONGEST_WORDS))
            for way in decline.options[:_MOST_WORDS]
            if way.label.strip() and way.question.strip()
        ),
        usage=usage,
    )


def _words(given: tuple[str, ...]) -> tuple[str, ...]:
    shown = (wording.cut(each, _LONGEST_WORDS) for each in given[:_MOST_WORDS])
    return tuple(each for each in shown if each)
