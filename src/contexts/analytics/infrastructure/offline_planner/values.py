"""Which values of a relation's text columns stand in a question."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from contexts.analytics.domain.relation import ColumnValues
from contexts.analytics.infrastructure.offline_planner.english import ALIASES, FILLER, GENDERS
from contexts.analytics.infrastructure.offline_planner.readings import Held, Placed
from contexts.analytics.infrastructure.offline_planner.signs import is_grammar
from contexts.analytics.infrastructure.offline_planner.wordforms import ABBREVIATIONS
from contexts.analytics.infrastructure.offline_planner.words import (
    Token,
    fold,
    names_in,
    one_slip,
    singular,
    squash,
    stem,
)

_LONGEST = 8
"""Tokens that a value may take in a question, unless it is quoted."""

_PARTS = 400
"""A word that more values of a column hold than this tells little about any of them."""


class ValueIndex:
    """The values of one relation: whole, by their stems, and by their single words."""

    def __init__(self, values: Sequence[ColumnValues]) -> None:
        self._whole: dict[str, dict[str, list[str]]] = {}
        self._word: dict[str, dict[str, list[str]]] = {}
        for known in values:
            for value in known.values:
                for key in _keys(value):
                    _add(self._whole, key, known.column, value)
                for word in {stem(word) for word in names_in(value) if len(word) > 2}:
                    _add(self._word, word, known.column, value)
        self._by_length: dict[tuple[str, int], list[str]] = defaultdict(list)
        for key in self._whole:
            self._by_length[key[:1], len(key)].append(key)

    def held_in(self, tokens: Sequence[Token]) -> Iterator[Placed]:
        for first, token in enumerate(tokens):
            if token.kind == "quoted":
                yield Placed(first, first + 1, self._quoted(token), 1.2)
                continue
            if token.kind == "mark":
                continue
            for last in range(first + 1, min(len(tokens), first + _LONGEST) + 1):
                if tokens[last - 1].kind == "quoted":
                    break
                if tokens[last - 1].kind == "mark" and tokens[last - 1].text in ",;?!":
                    break
                held = self._said(tokens[first:last])
                if held is not None and tokens[last - 1].kind == "mark":
                    held = held if _ends_so(held, tokens[last - 1].text) else None
                if held is not None:
                    yield Placed(first, last, held, (last - first) * held.sureness)
        yield from self._parts(tokens)

    def _said(self, tokens: Sequence[Token]) -> Held | None:
        """A value as a whole, however it is written; a letter or two must be written the same."""
        written = squash([token.folded for token in tokens])
        found = self._whole.get(written)
        sureness = 0.95
        if found is None:
            found = self._whole.get("".join(singular(t.folded) for t in tokens if t.kind != "mark"))
            sureness = 0.9
        if found is None:
            # "The baker's dozen" is one name, of whose 's nothing is taken.
            found = self._whole.get(squash([fold(token.text) for token in tokens]))
        if found is None and len(tokens) == 1 and (other := self._other_words(tokens[0])):
            return Held(held=_sorted(other), sureness=0.85)
        if found is None or not written:
            return None
        if tokens[0].kind == "number" or (
            len(tokens) > 1 and all(is_grammar(token.folded) for token in tokens)
        ):
            return None
        if len(written) <= 2 or (len(tokens) == 1 and is_grammar(tokens[0].folded)):
            text = tokens[0].text
            exact = {c: [v for v in vs if v == text] for c, vs in found.items()}
            held = _sorted({c: vs for c, vs in exact.items() if vs})
            return Held(held=held, weak=True, sureness=0.4) if held else None
        return Held(held=_sorted(found), sureness=sureness)

    def _other_words(self, token: Token) -> dict[str, list[str]] | None:
        word = token.folded if token.folded in GENDERS else token.stem
        aliases = ALIASES.get(token.folded, ()) if token.text.isupper() else ()
        for other in (*GENDERS.get(word, ()), *aliases):
            found = self._whole.get(other)
            if found is not None:
                few = {c: vs for c, vs in found.items() if len(other) > 1 or self._is_gender(c)}
                if few:
                    return few
        return None

    def _is_gender(self, column: str) -> bool:
        return bool({"sex", "gender"} & {*names_in(column)})

    def _quoted(self, token: Token) -> Held:
        found = self._whole.get(squash([token.folded]), {})
        return Held(held=_sorted(found) or (("", (token.text,)),), quoted=True)

    def _parts(self, tokens: Sequence[Token]) -> Iterator[Placed]:
        for first, token in enumerate(tokens):
            if token.kind != "word" or len(token.folded) < 4 or token.folded in FILLER:
                continue
            found = self._word.get(token.stem)
            if found is None:
                continue
            few = {c: vs for c, vs in found.items() if len(vs) <= _PARTS}
            if few:
                part = Held(held=_sorted(few), part=True, sureness=0.6)
                yield Placed(first, first + 1, part, 0.6)

    def nearly(self, token: Token) -> Held | None:
        """Values that one slip of the pen makes of a word that nothing else explains."""
        word = token.folded
        if token.kind != "word" or len(word) < 5:
            return None
        for size in (len(word), len(word) + 1, len(word) - 1):
            for key in self._by_length.get((word[:1], size), ()):
                if one_slip(word, key):
                    return Held(held=_sorted(self._whole[key]), sureness=0.7)
        return None

    def near(self, word: str) -> list[str]:
        """Some values that begin like a word, to be suggested."""
        begin = fold(word)[:4]
        keys = [key for key in self._whole if len(begin) > 2 and key.startswith(begin)]
        return [next(iter(self._whole[key].values()))[0] for key in keys[:3]]


def _keys(value: str) -> set[str]:
    """How a value may be written in a question: its words as they are, their stems, and short
    forms in full."""
    words = names_in(value)
    full = [other for word in words for other in ABBREVIATIONS.get(word, word).split()]
    return {squash((fold(value),)), "".join(map(singular, words)), "".join(map(singular, full))} - {
        ""
    }


def _ends_so(held: Held, mark: str) -> bool:
    """Whether a mark belongs to a value, as the last of "Inc.", and does not end the clause."""
    return all(value.endswith(mark) for _, values in held.held for value in values)


def _add(index: dict[str, dict[str, list[str]]], key: str, column: str, value: str) -> None:
    values = index.setdefault(key, {}).setdefault(column, [])
    if value not in values:
        values.append(value)


def _sorted(found: dict[str, list[str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The column first in which the fewest values fit."""
    ranked = sorted(found.items(), key=lambda item: len(item[1]))
    return tuple((column, tuple(values)) for column, values in ranked)
