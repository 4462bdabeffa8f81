"""Which columns a stretch of a question may name, by the words of their names."""

from collections.abc import Iterator, Sequence

import msgspec

from contexts.analytics.domain.relation import Column, Relation
from contexts.analytics.infrastructure.offline_planner.english import SAME, WEAK, words
from contexts.analytics.infrastructure.offline_planner.readings import Choice, Named, Placed
from contexts.analytics.infrastructure.offline_planner.wordforms import ABBREVIATIONS
from contexts.analytics.infrastructure.offline_planner.words import (
    Token,
    names_in,
    one_slip,
    root,
    squash,
    stem,
)

_LONGEST = 7
"""Tokens that the name of a column may take."""

_NEAR = 0.12
"""Columns whose names fit this much worse than the best are no longer meant."""

_LINKS = frozenset(("of", "the", "in", "a"))
"""What may stand inside a name without belonging to it: "date of the arrival"."""

_PREPOSITIONS = _LINKS | {"for", "by", "from", "to", "at", "on", "with", "until"}
"""What names a column only as a part of its whole name."""

_GENERIC = frozenset(
    stem(word) for word in ("type", "kind", "category", "group", "code", "name", "value", "level")
)
"""What may stand beside the name of a column without being in it: "blood type" for `blood`."""


_WEAK_STEMS = frozenset(stem(word) for word in ("id", "name", "code", "type", "date", "number"))


UNITS = words(
    """
    m cm mm km kg g mg lb lbs oz s sec ms min hr usd eur gbp pct percent f c mph kmh inch
    mile feet ft sqm million thousand meter meters metre metres centimeters centimetres
    kilometers kilometres kilograms grams dollars euros pounds years seconds minutes inches
    miles
    """
)
"""Words that tell the unit of a column, and that nobody says who asks for it."""


class _Name(msgspec.Struct, frozen=True):
    column: str
    words: tuple[str, ...]
    weights: tuple[float, ...]
    squashed: frozenset[str]
    sureness: float


def _expanded(words: Sequence[str]) -> tuple[str, ...]:
    """Abbreviations in full; what they expand to may be several words."""
    full: list[str] = []
    for at, word in enumerate(words):
        if tuple(words[at + 1 : at + 2]) == ("name",):
            word = {"l": "last", "f": "first", "m": "middle"}.get(word, word)
        full += ABBREVIATIONS.get(word, word).split()
    return tuple(full)


def words_of(column: Column) -> tuple[str, ...]:
    """The words of a column's name, short forms in full."""
    return _expanded(names_in(column.name))


def _names(column: Column) -> Iterator[_Name]:
    seen = set()
    for text, sureness in (
        (column.name, 1.0),
        (column.title, 1.0),
        *((synonym, 0.97) for synonym in column.synonyms),
    ):
        written = names_in(text)
        words = _expanded(written)
        if not words or words in seen:
            continue
        seen.add(words)
        weights = tuple(
            0.3 if word in WEAK or word.isdigit() or word in UNITS else 1.0 for word in words
        )
        yield _Name(
            column.name,
            tuple(stem(word) for word in words),
            weights,
            frozenset((squash(written), squash(words), "".join(map(stem, written)))),
            sureness,
        )


def _head(name: _Name) -> int:
    """Which of its words says what the column is: the last one that says anything."""
    strong = [i for i, weight in enumerate(name.weights) if weight == 1.0]
    return strong[-1] if strong else len(name.words) - 1


def alike(asked: str, word: str) -> float:
    """How surely two stems mean the same (0 to 1)."""
    if asked == word:
        return 1.0
    if asked in _SAME_STEMS.get(word, ()):
        return 0.85
    if len(asked) > 4 and len(word) > 4 and root(asked) == root(word):
        return 0.85
    if len(root(asked)) > 3 and root(asked) in (word, root(word)):
        return 0.8
    if 3 <= len(word) <= 4 < len(asked) - 1 and word not in WEAK and asked.startswith(word):
        return 0.7
    if len(asked) >= 5 and len(word) >= 5 and one_slip(asked, word) and asked[0] == word[0]:
        return 0.75
    return 0.0


_SAME_STEMS = {
    stem(word): frozenset(stem(other) for other in others) for word, others in SAME.items()
}


class ColumnNames:
    """The names of the columns of one relation."""

    def __init__(self, relation: Relation) -> None:
        self._names = [name for column in relation.columns for name in _names(column)]
        self._text = {column.name for column in relation.columns if column.type == "text"}
        self._occurring: dict[str, bool] = {}
        self._alike: dict[tuple[str, str], float] = {}

    def named_in(self, tokens: Sequence[Token]) -> Iterator[Placed]:
        """Every stretch that may name a column, with all columns that fit it about equally."""
        for first, token in enumerate(tokens):
            if token.kind not in ("word", "number") or token.folded in _LINKS:
                continue
            for last in range(first + 1, min(len(tokens), first + _LONGEST) + 1):
                if tokens[last - 1].kind not in ("word", "number"):
                    break
                if not self._occurs(tokens[last - 1]):
                    break
                if tokens[last - 1].folded in _LINKS and not self._ends_names(tokens[last - 1]):
                    continue
                named = self._named(tokens[first:last])
                if named is not None:
                    yield Placed(first, last, named, (last - first) * self._weight(named))

    def qualified_by(self, word: str) -> set[str]:
        """The columns in whose names a stem only qualifies another word."""
        return {
            name.column
            for name in self._names
            if word in (name.words[i] for i in range(_head(name)))
        }

    def _occurs(self, token: Token) -> bool:
        """Whether some name may hold the word, alone or as a piece of a longer one."""
        if token.stem not in self._occurring:
            said = [stem(word) for word in _expanded((token.folded,))]
            links = token.folded in _PREPOSITIONS or token.stem in _GENERIC
            self._occurring[token.stem] = links or any(
                self._alikeness(one, word) > 0.0 or one in word
                for one in said
                for name in self._names
                for word in (*name.words, *name.squashed)
            )
        return self._occurring[token.stem]

    def _weight(self, named: Named) -> float:
        best = named.choices[0]
        return (1.0 if best.whole else 0.85) * (0.6 + 0.4 * best.fit)

    def _ends_names(self, token: Token) -> bool:
        return any(name.words[-1] == token.stem for name in self._names)

    def _named(self, tokens: Sequence[Token]) -> Named | None:
        best: dict[str, Choice] = {}
        for name in self._names:
            choice = self._fits(tokens, name)
            if choice is None:
                continue
            known = best.get(choice.column)
            if known is None or choice.fit > known.fit:
                best[choice.column] = choice
        if not best and len(tokens) == 1:
            best = self._weakly(tokens[0].stem)
        if not best:
            return None
        ranked = sorted(best.values(), key=lambda c: (-c.whole, -c.fit))
        near = tuple(c for c in ranked if c.fit >= ranked[0].fit - _NEAR or c.whole)
        plural = tokens[-1].folded != tokens[-1].stem and tokens[-1].folded.endswith("s")
        return Named(choices=near, plural=plural, sureness=ranked[0].fit)

    def _weakly(self, word: str) -> dict[str, Choice]:
        """The columns of a word such as `id`, where no column is called just that."""
        if word not in _WEAK_STEMS:
            return {}
        having = [name for name in self._names if word in name.words]
        return {n.column: Choice(n.column, 0.6 if n.words[-1] == word else 0.55) for n in having}

    def _fits(self, tokens: Sequence[Token], name: _Name) -> Choice | None:
        """How well the tokens name the column; None if one of them says something else."""
        if squash([token.folded for token in tokens]) in name.squashed:
            return Choice(name.column, name.sureness, whole=True)
        if tokens[0].folded in _PREPOSITIONS or tokens[-1].folded in _PREPOSITIONS:
            return None
        if [token.folded for token in tokens[:2]] == ["number", "of"] and name.words[0] != "number":
            return None  # A number of flights is no flight number.
        words = [token for token in tokens if token.folded not in _LINKS]
        said = [stem(word) for token in words for word in _expanded((token.folded,))]
        joined = stem(squash([token.folded for token in words]))
        if len(said) > 1 and joined in name.words:
            said = [joined]
        free = list(range(len(name.words)))
        got, sure = 0.0, 1.0
        strong = False
        for word in said:
            at = max(free, key=lambda i: self._alikeness(word, name.words[i]), default=None)
            alikeness = 0.0 if at is None else self._alikeness(word, name.words[at])
            if at is None or alikeness == 0.0:
                beside = word == said[-1] and len(words) == len(tokens) and len(said) > 1
                if word not in _GENERIC or not beside:
                    return None
                sure = min(sure, 0.9)
                continue
            free.remove(at)
            got += name.weights[at]
            sure = min(sure, alikeness)
            strong = strong or name.weights[at] == 1.0
        whole = not [i for i in free if name.words[i] not in _LINKS | UNITS]
        if not whole and not strong:
            return None
        if not whole and got < 2 and name.column in self._text and _head(name) in free:
            return None  # The customers of a `customer_city` are no cities.
        # A name is told by its strong words; the last of them is what the column is.
        fit = sure * name.sureness * (0.5 + 0.5 * got / sum(name.weights))
        return Choice(name.column, round(fit, 3), whole)

    def _alikeness(self, asked: str, word: str) -> float:
        key = (asked, word)
        if key not in self._alike:
            self._alike[key] = alike(asked, word)
        return self._alike[key]
