"""Which chart a result is shown as: by rule from its columns, or as it was wished if it can be.

The rules, the first that fits: a pie for a share of two to seven parts that make a whole; a line
for a number over time, from three points on; bars for one category; else a table.
"""

from typing import Literal, TypeAlias

import msgspec

from contexts.analytics.application import wording
from contexts.analytics.application.plotting import Plot, Reading, read
from contexts.analytics.application.vega import draw
from contexts.analytics.domain.answer import Chart, Result
from contexts.analytics.domain.query_spec import ChartType, QuerySpec

MOST_BARS = 100
"""They are drawn sideways when there are many; beyond that a table is easier to read."""

MOST_WISHED_BARS = 500
"""Where bars were asked for in so many words."""

MOST_SERIES = 12
"""In one chart; nobody tells more of them apart."""

SLICES = range(2, 8)
"""Of a pie that nobody wished for."""

MOST_SLICES = 50
"""Of one that somebody did."""

MOST_POINTS = 2_000
"""A chart carries its data along."""

_NAMES = {"line": "a line chart", "bar": "a bar chart", "pie": "a pie chart", "table": "a table"}


Drawn: TypeAlias = Literal["line", "bar", "pie"]


class _Rule(msgspec.Struct, frozen=True):
    type: ChartType
    why: str


def choose_chart(spec: QuerySpec, result: Result) -> Chart:
    """The chart of that result. It always has an answer: a table, and none where there are no
    rows."""
    if not result.rows:
        return Chart(type="none", why="there are no rows")
    read_as = read(result)
    rule = _by_rule(spec, result, read_as)
    wish = spec.chart
    if wish is None:
        return _drawn(rule.type, rule.why, read_as)
    if wish == "table" or wish == "none":
        return Chart(type=wish, why="as it was wished")
    obstacle = _obstacle(wish, read_as)
    if obstacle is None:
        return _drawn(wish, _wished(wish, read_as, rule), read_as)
    why = f"{_NAMES[wish]} was wished for, but {obstacle}"
    if not isinstance(read_as, str):
        why = f"{why}; {rule.why}"
    return _drawn(rule.type, why, read_as)


def _drawn(type: ChartType, why: str, read_as: Reading) -> Chart:
    if isinstance(read_as, str) or type == "table" or type == "none":
        return Chart(type=type, why=why)
    return Chart(type=type, why=why, spec=draw(type, read_as))


def _by_rule(spec: QuerySpec, result: Result, plot: Reading) -> _Rule:
    if isinstance(plot, str):
        return _Rule("table", f"a table, because {plot}")
    along = wording.inside(plot.x.title)
    points = len(plot.points)
    if plot.repeats:
        return _Rule("table", f"a table, because the same {along} stands in several rows")
    if not plot.grouped and plot.ordering == "order":
        return _Rule("table", "a table, because it is a list of numbers")
    if spec.limit_per is not None:
        return _Rule("table", "a table, because it ranks within groups")
    if plot.y.shown_as == "share" and points in SLICES and _is_whole(plot) and not result.truncated:
        return _Rule("pie", f"a pie, because its {points} parts make a whole")
    if plot.ordering == "time" and _places(plot) >= 3 and _obstacle("line", plot) is None:
        return _Rule("line", f"a line, because {along} is a time")
    if plot.series is not None:
        return _Rule("table", "a table, because there are two groupings")
    if _places(plot) <= MOST_BARS:
        return _Rule("bar", f"bars, because there is one number for each {along}")
    return _Rule("table", f"a table, because {points} bars are too many")


def _wished(wish: ChartType, plot: Reading, rule: _Rule) -> str:
    why = "as it was wished"
    if isinstance(plot, str) or wish == rule.type:
        return why
    if wish == "pie" and not _is_whole(plot):
        return f"{why}, though its parts do not add up to a whole"
    return why


def _obstacle(wish: Drawn, plot: Reading) -> str | None:
    """Why that chart cannot be drawn; None when it can."""
    if isinstance(plot, str):
        return plot
    if len(plot.points) > MOST_POINTS:
        return f"{len(plot.points)} points are too many to draw"
    match wish:
        case "line":
            return _line_obstacle(plot)
        case "bar":
            return _bar_obstacle(plot)
        case "pie":
            return _pie_obstacle(plot)


def _line_obstacle(plot: Plot) -> str | None:
    along = wording.inside(plot.x.title)
    if plot.ordering == "none":
        return f"{along} has no order that a line could follow"
    if _places(plot) < 2:
        return "a line needs two points or more"
    if plot.repeats:
        return f"the same {along} stands in several rows"
    return _too_many_series(plot)


def _bar_obstacle(plot: Plot) -> str | None:
    if _places(plot) > MOST_WISHED_BARS:
        return f"{_places(plot)} bars are too many"
    return _too_many_series(plot)


def _pie_obstacle(plot: Plot) -> str | None:
    if plot.series is not None or plot.previous is not None:
        return "a pie has one grouping and one number"
    if plot.y.shown_as == "rate":
        return "each of its parts is of a whole of its own"
    if any(point.y < 0 for point in plot.points):
        return "a pie has no slices below zero"
    if not any(point.y for point in plot.points):
        return "all its slices would be empty"
    if len(plot.points) > MOST_SLICES:
        return f"{len(plot.points)} slices are too many"
    return None


def _too_many_series(plot: Plot) -> str | None:
    series = len({point.series for point in plot.points})
    return f"{series} series are too many to tell apart" if series > MOST_SERIES else None


def _is_whole(plot: Plot) -> bool:
    """Whether its parts are all of something: not below zero, and adding up."""
    if any(point.y < 0 for point in plot.points) or not any(point.y for point in plot.points):
        return False
    if plot.y.shown_as == "share":
        return abs(sum(point.y for point in plot.points) - 1) < 1e-6
    return plot.y.additive


def _places(plot: Plot) -> int:
    return len({point.label for point in plot.points})
