"""The shapes JSON-LD leaves open: one value or a list of them, bare or inside an object."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from contexts.events.infrastructure.feeds.fields import Remembered

Node = Mapping[str, Any]


def several(value: Any) -> list[Any]:
    """A property's values: none, one, or a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def nodes(value: Any) -> Iterator[Node]:
    return (each for each in several(value) if isinstance(each, dict))


def string(value: Any) -> str | None:
    """The first text or number among a property's values.

    It may be wrapped: `{"@value": ...}`, a PropertyValue or a QuantitativeValue (`value`).
    """
    if value is None or isinstance(value, str):  # Nearly all there is.
        return value
    for each in several(value):
        if isinstance(each, dict):
            each = each.get("@value", each.get("value"))
        match each:
            case str():
                return each
            case bool() | None:
                continue
            case Decimal() if each.is_finite() and abs(each.adjusted()) < 30:
                return f"{each:f}"
            case int() | Decimal():
                return str(each)
    return None


def first(node: Node, *names: str) -> str | None:
    """The text of the first of these properties that has one."""
    for name in names:
        if found := string(node.get(name)):
            return found
    return None


def identity(value: Any) -> str | None:
    """By what a thing goes, whether it is written out or only named."""
    for each in several(value):
        found = first(each, "@id", "identifier", "url") if isinstance(each, dict) else string(each)
        if found:
            return found
    return None


def types(node: Node) -> set[str]:
    """`Event` for "Event", "schema:Event" and "https://schema.org/Event" alike."""
    return {word(each) for each in several(node.get("@type"))}


def word(value: Any) -> str:
    """A term of schema.org without its vocabulary; empty where there is none."""
    term = value if isinstance(value, str) else identity(value)
    return _WORDS[term]


def _without_vocabulary(term: str | None) -> str:
    return (term or "").rstrip("/").rpartition("/")[2].rpartition("#")[2].rpartition(":")[2]


_WORDS = Remembered(_without_vocabulary)
