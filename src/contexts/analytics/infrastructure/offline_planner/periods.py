"""Which time a question speaks of: a stretch of it, or a part that returns, such as Fridays."""

from collections.abc import Sequence
from datetime import date, timedelta

from contexts.analytics.domain.query_spec import Dimension, Filter, Period, Scalar
from contexts.analytics.infrastructure.offline_planner.filters import add, negated
from contexts.analytics.infrastructure.offline_planner.readings import (
    Part,
    Span,
)
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence
from contexts.analytics.infrastructure.offline_planner.side_by_side import beside, spans_from


def period(
    sentence: Sentence, column: str | None, start: str | None, end: str | None, said: str
) -> bool:
    """Take a stretch of time; years are numbers where the table has no dates."""
    chosen = column or sentence.lexicon.time
    if chosen is not None and sentence.column(chosen).type in ("date", "timestamp"):
        known = sentence.wanted.period
        if known is not None and known.column == chosen:
            start, end = start or known.start, end or known.end
            said = f"{known.said}, {said}"
        sentence.wanted.period = Period(column=chosen, start=start, end=end, said=said)
        say_what_there_is(sentence, sentence.wanted.period)
        return True
    years = chosen or next(
        (c.name for c in sentence.lexicon.relation.columns if sentence.year_like(c.name)), None
    )
    if years is None or not sentence.year_like(years):
        return False
    if any(bound and not bound.endswith("-01-01") for bound in (start, end)):
        return False
    first = int(start[:4]) if start else None
    last = int(end[:4]) - 1 if end else None
    if first is not None and first == last:
        condition = Filter(column=years, operator="eq", values=(first,))
    elif first is not None and last is not None:
        condition = Filter(column=years, operator="between", values=(first, last))
    elif first is not None:
        condition = Filter(column=years, operator="ge", values=(first,))
    elif last is not None:
        condition = Filter(column=years, operator="le", values=(last,))
    else:
        return False
    or_else = next((i for i in range(len(sentence)) if sentence.is_(i, "or", "or")), None)
    before = sentence.wanted.where[-1] if sentence.wanted.where else ()
    if or_else is not None and {f.column for f in before} == {years}:
        sentence.use(or_else)  # "before 1980 or after 2000"
        sentence.wanted.where[-1] = (*before, condition)
        return True
    sentence.wanted.where.append((condition,))
    return True


def say_what_there_is(sentence: Sentence, asked: Period) -> None:
    """Where nothing can lie in a stretch of time."""
    known, start, end = sentence.column(asked.column), asked.start, asked.end
    first, last = (known.minimum or "")[:10], (known.maximum or "")[:10]
    if first and last and ((start and start > last) or (end and end <= first)):
        sentence.wanted.assumptions.append(f"the data is from {first} to {last} only")


def part_of_time(sentence: Sentence, at: int) -> bool:
    part = sentence.items[at].as_(Part)
    if part is None:
        return False
    grain, operator, values = part.filters[0]
    clocked = grain == "hour_of_day"
    column = next(
        (c.name for c in sentence.lexicon.relation.columns if clocked and c.type == "time"),
        sentence.lexicon.time,
    )
    if column is None or (clocked and sentence.column(column).type == "date"):
        return False
    deny = negated(sentence, at)
    used = [at]
    several = list(values)
    while sentence.says(at + 1, "and", "or", "versus") and operator == "eq":
        following = sentence.free(at + 2)
        other = following.as_(Part) if following else None
        if other is None or other.filters[0][0] != grain:
            break
        several += other.filters[0][2]
        used += [at + 1, at + 2]
        at += 2
    if len(several) > len(values):
        operator = "in"
        if sentence.compares:
            sentence.wanted.split = Dimension(column=column, grain=grain)
    opposite = {"eq": "ne", "in": "not_in"}
    if deny and operator not in opposite:
        return False
    operator = opposite[operator] if deny else operator
    taken = [f for group in sentence.wanted.where for f in group]
    if any((f.column, f.grain) == (column, grain) for f in taken):
        return False  # Two of them at once would leave nothing.
    sentence.use(*used)
    chosen: tuple[Scalar, ...] = tuple(several)
    add(sentence, at, Filter(column=column, operator=operator, values=chosen, grain=grain))  # type: ignore[arg-type]
    if clocked:
        sentence.wanted.assumptions.append(
            f"'{part.said}' is from {values[0]}:00 to {values[1]}:59"
        )
    return True


def stretch_of_time(sentence: Sentence, at: int) -> bool:
    """`in October`, `hired in 2013`, `October and November`, `Q1 vs Q3`."""
    if sentence.items[at].as_(Span) is None:
        return False
    spans, used = spans_from(sentence, at)
    column = sentence.pick(at - 1, "time") if sentence.named(at - 1) is not None else None
    if column is not None:
        used.insert(0, at - 1)
    if len(spans) == 1 and sentence.is_((used or [at])[0] - 1, "not"):
        return _all_but(sentence, spans[0], column, used)
    known = sentence.wanted.period
    if known is not None and known.start is not None and known.end is not None:
        return False  # Two at once would leave nothing.
    if (latest := _last_seven_days(spans)) is not None:
        if not period(sentence, column, latest.start, latest.end, latest.said):
            return False
        sentence.wanted.comparison = "previous_period"
        spans = [latest]
    elif not (
        _several(sentence, spans, column) if len(spans) > 1 else _one(sentence, spans, column)
    ):
        return False
    sentence.wanted.assumptions += [each.assumed for each in spans if each.assumed]
    sentence.wanted.period_at = sentence.items[at].start
    sentence.use(*used)
    return True


def _all_but(sentence: Sentence, span: Span, column: str | None, used: list[int]) -> bool:
    """`excluding July`: what was before it, or after."""
    chosen = column or sentence.lexicon.time
    if chosen is None or sentence.column(chosen).type not in ("date", "timestamp"):
        return False
    around: list[Filter] = []
    if span.start is not None:
        around.append(Filter(column=chosen, operator="lt", values=(span.start,)))
    if span.end is not None:
        around.append(Filter(column=chosen, operator="ge", values=(span.end,)))
    sentence.wanted.where.append(tuple(around))
    sentence.wanted.assumptions += [span.assumed] if span.assumed else []
    sentence.use(used[0] - 1, *used)
    return True


def _last_seven_days(spans: Sequence[Span]) -> Span | None:
    """`this week vs last week` of data that has ended: "last week" are its last seven days then,
    and lie in both. They are put beside the seven days before."""
    if len(spans) != 2 or {span.said.lower() for span in spans} != {"this week", "last week"}:
        return None
    this, last = sorted(spans, key=lambda span: span.said.lower() == "last week")
    if (last.end or "") <= (this.start or ""):
        return None
    assumed = (
        f"'this week' is taken as the last seven days of the data, {last.start} to "
        f"{_day_before(last.end)}, and 'last week' as the seven days before"
    )
    return Span(start=last.start, end=last.end, said="this week", assumed=assumed)


def _day_before(end: str | None) -> str:
    return (date.fromisoformat((end or "")[:10]) - timedelta(days=1)).isoformat()


def _one(sentence: Sentence, spans: Sequence[Span], column: str | None) -> bool:
    span = spans[0]
    return period(sentence, column, span.start, span.end, span.said)


def _several(sentence: Sentence, spans: Sequence[Span], column: str | None) -> bool:
    """Each has a row of its own; what lies between them is not asked for."""
    chosen = column or sentence.lexicon.time or ""
    together = beside(spans, chosen)
    if together is None:
        said = " and ".join(f"'{span.said}'" for span in spans)
        sentence.wanted.cannot = (
            f"{said} overlap or are of different lengths, so that they can't be put side by side: "
            "ask for each"
        )
        return False
    if together.period is not None:
        start, end, said = together.period.start, together.period.end, together.period.said
        if not period(sentence, column, start, end, said):
            return False
    elif chosen and sentence.column(chosen).type in ("date", "timestamp"):
        sentence.wanted.where.append(together.days)
    else:
        return False
    sentence.wanted.apart = together.step
    return True
