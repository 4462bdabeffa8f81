"""Words of the grammar that were typed with a slip: "averge", "numbr", "shwo"."""

from contexts.analytics.infrastructure.offline_planner.readings import Sign
from contexts.analytics.infrastructure.offline_planner.signs import phrases
from contexts.analytics.infrastructure.offline_planner.words import one_slip


def mistyped(word: str) -> list[Sign]:
    """What a word is of the grammar but for two letters in the wrong order, or one inside it that
    is missing or too many. Another letter would be another word."""
    if len(word) < 4:
        return []
    for (known, *more), signs in phrases().items():
        listed = any(sign.kind == "list" for sign in signs)
        if not more and len(known) >= (4 if listed else 6) and _slipped(word, known):
            return [sign for sign in signs if sign.kind in _TYPED]
    return []


_TYPED = (
    "aggregate",
    "extreme",
    "list",
    "chart",
    "direction",
    "order",
    "distinct",
    "group",
    "filler",
)


def _slipped(word: str, known: str) -> bool:
    if word[0] != known[0] or (word[-1] != known[-1] and sorted(word) != sorted(known)):
        return False
    if len(word) == len(known):
        return sorted(word) == sorted(known) and one_slip(word, known)
    return len(known) >= 6 and one_slip(word, known)
