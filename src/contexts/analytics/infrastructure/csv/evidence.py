"""What all cells of one column look like, counted; nothing here grows with the rows."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice

from contexts.analytics.infrastructure.csv.bulk import alike
from contexts.analytics.infrastructure.csv.moments import moment
from contexts.analytics.infrastructure.csv.numbers import (
    NAMES,
    WITH_COMMA,
    WITH_POINT,
    number_shape,
)
from contexts.analytics.infrastructure.csv.shapes import (
    EMPTY,
    FALSE,
    NOTHING,
    TEXT,
    TRUE,
    Shape,
    word,
)

KEPT = 100_000
"""Different values that are remembered of a column; beyond, their number is an estimate."""

FORGIVEN = 1_000
"""So many cells at most may not fit the type of their column. One that has more texts than that is
a column of texts, whatever else comes."""

_MANY = 50
"""New values in one go that are looked at together before each is by itself."""

_LONGEST_MOMENT = 48


def shape_of(cell: str) -> Shape:
    """What one cell looks like, blanks around it left out."""
    text = cell.strip()
    if not text:
        return EMPTY
    is_word = text[0].isalpha()
    if not is_word and (number := number_shape(text)) is not None:
        return number
    said = word(text)
    if said in NOTHING:
        return Shape("empty", "nothing")
    if said in TRUE or said in FALSE:
        return Shape("boolean", said)
    if len(text) <= _LONGEST_MOMENT and not text.isalpha():
        if (found := moment(text)) is not None:
            return found.shape
        if is_word and (number := number_shape(text)) is not None:
            return number
    return TEXT


class Evidence:
    """`rows` counts the cells of each shape; `values` are different cells, and their shapes.

    As long as all shapes of a column go together, it does not matter how many cells have which:
    all but the empty ones and those that were not there before are then counted as one of them.
    """

    def __init__(self) -> None:
        self.rows: Counter[Shape] = Counter()
        self.values: dict[str, Shape] = {}
        self.is_text = False
        """Settled: nothing that comes can make it another type."""
        self._usual: Shape | None = None

    @property
    def complete(self) -> bool:
        """Whether `values` are all there are."""
        return len(self.values) < KEPT

    def take(self, cells: Sequence[str]) -> Collection[str]:
        """The values among these cells, each at least once."""
        if self.is_text:
            self.rows[TEXT] += len(cells)
            if not self.complete:
                return cells
            values = set(cells)
            self._remember(dict.fromkeys(values.difference(self.values), TEXT))
            return values
        values = set(cells)
        new: dict[str, Shape] = {}
        if different := values.difference(self.values):
            # In an order that is always the same, for the examples that are shown.
            new = self._shapes(sorted(different) if self.values else [*dict.fromkeys(cells)])
            self._usual = _usual(dict.fromkeys((*self.rows, *new.values())))
        if self._usual is not None:
            empty = cells.count("") - ("" in new) if "" in values else 0
            self.rows.update(new.values())
            self.rows[EMPTY] += empty
            self.rows[self._usual] += len(cells) - len(new) - empty
        else:
            for cell, count in Counter(cells).items():
                self.rows[new[cell] if cell in new else self.values[cell]] += count
        self._remember(new)
        self.is_text = self._settled()
        return values

    def shapes(self, values: Collection[str]) -> Collection[Shape]:
        """Those of values that were just taken; of a settled column, no more than TEXT."""
        if self.is_text:
            return (TEXT,)
        known = self.values
        return {known[cell] if cell in known else shape_of(cell) for cell in values}

    def _shapes(self, new: list[str]) -> dict[str, Shape]:
        shape = alike(new, self.rows) if len(new) >= _MANY else None
        return dict.fromkeys(new, shape) if shape else {cell: shape_of(cell) for cell in new}

    def _remember(self, new: Mapping[str, Shape]) -> None:
        self.values.update(islice(new.items(), KEPT - len(self.values)))

    def _settled(self) -> bool:
        return self.rows[TEXT] > FORGIVEN or any(
            shape.style in NAMES for shape in self.rows if shape.kind == "number"
        )

    def of(self, *kinds: str) -> list[tuple[Shape, int]]:
        """The shapes of these kinds and how often each is there, the most frequent first."""
        return [(shape, n) for shape, n in self.rows.most_common() if shape.kind in kinds]

    def count(self, *kinds: str) -> int:
        return sum(count for _, count in self.of(*kinds))

    def samples(self, count: int) -> Iterable[str]:
        found = (cell.strip() for cell, shape in self.values.items() if shape.kind != "empty")
        return [cell for cell, _ in zip(dict.fromkeys(found), range(count), strict=False)]


def _usual(shapes: Iterable[Shape]) -> Shape | None:
    """One that may stand for all; None if two of them speak for different readings."""
    filled = [shape for shape in shapes if shape != EMPTY]
    if len({(shape.kind, shape.unit) for shape in filled}) != 1:
        return None
    styles, proofs = {s.style for s in filled}, {s.proof for s in filled if s.proof}
    if filled[0].kind == "number":
        together = not (styles & WITH_COMMA and styles & WITH_POINT)
    else:
        together = len(styles) == 1 and len(proofs) < 2
    return filled[0] if together else None
