"""Which time a question speaks of: a stretch of it, or a part that returns, such as Fridays."""

from contexts.analytics.domain.query_spec import Dimension, Filter, Period, Scalar
from contexts.analytics.infrastructure.offline_planner.filters import add, negated
from contexts.analytics.infrastructure.offline_planner.readings import (
    Part,
    Span,
)
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence


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
        _beyond(sentence, chosen, start, end)
        sentence.wanted.period = Period(column=chosen, start=start, end=end, said=said)
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


def _beyond(sentence: Sentence, column: str, start: str | None, end: str | None) -> None:
    """Say so where nothing can lie in a stretch of time."""
    known = sentence.column(column)
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
    """`in October`, `hired in 2013`, `October and November`."""
    span = sentence.items[at].as_(Span)
    if span is None:
        return False
    spans, used = [span], [at]
    if sentence.says(at + 1, "and", "or", "versus") and sentence.free(at + 2) is not None:
        other = sentence.items[at + 2].as_(Span)
        if other is not None:
            if other.start != span.end and span.start != other.end:
                return False  # What lies between them is not asked for.
            spans, used = sorted((span, other), key=_begin), [at, at + 1, at + 2]
            sentence.wanted.apart = "year" if _years(span) else "month" if _months(span) else "day"
    column = sentence.pick(at - 1, "time") if sentence.named(at - 1) is not None else None
    if column is not None:
        used.insert(0, at - 1)
    known = sentence.wanted.period
    if known is not None and known.start is not None and known.end is not None:
        return False  # Two at once would leave nothing.
    said = " and ".join(each.said for each in spans)
    if not period(sentence, column, spans[0].start, spans[-1].end, said):
        return False
    sentence.wanted.assumptions += [each.assumed for each in spans if each.assumed]
    sentence.use(*used)
    return True


def _begin(span: Span) -> str:
    return span.start or ""


def _years(span: Span) -> bool:
    return (span.start or "").endswith("-01-01") and (span.end or "").endswith("-01-01")


def _months(span: Span) -> bool:
    return (span.start or "").endswith("-01") and (span.end or "").endswith("-01")
