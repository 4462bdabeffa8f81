"""What an answer is split by, and which columns are just named."""

from contexts.analytics.domain.query_spec import Dimension, Grain, Measure
from contexts.analytics.infrastructure.offline_planner.counting import is_flag, usual, yes
from contexts.analytics.infrastructure.offline_planner.readings import Named
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence
from contexts.analytics.infrastructure.offline_planner.words import fold, names_in


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
    """`monthly revenue`, `month by month`, `which day`, `when`: a time to split by without "by"."""
    item = sentence.items[at]
    if item.text.lower().endswith("ly") or " by " in item.text or sentence.is_(at - 1, "which"):
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
    if (kind := _kind_of(sentence, at)) is not None:
        sentence.use(at, *([place] if sentence.is_(place, "row") else []))
        _take(sentence, Dimension(column=kind))
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
    if _divides(sentence, at, place, dimension):
        title = sentence.column(dimension.column).title
        sentence.wanted.cannot = f"a figure per {title} divides two sums, which is not done here"
    figure = _figure(sentence, at, dimension)
    sentence.use(*range(at, place + 1))
    if not figure:
        _take(sentence, dimension)
        _and_by_others(sentence, place)


def _kind_of(sentence: Sentence, at: int) -> str | None:
    """The column of kinds of "for each type of ship", where a ship is a row."""
    if not fold(sentence.items[at].text).endswith("type of") or not sentence.is_(at + 1, "row"):
        return None
    columns = sentence.lexicon.relation.columns
    kinds = [c.name for c in columns if {"type", "kind", "category"} & {*names_in(c.name)}]
    return kinds[0] if len(kinds) == 1 else None


def _divides(sentence: Sentence, at: int, place: int, dimension: Dimension) -> bool:
    """`revenue per ticket`, where tickets are added up: it asks for no ranges of them."""
    column, named = sentence.column(dimension.column), sentence.named(place)
    single = named is not None and not named.plural and not sentence.year_like(column.name)
    adds = column.role == "measure" and dimension.grain is None and usual(column) == "sum"
    return single and adds and fold(sentence.items[at].text) == "per"


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
        if _says_nothing(sentence, at, half=half) or _flagged(sentence, at, named):
            continue
        dimension = _column_at(sentence, at)
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
        if named.plural and half and dimension.grain is None:
            sentence.wanted.things.add(dimension.column)
        if dimension not in sentence.wanted.listed:
            sentence.wanted.listed.append(dimension)


def _column_at(sentence: Sentence, at: int) -> Dimension | None:
    if sentence.is_(at, "grain"):
        return dimension_at(sentence, at)
    grouped = sentence.wanted.measures or sentence.wanted.rank
    column = sentence.pick(at, "group" if grouped else "any")
    return Dimension(column=column) if column else None


def _says_nothing(sentence: Sentence, at: int, *, half: bool) -> bool:
    """Whether half a name is a mere filler here, or a verb."""
    if half and _does(sentence, at):
        sentence.use(at)
        return True
    return half and sentence.items[at].sign("filler") is not None


def _does(sentence: Sentence, at: int) -> bool:
    """Whether a verb only resembles a time: "flights leaving from Lisbon" ask for no departure."""
    named, wanted = sentence.named(at), sentence.wanted
    verb = fold(sentence.items[at].text).endswith(("ing", "ed"))
    if named is None or not verb or not wanted.measures or not (wanted.groups or wanted.where):
        return False
    columns = {choice.column for choice in named.choices}
    again = bool(columns & {d.column for d in wanted.groups})
    return again or sentence.column(named.choices[0].column).role == "time"


def _flagged(sentence: Sentence, at: int, named: Named) -> bool:
    """`refunds by month` are the rows that say yes."""
    column = sentence.column(named.choices[0].column)
    wanted = sentence.wanted
    if not is_flag(column) or not named.plural or not wanted.groups or wanted.measures:
        return False
    sentence.use(at)
    wanted.where.append((yes(column),))
    wanted.measures.append(Measure(aggregate="count"))
    return True


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
    wanted = sentence.wanted
    figures = wanted.measures or any(
        d.grain is None and sentence.column(d.column).role == "measure" for d in wanted.listed
    )
    if not figures or whole or sentence.column(dimension.column).role != "identifier":
        return False
    if not wanted.measures:
        return _belongs(sentence, at)  # "revenue of orders", but not "revenue and orders"
    # "Revenue of orders of the web" asks for no order numbers, "which order" does.
    asks = any(sentence.items[at - back].sign("which", "list") for back in (1, 2) if at >= back)
    return bool(wanted.groups) or not (asks or wanted.rank or wanted.having or wanted.chart)


def _belongs(sentence: Sentence, at: int) -> bool:
    """Whether "of" or "without" stands before it, with nothing between but what qualifies it."""
    place = next(i for i, item in enumerate(sentence.all) if item is sentence.items[at])
    aside = [id(item) for item in sentence.aside]
    before = next((i for i in reversed(sentence.all[:place]) if id(i) not in aside), None)
    if before is None:
        return False
    return before.sign("not") is not None or before.text.lower() in ("of", "for", "from")


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
