"""What a conversation is called while nobody has given it a title."""

import re

NEW = "New conversation"
"""One in which nothing was said yet."""

_LENGTH = 60
_SENTENCE = re.compile(r".*[.!?…](?=\s)")


def title_by_rule(first: str) -> str:
    """The beginning of what was said `first`: its first line, where that is long its first
    sentences or words, with an ellipsis for the rest."""
    line = next((line for line in map(_tidy, first.splitlines()) if line), None)
    if line is None:
        return NEW
    if len(line) <= _LENGTH:
        return line
    if sentences := _SENTENCE.match(line[: _LENGTH + 1]):
        return sentences[0]
    words, space, _ = line[:_LENGTH].rpartition(" ")
    return (words if space else line[: _LENGTH - 1]) + "…"


def _tidy(line: str) -> str:
    return " ".join(line.split())
