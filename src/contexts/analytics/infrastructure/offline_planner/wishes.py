"""How the answer is to look: the clauses that wish for a chart, its axes and an order."""

from contexts.analytics.domain.query_spec import ChartType, Measure
from contexts.analytics.infrastructure.offline_planner.readings import Named
from contexts.analytics.infrastructure.offline_planner.sentence import OrderWish, Sentence

_CHARTS: dict[str, ChartType] = {"bar": "bar", "pie": "pie", "line": "line", "table": "table"}


def read_chart(sentence: Sentence) -> None:
    """`a pie chart`, `as bars`, `x axis A y axis B`. What stands on the axes is read by others."""
    ordered = sentence.find("order", "direction") is not None
    for at, item in enumerate(sentence.items):
        sign = item.sign("chart")
        if item.used or sign is None:
            continue
        doubtful = item.as_(Named) is not None or (item.sign("axis") is not None and ordered)
        if doubtful:
            continue
        sentence.use(at)
        if sentence.is_(at - 1, "group") and sentence.items[at - 1].text.lower() == "by":
            sentence.use(at - 1)
        if sign.value == "scatter":
            sentence.wanted.assumptions.append(
                "scatter charts are not drawn: the points are listed"
            )
            sentence.wanted.chart = "table"
        else:
            sentence.wanted.chart = _CHARTS[sign.value]


def read_axes(sentence: Sentence) -> None:
    """Axes outside of orders only say in which order columns come, as the words do anyway."""
    for at, item in enumerate(sentence.items):
        if item.sign("axis") and not item.used and item.sign("aggregate") is None:
            if item.as_(Named) is not None and item.is_("axis", "x") and len(item.text) > 1:
                continue
            sentence.use(at)


def read_orders(sentence: Sentence) -> None:
    """`sorted by age in descending order`, `list X from high to low`, `in alphabetical order`."""
    at = 0
    while at < len(sentence):
        end = _clause(sentence, at)
        if end is None:
            at += 1
            continue
        _order(sentence, at, end)
        at = end


def _clause(sentence: Sentence, at: int) -> int | None:
    """Where an order clause that begins here ends; None if none begins."""
    item = sentence.free(at)
    if item is None:
        return None
    begins = item.sign("order", "direction", "list")
    if begins is None or (item.as_(Named) is not None and sentence.says(at - 1, "group", "each")):
        return None  # The order of "per order by month" is a thing.
    end = at + 1
    while (following := sentence.free(end)) is not None and (
        following.sign("axis", "direction", "aggregate", "order", "list") is not None
        or following.is_("group")
        or following.as_(Named) is not None
        or (following.is_("row") and not following.is_("break"))
    ):
        end += 1
    inside = range(at + 1, end)
    directed = any(sentence.is_(i, "direction") for i in inside)
    on_axis = any(sentence.is_(i, "axis") for i in inside)
    by = sentence.is_(at + 1, "group") and sentence.items[at + 1].text.lower() == "by"
    if begins.kind == "list":
        ordered = directed or (by and on_axis)
        return end if ordered and (by or _short(sentence, at, end)) else None
    if begins.kind == "order" and not (directed or on_axis or by):
        bare = end == at + 1 and item.as_(Named) is None
        return end if bare and sentence.wanted.chart is not None else None
    if begins.kind == "direction" and not by:
        # "in descending order of age"; but not "in ascending order the names".
        return end if inside and not sentence.is_(at + 1, "list") else at + 1
    return end


def _short(sentence: Sentence, at: int, end: int) -> bool:
    """`list X in asc order`: one thing and its direction, no list of columns."""
    columns = [i for i in range(at + 1, end) if sentence.named(i) is not None]
    return len(columns) <= 1


def _order(sentence: Sentence, at: int, end: int) -> None:
    places = [i for i in range(at, end) if sentence.free(i) is not None]
    descending = False
    alphabetical = False
    for i in places:
        sign = sentence.items[i].sign("direction")
        if sign is not None:
            descending = sign.value in ("desc", "reverse_alphabetical")
            alphabetical = "alphabetical" in sign.value
    wish = OrderWish(descending=descending)
    for i in places:
        item = sentence.items[i]
        if item.sign("direction", "list", "order") and i == at and item.sign("axis") is None:
            continue
        aggregate = item.sign("aggregate")
        if aggregate is not None and sentence.named(i + 1) is not None and i + 1 < end:
            wish.measure = _measured(sentence, aggregate.value, i + 1)
            break
        axis = item.sign("axis")
        if item.as_(Named) is not None and (axis is None or len(item.text) > 1):
            wish.column = sentence.pick(i)
            break
        if axis is not None:
            wish.axis = "x" if axis.value == "x" else "y"
            break
        if aggregate is not None:
            wish.axis = "y"
            break
    if alphabetical and wish.column is None:
        wish.axis = "x"
    sentence.use(*places)
    sentence.wanted.orders.append(wish)


def _measured(sentence: Sentence, aggregate: str, at: int) -> Measure | None:
    column = sentence.pick(at, "number")
    match aggregate:
        case "count" | "total_count":
            return Measure(aggregate="count")
        case "sum" | "avg" | "median" | "min" | "max" if column is not None:
            return Measure(aggregate=aggregate, column=column)
        case _:
            return None
