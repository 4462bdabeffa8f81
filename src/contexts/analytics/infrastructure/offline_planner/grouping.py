"""What an answer is split by, and which columns are just named."""

from contexts.analytics.domain.query_spec import Dimension, Grain, Measure
from contexts.analytics.infrastructure.offline_planner.counting import usual
from contexts.analytics.infrastructure.offline_planner.readings import Named
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence
from contexts.analytics.infrastructure.offline_planner.words import fold

_TRUNCATING = ("year", "quarter", "month", "week", "day", "hour")


def read_groups(sentence: Sentence) -> None:
    """`by product and month`, `for each waiter`, `monthly`, `which day`."""
    for at in range(len(sentence)):
        if sentence.free(at) is None:
            continue
        if sentence.is_(at, "group") or sentence.is_(at, "each") or sentence.is_(at, "versus"):
            _grouped(sentence, at)
        elif sentence.is_(at, "when") and _when(sentence, at):
            sentence.use(at)
        elif sentence.is_(at, "grain") and _asked(sentence, at):
            dimension = dimension_at(sentence, at)
            if dimension is not None:
                sentence.use(at)
                _take(sentence, dimension)


def _when(sentence: Sentence, at: int) -> bool:
    """`when did we sell the most` asks for a day."""
    time = _time_of(sentence)
    if sentence.wanted.rank is None or sentence.wanted.rank.measure is None or time is None:
        return False
    _take(sentence, Dimension(column=time, grain="day"))
    return True


def _asked(sentence: Sentence, at: int) -> bool:
    """`monthly revenue`, `which day`, `when`: a time to split by without "by"."""
    item = sentence.items[at]
    if item.text.lower().endswith("ly") or sentence.is_(at - 1, "which"):
        return True
    return item.as_(Named) is None and sentence.wanted.rank is not None


def _grouped(sentence: Sentence, at: int) -> None:
    place = at + 1
    while sentence.says(place, "distinct", "group", "each"):
        place += 1
    if fold(sentence.items[at].text) == "over time":
        sentence.use(at)
        _over_time(sentence)
        return
    named = sentence.named(place) is not None
    dimension = dimension_at(sentence, place)
    if sentence.is_(place, "row") and (
        not named or (dimension is not None and sentence.lexicon.unique(dimension.column))
    ):
        # "Of each city", in a table of cities: every row is one.
        sentence.use(*range(at, place + 1))
        sentence.wanted.whole_rows = sentence.wanted.each_row = True
        return
    if dimension is None or sentence.is_(at, "versus"):
        return
    figure = _figure(sentence, at, dimension)
    sentence.use(*range(at, place + 1))
    if not figure:
        _take(sentence, dimension)
        _and_by_others(sentence, place)


def _and_by_others(sentence: Sentence, place: int) -> None:
    """`by kind and month`, but not `by kind and the average price`."""
    while sentence.is_(place + 1, "and"):
        if sentence.says(place + 2, "aggregate"):
            return
        more = dimension_at(sentence, place + 2)
        if more is None or sentence.column(more.column).role == "measure":
            return
        sentence.use(place + 1, place + 2)
        _take(sentence, more)
        place += 2


def _figure(sentence: Sentence, at: int, dimension: Dimension) -> bool:
    """`items by revenue`: what adds up is looked at by the item, not the other way round."""
    column = sentence.column(dimension.column)
    if column.role != "measure" or usual(column) != "sum" or fold(sentence.items[at].text) != "by":
        return False
    before = [item for item in sentence.items[:at] if not item.used]
    if not any(item.as_(Named) is not None for item in before):
        return False
    if any(item.sign("aggregate", "share", "percent") is not None for item in before):
        return False
    sentence.wanted.measures.append(Measure(aggregate="sum", column=column.name))
    return True


def _over_time(sentence: Sentence) -> bool:
    """By month; by day where the data covers less than three months; by year beyond ten years."""
    time = _time_of(sentence)
    if time is None:
        return False
    column = sentence.column(time)
    first, last = (column.minimum or "")[:7], (column.maximum or "")[:7]
    grain: Grain = "month"
    if len(first) == 7 and len(last) == 7:
        months = (int(last[:4]) - int(first[:4])) * 12 + int(last[5:]) - int(first[5:])
        grain = "day" if months < 3 else "year" if months > 120 else "month"
    sentence.wanted.assumptions.append(f"'over time' is taken as by {grain}")
    _take(sentence, Dimension(column=time, grain=grain))
    return True


def dimension_at(sentence: Sentence, at: int) -> Dimension | None:
    """What a column or a word for a time splits by. A column that is called so is meant first."""
    item = sentence.free(at)
    if item is None:
        return None
    named = item.as_(Named)
    sign = item.sign("grain")
    if sign is None:
        column = sentence.pick(at, "group") if named is not None else None
        return None if column is None else Dimension(column=column)
    column = sentence.pick(at, "group") if named is not None else None
    if column is not None and named is not None:
        dated = fold(item.text).startswith("date")
        kind = sentence.column(column).type
        if kind == "time" and (dated or named.choices[0].whole):
            return Dimension(column=column, grain="hour_of_day")
        if dated or (named.choices[0].whole and kind not in ("date", "timestamp")):
            return Dimension(column=column)
    grain: Grain = sign.value  # type: ignore[assignment]
    told = _grained(sentence, grain)
    return told or (None if column is None else Dimension(column=column))


def _grained(sentence: Sentence, grain: Grain) -> Dimension | None:
    """A grain of the time that is meant; hours of a clock, and years that are numbers, too."""
    columns = sentence.lexicon.relation.columns
    time = _time_of(sentence)
    if grain == "hour_of_day":
        clock = next((c.name for c in columns if c.type == "time"), time)
        if clock is None or sentence.column(clock).type == "date":
            return None
        return Dimension(column=clock, grain=grain)
    if time is not None:
        return Dimension(column=time, grain=grain)
    years = [c.name for c in columns if sentence.year_like(c.name)]
    return Dimension(column=years[0]) if grain == "year" and years else None


def _time_of(sentence: Sentence) -> str | None:
    """The time that the question names, else the one that is meant where none is named."""
    for at, item in enumerate(sentence.items):
        named = item.as_(Named)
        for choice in named.choices if named is not None else ():
            column = sentence.column(choice.column)
            if column.type in ("date", "timestamp") and item.sign("grain") is None:
                sentence.use(at)
                return column.name
    return sentence.lexicon.time


def _take(sentence: Sentence, dimension: Dimension) -> None:
    if dimension not in sentence.wanted.groups:
        sentence.wanted.groups.append(dimension)


def read_columns(sentence: Sentence) -> None:
    """Columns that no other clause has taken, in the order in which they are named."""
    for at in range(len(sentence)):
        bare = sentence.named(at) is None
        if bare and sentence.is_(at, "grain") and (days := dimension_at(sentence, at)) is not None:
            sentence.use(at)
            sentence.wanted.listed.append(days)
            sentence.wanted.distinct = True
            continue
        named = sentence.named(at)
        if named is None:
            continue
        half = not named.choices[0].whole
        if half and sentence.items[at].sign("filler") is not None:
            continue
        want = "group" if sentence.wanted.measures or sentence.wanted.rank else "any"
        if sentence.is_(at, "grain"):
            dimension = dimension_at(sentence, at)
        else:
            column = sentence.pick(at, "group" if want == "group" else "any")
            dimension = Dimension(column=column) if column else None
        sentence.use(at)
        row = sentence.items[at].is_("row") or sentence.items[at].is_("person")
        others = half or bool(sentence.wanted.measures)
        if dimension is None or (row and others and (half or _told_otherwise(sentence, at))):
            sentence.wanted.whole_rows = True
            continue
        if _entity(sentence, at, dimension) or _echo(sentence, at, dimension):
            continue
        if sentence.is_(at - 1, "distinct"):
            sentence.use(at - 1)
            sentence.wanted.distinct = True
        if dimension not in sentence.wanted.listed:
            sentence.wanted.listed.append(dimension)


def _told_otherwise(sentence: Sentence, at: int) -> bool:
    """Whether a word such as "shops" only says what the rows are, beside columns that are asked."""
    wanted = sentence.wanted
    others = any(sentence.named(i) is not None for i in range(len(sentence)) if i != at)
    return bool(wanted.measures or wanted.groups or wanted.listed or others)


def _entity(sentence: Sentence, at: int, dimension: Dimension) -> bool:
    """Whether half the name of an identifier only says what is measured, beside what it is split
    by: "the average price of rooms in each building" asks for no room numbers."""
    named = sentence.items[at].as_(Named)
    whole = named is not None and named.choices[0].whole
    asked = bool(sentence.wanted.measures and sentence.wanted.groups)
    return asked and not whole and sentence.column(dimension.column).role == "identifier"


def _echo(sentence: Sentence, at: int, dimension: Dimension) -> bool:
    """Whether half a name only goes on about a column that an order or a condition has taken: "by
    the years in which they were founded"."""
    named = sentence.items[at].as_(Named)
    if named is None or named.choices[0].whole:
        return False
    before = at - 2 if sentence.is_(at - 1, "where") else at - 1
    if before < 0 or not sentence.items[before].used:
        return False
    taken = {wish.column for wish in sentence.wanted.orders}
    taken |= {condition.column for group in sentence.wanted.where for condition in group}
    return dimension.column in taken
