"""Which dataset a question names, as in "how many rows are there in sales"."""

import re
from collections.abc import Iterable

import msgspec

_TABLE = r"(?:data\s?set|table|csv|file|data)"
_THE = r"(?:the\s+|my\s+|our\s+)?"


class Named(msgspec.Struct, frozen=True):
    """A dataset, and the question without the words that name it."""

    dataset: str
    question: str


def named_in(question: str, datasets: Iterable[str]) -> Named | None:
    """The one that is named behind "in" or "from", or as a dataset; None where it is not one. That
    these words mean the dataset is likely, not sure: "sales" may be a figure as well."""
    found = [named for each in datasets if (named := _without(question, each)) is not None]
    return found[0] if len(found) == 1 else None


def _without(question: str, dataset: str) -> Named | None:
    name = r"[\s_]".join(map(re.escape, dataset.split("_")))
    match = re.search(
        rf"\b(?:in|from|of|on|for|using)\s+{_THE}{name}\s+{_TABLE}\b"
        rf"|\bdata\s?set\s*[=:]?\s*{name}\b|\b(?:in|from|using)\s+{_THE}{name}\b"
        rf"|^(?:ask\s+)?{name}\s*:",
        question,
        re.IGNORECASE,
    )
    if match is None:
        return None
    left = " ".join(f"{question[: match.start()]} {question[match.end() :]}".split())
    left = re.sub(r"\s+([?!.,])", r"\1", left)
    return Named(dataset, left) if re.search(r"\w", left) else None
