"""Who comes first: `top 5`, `the most revenue`, `the oldest`, `most common`."""

from contexts.analytics.domain.query_spec import Measure
from contexts.analytics.infrastructure.offline_planner.counting import counted, quantity
from contexts.analytics.infrastructure.offline_planner.measures import measure_at
from contexts.analytics.infrastructure.offline_planner.readings import Item, Named, Numeral
from contexts.analytics.infrastructure.offline_planner.sentence import Rank, Sentence

_TOP = 10
"""How many "the top products" are."""


def read_rank(sentence: Sentence) -> None:
    for at in range(len(sentence)):
        item = sentence.free(at)
        if item is None or sentence.wanted.rank is not None:
            continue
        _ = (
            _top(sentence, at, item)
            or _often(sentence, at, item)
            or _adjective(sentence, at, item)
            or _extreme(sentence, at, item)
        )


def _count(sentence: Sentence, at: int) -> tuple[int | None, list[int]]:
    """A number beside a superlative: "top 5", "the 3 cheapest"."""
    for beside in (at + 1, at - 1):
        item = sentence.free(beside)
        numeral = item.as_(Numeral) if item else None
        if numeral and numeral.clock is None and 1 <= numeral.number <= 1000:
            return int(numeral.number), [beside]
    for before in range(at - 1):
        # "Which 3 waiters generated the least": the number stands before what is ranked.
        numeral = item.as_(Numeral) if (item := sentence.free(before)) is not None else None
        if numeral and numeral.clock is None and sentence.named(before + 1) is not None:
            return int(numeral.number), [before]
    return None, []


def _announced(sentence: Sentence, at: int, numbers: list[int]) -> list[int]:
    """The "top" of "top 5 best paid", which says nothing more."""
    before = min([at, *numbers]) - 1
    return [before] if sentence.is_(before, "top") else []


def _top(sentence: Sentence, at: int, item: Item) -> bool:
    """`top 5 products by revenue`, `the 10 best customers`, `first 20 rows`."""
    sign = item.sign("top")
    if sign is None or (item.as_(Named) is not None):
        return False
    count, used = _count(sentence, at)
    bare = item.text.lower() in ("top", "bottom")
    if count is None and not (bare and sentence.named(at + 1) is not None):
        return False
    after = max([at, *used]) + 1
    if sentence.is_(after, "row"):
        sentence.use(after)
    if (adjective := sentence.find("adjective", "often")) is not None and adjective == after:
        return False
    sentence.use(at, *used)
    named = sentence.named(after)
    if count is None and named is not None and not named.plural:
        count = 1
    if count is None:
        sentence.wanted.assumptions.append(f"'{item.text}' is taken as the first {_TOP}")
    rank = Rank(count or _TOP, sign.value == "desc")
    sentence.wanted.rank = rank
    if sentence.is_(after, "sell"):
        sentence.use(after)
        rank.measure = quantity(sentence)
    _by(sentence, rank)
    if rank.measure is None and rank.column is None:
        _of(sentence, after, rank, word=item.text.lower())
    return True


def _by(sentence: Sentence, rank: Rank) -> None:
    """What it is ranked by, where a `by` says so: "top 5 products by revenue"."""
    for at in range(len(sentence)):
        if not sentence.is_(at, "group") or sentence.items[at].text.lower() not in (
            "by",
            "based on",
        ):
            continue
        measure, used = measure_at(sentence, at + 1)
        if measure is not None:
            sentence.use(at, *used)
            rank.measure = measure
            return


def _often(sentence: Sentence, at: int, item: Item) -> bool:
    """`the most common nationality`: the one that the most rows have."""
    sign = item.sign("often")
    if sign is None:
        return False
    count, used = _count(sentence, at)
    sentence.use(at, *used, *_announced(sentence, at, used))
    named = sentence.named(at + 1)
    plural = named is not None and named.plural
    if count is None and plural and sentence.wanted.chart is not None:
        count = _TOP
    rank = Rank(count or 1, sign.value == "desc")
    sentence.wanted.rank = rank
    _by(sentence, rank)
    rank.measure = rank.measure or Measure(aggregate="count")
    return True


def _adjective(sentence: Sentence, at: int, item: Item) -> bool:
    """`the oldest`, `the cheapest product`: by the column that the word speaks of."""
    sign = item.sign("adjective")
    if sign is None:
        return False
    concept, _, direction = sign.value.partition(" ")
    named = sentence.pick(at + 1, "number") if sentence.named(at + 1) else None
    column = sentence.lexicon.time if concept == "time" else _concept(sentence, concept)
    used = [at]
    if concept == "time" and sentence.is_(at + 1, "grain"):
        return False  # "The first week" is a time, and dates would have read it.
    if concept == "time" and named is not None and sentence.year_like(named):
        column, used = named, [at, at + 1]
    descending = direction == "desc"
    if column is None and concept == "age":
        # Who was born, or begun, first is the oldest.
        column = sentence.concept("birth founded established built opened") or sentence.concept(
            "year"
        )
        descending = not descending
    if column is None:
        return False
    if named == column and sentence.find("group") is not None:
        figure = Measure(aggregate="max" if descending else "min", column=column)
        sentence.wanted.measures.append(figure)
        sentence.use(at, at + 1)
        return True
    count, numbers = _count(sentence, at)
    sentence.use(*used, *numbers, *_announced(sentence, at, numbers))
    sentence.wanted.rank = Rank(count or 1, descending, column=column)
    return True


def _concept(sentence: Sentence, concept: str) -> str | None:
    others = {
        "price": "price cost fee",
        "length": "length duration distance",
        "height": "height elevation",
    }
    return sentence.concept(others.get(concept, concept))


def _extreme(sentence: Sentence, at: int, item: Item) -> bool:
    """`generated the most revenue`, `has the highest price`; but not `the highest price of each
    city`, which is a measure."""
    sign = item.sign("extreme")
    if sign is None:
        return False
    descending = sign.value == "desc"
    word = item.text.lower()
    sells = next((i for i in (at + 1, at - 1) if sentence.is_(i, "sell")), None)
    alone = sells == at + 1 or (sells is not None and word in ("best", "worst"))
    if sells is not None and alone:
        sentence.use(at, sells)
        count, used = _count(sentence, at)
        sentence.use(*used)
        sentence.wanted.rank = Rank(count or 1, descending, measure=quantity(sentence))
        return True
    if not _asks_who(sentence, at) and not _ends_in_group(sentence, at):
        return False
    if item.sign("aggregate") is not None and not any(
        other.is_("which") and other.text.lower().startswith(("who", "which"))
        for other in sentence.items
    ):
        return False  # "the maximum price" is a figure, unless somebody is asked for.
    count, used = _count(sentence, at)
    rank = Rank(count or 1, descending)
    if not _of(sentence, at + 1, rank, word=word):
        money = sentence.lexicon.money
        if word in ("best", "worst", "top", "leading", "biggest") and money is not None:
            rank.measure = money
            sentence.wanted.assumptions.append(f"'{item.text}' is taken as by revenue")
        elif word in ("busiest", "quietest", "peak"):
            rank.measure = Measure(aggregate="count")
        elif not any(i.is_("sell") for i in sentence.items):
            return False
        else:
            sold = sentence.find("sell")
            if sold is not None:
                sentence.use(sold)
            rank.measure = quantity(sentence)
    sentence.use(at, *used)
    sentence.wanted.rank = rank
    return True


def _asks_who(sentence: Sentence, at: int) -> bool:
    """Whether something before asks which one it is, rather than for the figure."""
    if any(sentence.is_(i, "group") for i in range(len(sentence)) if i != at):
        each = sentence.find("group")
        if each is not None and sentence.items[each].text.lower() not in ("by", "over"):
            return False
    word = sentence.items[at].text.lower()
    if word in ("busiest", "quietest", "peak"):
        return True
    number = sentence.pick(at + 1, "number") if sentence.named(at + 1) is not None else None
    thing = number is None or sentence.column(number).role != "measure"
    following = sentence.named(at + 1) is not None and thing
    if word in ("best", "worst") and (following or sentence.is_(at + 1, "grain")):
        return True
    for before in range(at):
        item = sentence.items[before]
        entity = (
            item.as_(Named) is not None
            or item.is_("grain")
            or item.is_("row")
            or item.is_("person")
        )
        if entity and not item.used:
            return True
        if item.is_("which") and item.text.lower().startswith(("who", "which")):
            return True
        if item.is_("when") or item.is_("place"):
            return True
    return sentence.find("sell") is not None


def _ends_in_group(sentence: Sentence, at: int) -> bool:
    """`the highest revenue day`: what is ranked stands after what it is ranked by."""
    figure = sentence.is_(at + 1, "money") or (
        sentence.named(at + 1) is not None and sentence.pick(at + 1, "number") is not None
    )
    if not figure or at + 2 >= len(sentence) or sentence.items[at].sign("aggregate") is not None:
        return False
    beside = sentence.items[at + 2].start - sentence.items[at + 1].end == 1
    named = sentence.named(at + 2)
    thing = named is not None and sentence.pick(at + 2, "number") is None
    return beside and (sentence.is_(at + 2, "grain") or thing)


def _of(sentence: Sentence, at: int, rank: Rank, *, word: str) -> bool:
    """What a superlative is of: a measure, a column's own value, or a number of things."""
    if sentence.named(at) is None and not sentence.says(at, "aggregate", "money", "row", "person"):
        # "Who earns the most": what it is of stands before.
        if sentence.is_(at - 2, "money") and sentence.lexicon.money is not None:
            rank.measure = sentence.lexicon.money
            sentence.use(at - 2)
            return True
        before = sentence.pick(at - 2, "number") if sentence.named(at - 2) is not None else None
        if before is not None and sentence.column(before).role == "measure":
            rank.column = before
            sentence.use(at - 2)
            return True
    measure, used = measure_at(sentence, at)
    named = sentence.named(at)
    if measure is not None and sentence.items[at].sign("aggregate") is not None:
        rank.measure = measure
        sentence.use(*used)
        return True
    if sentence.is_(at, "money"):
        rank.measure = sentence.lexicon.money
        sentence.use(at)
        return True
    column = sentence.pick(at, "number") if named is not None else None
    if column is not None and sentence.column(column).role != "identifier":
        money = sentence.lexicon.money
        adds = word in ("most", "least", "fewest", "top", "best", "worst") or (
            money is not None and money.column == column
        )
        if adds and measure is not None and measure.aggregate == "sum":
            rank.measure = measure
        else:
            rank.column = column
        sentence.use(at)
        return True
    if word in ("most", "least", "fewest", "largest", "highest", "lowest", "smallest") and (
        named is not None or sentence.says(at, "row", "person")
    ):
        rank.measure = counted(sentence, at) if named is not None else Measure(aggregate="count")
        sentence.use(at)
        return True
    return False
