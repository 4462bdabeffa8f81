"""Whether the day or the month comes first, and what type a column of dates and times has."""

from collections.abc import Iterable, Sequence

import msgspec

from contexts.analytics.application.ports import LoadOptions
from contexts.analytics.infrastructure.csv.evidence import Evidence
from contexts.analytics.infrastructure.csv.moments import strptime_format
from contexts.analytics.infrastructure.csv.reading import Reading
from contexts.analytics.infrastructure.csv.shapes import Shape


class DateOrder(msgspec.Struct, frozen=True):
    """What holds for columns whose own cells leave it open.

    First what was asked for, then what the other columns of the file show.
    """

    month_first: bool | None
    why: str = ""

    @classmethod
    def of(cls, evidence: Sequence[Evidence], options: LoadOptions) -> "DateOrder":
        if options.dates is not None:
            return cls(options.dates == "month_first", "as it was asked for")
        shown = {proof for each in evidence if (proof := _proof(_ordered(each))) is not None}
        if len(shown) == 1:
            return cls(shown.pop(), "as in another column of the file")
        return cls(None)


def moment_reading(evidence: Evidence, order: DateOrder) -> tuple[Reading | None, int]:
    """The reading as dates or times, if there is one, and how many cells fit it."""
    times, days = evidence.of("time"), evidence.of("date", "timestamp")
    if not days:
        if not times:
            return None, 0
        style = times[0][0].style
        why = f"times of day such as {_example(evidence, times[0][0])}"
        return (
            Reading(type="time", format=strptime_format(style, False), why=why),
            sum(count for _, count in times),
        )
    if all(shape.style == "Y-m~" for shape, _ in days):
        return None, 0
    ordered = _ordered(evidence)
    month_first, how, warning = _month_first(evidence, ordered, order)
    opposite = "day_first" if month_first else "month_first"
    fitting = sum(count for shape, count in days if shape.proof != opposite)
    hours = [shape for shape, _ in days if shape.kind == "timestamp"]
    zones = any(shape.unit == "zone" for shape in hours)
    only_days = all(shape.unit == "midnight" for shape in hours)
    top = days[0][0]
    why = f"{'dates' if only_days else 'dates with times'} such as {_example(evidence, top)}"
    if hours and only_days:
        why += ", always at midnight"
    if how:
        why += f", {'the month' if month_first else 'the day'} first, {how}"
    if zones:
        why += "; the zones they state are gone, the times are UTC"
    reading = Reading(
        type="date" if only_days else "timestamp",
        month_first=month_first,
        format=strptime_format(top.style, month_first),
        why=why,
        warning=warning,
    )
    return reading, fitting


def _ordered(evidence: Evidence) -> list[tuple[Shape, int]]:
    """The shapes of dates that may be read either way."""
    return [(s, n) for s, n in evidence.of("date", "timestamp") if "1" in s.style]


def _proof(shapes: Iterable[tuple[Shape, int]]) -> bool | None:
    """Whether most of the dates that show it have the month first; None if none shows it."""
    months = sum(n for shape, n in shapes if shape.proof == "month_first")
    days = sum(n for shape, n in shapes if shape.proof == "day_first")
    return None if months == days else months > days


def _month_first(
    evidence: Evidence, ordered: Sequence[tuple[Shape, int]], order: DateOrder
) -> tuple[bool, str, str | None]:
    """Whether it comes first; how we know; and a warning, where we do not."""
    if not ordered:
        return False, "", None
    shown = _proof(ordered)
    if shown is not None:
        return shown, "as some of them show", None
    if order.month_first is not None:
        return order.month_first, order.why, None
    month_first = _varies_less(evidence)
    if month_first is None:
        month_first = "." not in ordered[0][0].style
    other = "day_first" if month_first else "month_first"
    example = _example(evidence, ordered[0][0])
    return (
        month_first,
        "as is likely",
        (
            f"nothing shows whether {example} begins with the day or the month: it was taken as "
            f"the {'month' if month_first else 'day'}; if that is wrong, load it with dates={other}"
        ),
    )


def _varies_less(evidence: Evidence) -> bool | None:
    """Days come and go faster than months: the part with far fewer values is the month."""
    first, second = set(), set()
    for cell, shape in evidence.values.items():
        if "1" in shape.style and shape.kind in ("date", "timestamp"):
            one, two = (
                cell.strip()
                .split()[-1 if shape.style[0] == "A" else 0]
                .split(shape.style[shape.style.index("1") + 1])[:2]
            )
            first.add(one)
            second.add(two)
    if len(first) * 3 <= len(second):
        return True
    return False if len(second) * 3 <= len(first) else None


def _example(evidence: Evidence, shape: Shape) -> str:
    return next((cell.strip() for cell, each in evidence.values.items() if each == shape), "")
