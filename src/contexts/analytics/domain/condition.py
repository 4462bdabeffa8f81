"""What a report watches for: a comparison of one number with what a question came to.

    total < 1000          some row's total is below 1000 (`any total < 1000` says the same)
    all total >= 50       every row's total is at least 50
    "Share (%)" > 0.2     a name in quotes, where it has signs in it
    rows = 0              there is no row; `rows` is how many there are

A column goes by the name or the title that the answer gives it, however it is cased and spaced.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Literal, Self, TypeAlias

import msgspec

from contexts.analytics.domain.answer import Cell, Output, Result
from shared.domain.errors import Invalid

Comparison = Literal["<", "<=", "=", "!=", ">=", ">"]

Number: TypeAlias = int | float

MAX_CONDITION = 200
"""Characters."""

_EXACT = 2**53
"""Below it a whole number is written as one."""

_FORM = re.compile(
    r"(?:(?P<which>any|all)\s+)?"
    r"(?:\"(?P<quoted>[^\"\x00-\x1f]*[^\"\s][^\"\x00-\x1f]*)\""
    r"|(?P<name>[^\"<>=!\s\x00-\x1f]+(?:\s+[^\"<>=!\s\x00-\x1f]+)*))\s*"
    r"(?P<comparison><=|>=|!=|<|>|=)\s*"
    r"(?P<number>[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?)",
    re.IGNORECASE,
)
_COMPARE: Mapping[Comparison, Callable[[Number, Number], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}
_ALLOWED = (
    "it is a column of the answer or `rows`, one of < <= = != >= >, and a number, such as "
    "'total < 1000', 'all total >= 50', '\"Share (%)\" > 0.2' or 'rows = 0'"
)


class Judged(msgspec.Struct, frozen=True):
    """Whether a condition is met, and the value that settled it. `met` is None where that can't be
    said; `note` tells why."""

    met: bool | None = None
    value: Number | None = None
    note: str | None = None


class Condition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Without a `column`, of the number of rows. Any row is enough, or `which` says all."""

    column: str | None
    comparison: Comparison
    number: Number
    which: Literal["any", "all"] = "any"

    @classmethod
    def read(cls, text: str) -> Self:
        """Raise Invalid with what a condition looks like."""
        found = _FORM.fullmatch(text.strip()) if len(text) <= MAX_CONDITION else None
        if found is None:
            raise Invalid(f"condition: {text[:80]!r} is none; {_ALLOWED}")
        name, which = found["name"], (found["which"] or "any").lower()
        number = float(found["number"])
        if not math.isfinite(number):
            raise Invalid(f"condition: {found['number']} is too large a number")
        about_rows = name is not None and name.lower() == "rows"
        if about_rows and found["which"]:
            raise Invalid(f"condition: `rows` is one number; leave out '{which}'")
        return msgspec.convert(
            {
                "column": None if about_rows else " ".join((name or found["quoted"]).split()),
                "comparison": found["comparison"],
                "number": int(number) if abs(number) < _EXACT and number % 1 == 0 else number,
                "which": which,
            },
            cls,
        )

    def __str__(self) -> str:
        if self.column is None:
            subject = "rows"
        else:
            plain = re.fullmatch(r"\w+", self.column) and self.column.lower() != "rows"
            subject = self.column if plain else f'"{self.column}"'
        which = "all " if self.which == "all" else ""
        return f"{which}{subject} {self.comparison} {self.number}"

    def judge(self, result: Result) -> Judged:
        if self.column is None:
            return self._judge_rows(result)
        found = _columns(self.column, result)
        if len(found) != 1:
            return Judged(note=_not_one(self.column, found, result))
        ((index, output),) = found
        if output.type not in ("integer", "decimal"):
            return Judged(note=f"{output.title!r} is no number but {output.type}: nothing compared")
        if not result.rows:
            return Judged(note="there are no rows to compare; `rows = 0` asks for that")
        numbers = [n for row in result.rows if (n := _number(row[index])) is not None]
        return self._judge_numbers(numbers, truncated=result.truncated)

    def _judge_numbers(self, numbers: list[Number], *, truncated: bool) -> Judged:
        if not numbers:
            return Judged(note="no row has a number there: nothing compared")
        settles = self.which == "any"
        for number in numbers:
            if self._holds(number) is settles:
                return Judged(settles, number)
        if truncated:
            return Judged(note="there are more rows than are kept, and none of these settles it")
        return Judged(not settles, numbers[0])

    def _judge_rows(self, result: Result) -> Judged:
        kept = len(result.rows)
        if not result.truncated:
            return Judged(self._holds(kept), kept)
        if self.number > kept:
            return Judged(note=f"there are more rows than the {kept} that are kept")
        return Judged(self._holds(kept + 1), kept)

    def _holds(self, value: Number) -> bool:
        return _COMPARE[self.comparison](value, self.number)


def _columns(name: str, result: Result) -> list[tuple[int, Output]]:
    """Those of that name; else those of that title."""
    wanted = name.casefold()
    outputs = list(enumerate(result.columns))
    return [each for each in outputs if each[1].name.casefold() == wanted] or [
        each for each in outputs if " ".join(each[1].title.split()).casefold() == wanted
    ]


def _not_one(name: str, found: list[tuple[int, Output]], result: Result) -> str:
    if found:
        names = ", ".join(output.name for _, output in found)
        return f"several columns are titled {name!r}; name one of {names}"
    names = ", ".join(output.name for output in result.columns)
    return f"the answer has no column {name!r}, only {names}"


def _number(cell: Cell) -> Number | None:
    return cell if isinstance(cell, int | float) and not isinstance(cell, bool) else None
