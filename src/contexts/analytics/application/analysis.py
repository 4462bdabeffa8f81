"""Tells what the rows of a result say, in one to four sentences made from them alone.

Every number is a cell or follows from the cells as `figures` says; `grounding` holds to that.
"""

from contexts.analytics.application import wording
from contexts.analytics.application.figures import Extreme, Numbers, change, gaps, numbers
from contexts.analytics.domain.answer import Cell, Output, Result
from contexts.analytics.domain.query_spec import QuerySpec
from contexts.analytics.domain.relation import Relation

_MANY = 6
"""From so many groups on, it is told how much the first three of them make up."""

_FLOWS = ("year", "quarter", "month", "week", "day", "hour")

_TIED = 3
"""So many are named that share a place; more are counted."""


def analyse(spec: QuerySpec, relation: Relation, result: Result) -> str:
    """One to four sentences in plain text. Numbers carry their units and at most two decimals."""
    told = [wording.sentence(each) for each in _sentences(spec, relation, result) if each]
    return " ".join(told[:4])


def _sentences(spec: QuerySpec, relation: Relation, result: Result) -> list[str]:
    if not result.rows:
        return ["Nothing matches: there are no such rows"]
    measures = [at for at, each in enumerate(result.columns) if each.kind == "measure"]
    groups = [at for at, each in enumerate(result.columns) if each.kind == "dimension"]
    if not measures:
        return [_list(relation, result)]
    if not groups:
        return _single(result, measures)
    values = numbers(result, measures[0])
    if values is None:
        many = len(result.rows)
        return [f"there {'is' if many == 1 else 'are'} {many} {wording.plural('group', many)}"]
    telling = _Telling(spec, result, groups, values)
    if len(result.rows) == 1:
        return [telling.only(), *_others(result, measures[1:])]
    if (
        len(groups) == 1
        and result.columns[groups[0]].grain in _FLOWS
        and _in_time(result, groups[0])
    ):
        changes = telling.changes(measures)
        return [telling.trend(), telling.extremes(), changes or telling.whole(), telling.missing()]
    return [telling.leader(), telling.tail(), telling.whole(), telling.changes(measures)]


def _list(relation: Relation, result: Result) -> str:
    many = len(result.rows)
    noun = wording.plural(relation.row_noun or "row", many)
    if result.truncated:
        return f"these are the first {wording.number(many)} {noun}; there are more"
    return f"there {'is' if many == 1 else 'are'} {wording.number(many)} {noun}"


def _single(result: Result, measures: list[int]) -> list[str]:
    """Numbers that nothing groups: each with its words, and what became of it since before."""
    told = []
    row = result.rows[0]
    for at in measures:
        output = result.columns[at]
        if output.shown_as == "value" or at == measures[0]:
            told.append(f"{wording.title(output.title)}: {_cell(row[at], output)}")
        else:
            told[-1] += f"; {wording.inside(output.title)}: {_cell(row[at], output)}"
    return told


def _others(result: Result, measures: list[int]) -> list[str]:
    row = result.rows[0]
    return [
        f"{wording.title(result.columns[at].title)}: {_cell(row[at], result.columns[at])}"
        for at in measures
    ]


def _cell(value: Cell, output: Output) -> str:
    return "no value" if value is None else wording.cell(value, output)


def _in_time(result: Result, at: int) -> bool:
    """Whether the rows go on from earlier to later."""
    times = [str(row[at]) for row in result.rows if row[at] is not None]
    return times == sorted(times) and len(times) == len(result.rows)


class _Telling:
    """Sentences about one number of each group."""

    def __init__(self, spec: QuerySpec, result: Result, groups: list[int], values: Numbers) -> None:
        self._result = result
        self._groups = groups
        self._values = values
        self._title = wording.inside(values.output.title)
        cut = spec.limit is not None and len(result.rows) >= spec.limit
        self._is_part = result.truncated or bool(spec.having) or cut or spec.limit_per is not None
        time = spec.dimensions[groups[0]].column if groups[0] < len(spec.dimensions) else None
        self._is_chosen = any(each.column == time for group in spec.where for each in group)
        self._is_highest = _leads(spec, descending=True, at=values.output, result=result)
        self._is_lowest = _leads(spec, descending=False, at=values.output, result=result)

    def only(self) -> str:
        """The one group that there is, or that was asked for."""
        extreme = self._values.highest
        if self._is_part and self._is_highest:
            return self._having(extreme, "highest")
        if self._is_part and self._is_lowest:
            return self._having(extreme, "lowest")
        return f"{self._title} of {self._names(extreme)}: {self._amount(extreme.value)}"

    def leader(self) -> str:
        high, low = self._values.highest, self._values.lowest
        if high.value == low.value:
            return f"{self._title} is {self._amount(high.value)} throughout"
        if self._is_part and self._is_lowest:
            return self._having(low, "lowest")
        told = self._having(high, "highest")
        if self._is_part and not self._is_highest:
            return f"of the {len(self._result.rows)} shown, {told}"
        if self._values.has_parts and high.count == 1 and not self._is_part:
            told += f", {wording.percent(self._values.share(high.value))} of the total"
        return told

    def tail(self) -> str:
        high, low = self._values.highest, self._values.lowest
        if self._is_part or high.value == low.value:
            return ""
        return self._having(low, "lowest")

    def whole(self) -> str:
        """What the groups come to together, and how much of that the first three make up."""
        values = self._values
        if not values.adds_up or len(values.values) < 2:
            return ""
        total = self._amount(values.total)
        count = len(values.values)
        if self._is_part:
            return f"the {count} shown come to {total} together"
        told = f"all {count} come to {total} together"
        told += f", {self._amount(values.average)} on average"
        if count >= _MANY and values.has_parts and not self._flows:
            told += f"; the top 3 make up {wording.percent(values.share(values.leading(3)))}"
        return told

    def trend(self) -> str:
        first, last = self._values.values[0], self._values.values[-1]
        start, end = self._at(self._values.rows[0]), self._at(self._values.rows[-1])
        if self._grows:
            return f"{self._title} comes to {self._amount(last)} {end}"
        if first == last:
            return f"{self._title} is {self._amount(first)} {start} as well as {end}"
        went = f"from {self._amount(first)} {start} to {self._amount(last)} {end}"
        way = "up" if last > first else "down"
        return f"{self._title} goes {went}, {way} {self._step(first, last)}"

    def _step(self, first: float, last: float) -> str:
        """By how much: in percent where that means something, else as an amount."""
        if self._values.output.in_percent:
            return f"{wording.number(round(abs(last - first) * 100, 1))} percentage points"
        relative = change(first, last)
        if relative is None:
            return self._amount(abs(last - first))
        return wording.percent(abs(relative))

    def extremes(self) -> str:
        high, low = self._values.highest, self._values.lowest
        if high.value == low.value or len(self._values.values) < 3 or self._grows:
            return ""
        peak = f"it is highest {self._when(high)} with {self._amount(high.value)}"
        return f"{peak} and lowest {self._when(low)} with {self._amount(low.value)}"

    def missing(self) -> str:
        found = None if self._is_part or self._is_chosen else gaps(self._result, self._groups[0])
        if found is None or not found[1]:
            return ""
        grain = self._result.columns[self._groups[0]].grain or "step"
        span, count = found
        verb = "has" if count == 1 else "have"
        return f"{count} of the {span} {wording.plural(grain, span)} {verb} no rows"

    def changes(self, measures: list[int]) -> str:
        """Which group rose and which fell the most, where a comparison says so."""
        found = next((at for at in measures if self._result.columns[at].shown_as == "change"), None)
        values = None if found is None else numbers(self._result, found)
        if values is None:
            return ""
        told = []
        for word, extreme in (("rose", values.highest), ("fell", values.lowest)):
            if extreme.value > 0 if word == "rose" else extreme.value < 0:
                by = wording.amount(abs(extreme.value), values.output)
                told.append(f"{word} the most: {self._names(extreme)}, by {by}")
        return "; ".join(told)

    @property
    def _grows(self) -> bool:
        return self._values.output.shown_as == "running_total"

    @property
    def _flows(self) -> bool:
        return self._result.columns[self._groups[0]].grain in _FLOWS

    def _having(self, extreme: Extreme, which: str) -> str:
        """Names come after a colon, where they keep their first letter as it is."""
        title = self._title if self._title.startswith(f"{which} ") else f"{which} {self._title}"
        return f"{title}: {self._names(extreme)} with {self._amount(extreme.value)}"

    def _names(self, extreme: Extreme) -> str:
        if extreme.count > _TIED:
            return f"{extreme.count} of them"
        return wording.listed([self._name(row) for row in extreme.rows])

    def _name(self, row: int) -> str:
        cells = self._result.rows[row]
        columns = self._result.columns
        return " / ".join(_group(cells[at], columns[at]) for at in self._groups)

    def _when(self, extreme: Extreme) -> str:
        return (
            f"{extreme.count} times"
            if extreme.count > _TIED
            else wording.listed([self._at(row) for row in extreme.rows])
        )

    def _at(self, row: int) -> str:
        """ "in March 2024", "on 4 March 2024", "at 16:00"."""
        grain = self._result.columns[self._groups[0]].grain
        return f"{'on' if grain == 'day' else 'at' if grain == 'hour' else 'in'} {self._name(row)}"

    def _amount(self, value: float) -> str:
        return wording.amount(value, self._values.output)


def _group(value: Cell, output: Output) -> str:
    """A group by its name; a bare number says what it is a number of: "waiter 12"."""
    told = wording.cell(value, output)
    is_bare = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{wording.inside(output.title)} {told}" if is_bare and not output.grain else told


def _leads(spec: QuerySpec, *, descending: bool, at: Output, result: Result) -> bool:
    """Whether the first rows are those with the most, or the least, of that column."""
    if not spec.order or spec.limit_per is not None:
        return False
    first = spec.order[0]
    place = next(number for number, each in enumerate(result.columns) if each is at)
    return first.output == place and first.descending == descending and first.measure is None
