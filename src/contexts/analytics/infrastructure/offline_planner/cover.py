"""How a question is cut: the stretches that explain it best, found by dynamic programming."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from contexts.analytics.infrastructure.offline_planner.readings import Item, Placed
from contexts.analytics.infrastructure.offline_planner.words import Token

_UNPLACED = -1.0
"""What a word costs that nothing explains."""

_CUT = 0.06
"""What each further stretch costs: one that explains three words beats three that explain one."""


def cover(text: str, tokens: Sequence[Token], placed: Iterable[Placed]) -> list[Item]:
    """The question in stretches, in their order, each with all its readings, the best first. Words
    that nothing explains are items without readings; marks that say nothing are left out."""
    at: dict[tuple[int, int], list[Placed]] = defaultdict(list)
    for one in placed:
        at[one.first, one.last].append(one)
    ending: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for (first, last), some in at.items():
        ending[last].append((first, max(one.weight for one in some)))

    best = [0.0]
    cut = [0]
    for last in range(1, len(tokens) + 1):
        cost = 0.0 if tokens[last - 1].kind == "mark" else _UNPLACED
        choices = [(best[last - 1] + cost, last - 1)]
        choices += [(best[first] + weight - _CUT, first) for first, weight in ending[last]]
        score, first = max(choices)
        best.append(score)
        cut.append(first)

    items: list[Item] = []
    last = len(tokens)
    while last > 0:
        first = cut[last]
        some = sorted(at.get((first, last), ()), key=lambda one: -one.weight)
        if some or tokens[first].kind != "mark":
            start, end = tokens[first].start, tokens[last - 1].end
            items.append(Item(text[start:end], start, end, tuple(one.reading for one in some)))
        last = first
    return items[::-1]
