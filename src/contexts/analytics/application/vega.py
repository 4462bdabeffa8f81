"""Draws a plot as a Vega-Lite 5 document that carries its data and asks nothing of the network."""

from typing import Any, Literal

from contexts.analytics.application import wording
from contexts.analytics.application.plotting import Plot, Point
from contexts.analytics.domain.answer import Output

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
"""What the document is, to those who draw it; nothing is fetched from there."""

PLACE, VALUE, SERIES, ROW, PART = "place", "value", "series", "row", "part"
"""The fields of the data. Names of columns would need escaping: to Vega a dot, a bracket or a quote
in a field's name is a path."""

_WIDTH, _HEIGHT, _STEP = 560, 320, 20
"""Pixels; the last is what one of many bars takes."""

_WIDEST_STEP = 90
_FEW_BARS = 8
_SHORT_LABEL = 12
_FEW_POINTS = 60
_FEW_SLICES = 7
_FEW_TICKS = 12
_FEW_WHOLES = 8
_LARGE = 100_000
"""From here on axes say 100k and 1.5M."""

_TIMES = {
    "year": "%Y",
    "quarter": "Q%q %Y",
    "month": "%b %Y",
    "week": "%-d %b %Y",
    "day": "%-d %b %Y",
    "hour": "%-d %b %Y %H:%M",
    "date": "%-d %b %Y",
    "timestamp": "%-d %b %Y %H:%M",
}
"""How axes write a time, by its grain or else its type, in the words of d3-time-format."""


def draw(type: Literal["line", "bar", "pie"], plot: Plot) -> dict[str, Any]:
    """The document; JSON types alone."""
    match type:
        case "line":
            body = _line(plot)
        case "bar":
            body = _bars(plot)
        case "pie":
            body = _pie(plot)
    return {
        "$schema": SCHEMA,
        "title": _title(plot),
        "description": _description(type, plot),
        "data": {"values": _data(type, plot)},
        **body,
    }


def _line(plot: Plot) -> dict[str, Any]:
    encoding = {"x": _along(plot), "y": _up(plot), **_color(plot), "tooltip": _tooltip(plot)}
    points = len(plot.points) <= _FEW_POINTS
    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "mark": {"type": "line", "point": points},
        "encoding": encoding,
    }


def _bars(plot: Plot) -> dict[str, Any]:
    labels = list(dict.fromkeys(point.label for point in plot.points))
    sideways = plot.ordering == "none" and (
        len(labels) > _FEW_BARS or max(map(len, labels)) > _SHORT_LABEL
    )
    series = len({point.series for point in plot.points})
    stacked = plot.series is not None and plot.y.additive and all(p.y >= 0 for p in plot.points)
    beside = 1 if stacked else series
    step = max(_STEP * beside, min(_WIDEST_STEP, _WIDTH // len(labels)))
    names = {
        "field": PLACE,
        "type": "ordinal" if plot.ordering != "none" else "nominal",
        "sort": None,
        "title": wording.title(plot.x.title),
        "axis": {"labelLimit": 240, **({} if sideways else {"labelAngle": _angle(labels)})},
    }
    encoding: dict[str, Any] = {
        "y" if sideways else "x": names,
        "x" if sideways else "y": {**_up(plot), "stack": "zero" if stacked else None},
        **_color(plot),
        "tooltip": _tooltip(plot, named=True),
    }
    if _has_series(plot) and not stacked:
        offset = "yOffset" if sideways else "xOffset"
        encoding[offset] = {"field": SERIES, "type": "nominal", "sort": None}
    if sideways:
        size = {"width": _WIDTH, "height": {"step": _STEP + (beside - 1) * 10, "for": "position"}}
    else:
        size = {"width": {"step": step, "for": "position"}, "height": _HEIGHT}
    return {**size, "mark": {"type": "bar"}, "encoding": encoding}


def _pie(plot: Plot) -> dict[str, Any]:
    labels = [point.label for point in plot.points]
    encoding: dict[str, Any] = {
        "theta": {"field": VALUE, "type": "quantitative", "stack": True},
        "color": {
            "field": PLACE,
            "type": "nominal",
            "sort": None,
            "title": wording.title(plot.x.title),
            "scale": {"domain": labels, "scheme": _scheme(len(labels))},
        },
        "order": {"field": ROW, "type": "quantitative"},
        "tooltip": [*_tooltip(plot, named=True), {**_number(PART, "Part"), "format": ".1%"}],
    }
    arcs: dict[str, Any] = {"mark": {"type": "arc", "outerRadius": 130}}
    if len(labels) > _FEW_SLICES:
        return {"width": _WIDTH, "height": _HEIGHT, "encoding": encoding, **arcs}
    parts = {
        "mark": {"type": "text", "radius": 150, "fill": "black"},
        "encoding": {"text": {**_number(PART, "Part"), "format": ".1%"}},
    }
    return {"width": _WIDTH, "height": _HEIGHT, "encoding": encoding, "layer": [arcs, parts]}


def _along(plot: Plot) -> dict[str, Any]:
    """The x of a line."""
    place = {"field": PLACE, "title": wording.title(plot.x.title)}
    if _is_moment(plot):
        return {**place, "type": "temporal", "axis": _time_axis(plot)}
    if _is_quantity(plot):
        values = [point.x for point in plot.points if isinstance(point.x, int | float)]
        whole = {"format": "d", **_whole_ticks(max(values) - min(values))}
        axis = whole if plot.x.type == "integer" else {}
        return {**place, "type": "quantitative", "scale": {"zero": False}, "axis": axis}
    return {**place, "type": "ordinal", "sort": None}


def _time_axis(plot: Plot) -> dict[str, Any]:
    """Few points are ticked where they are; between them, the same month would be named twice."""
    axis: dict[str, Any] = {"format": _time_format(plot.x)}
    moments = [wording.moment(place) for place in {str(point.x) for point in plot.points}]
    if len(moments) <= _FEW_TICKS:
        axis["values"] = [
            {"year": at.year, "month": at.month, "date": at.day, "hours": at.hour}
            | {"minutes": at.minute, "seconds": at.second}
            for at in sorted(filter(None, moments))
        ]
    return axis


def _up(plot: Plot) -> dict[str, Any]:
    return {**_number(VALUE, _measure_title(plot.y)), "axis": _axis(plot)}


def _number(field: str, title: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "title": title}


def _axis(plot: Plot) -> dict[str, Any]:
    if plot.y.in_percent:
        return {"format": ".0%"}
    most = max(0, *(point.y for point in plot.points))
    least = min(0, *(point.y for point in plot.points))
    if max(most, -least) >= _LARGE:
        return {"format": "~s"}
    if plot.y.type == "integer":
        return {"format": ",d", **_whole_ticks(most - least)}
    return {"format": ",.2~f"}


def _whole_ticks(span: float) -> dict[str, Any]:
    """Few whole numbers are ticked one by one; else some would be named twice."""
    return {"tickCount": max(1, int(span))} if span <= _FEW_WHOLES else {}


def _color(plot: Plot) -> dict[str, Any]:
    if not _has_series(plot):
        return {}
    count = len({point.series for point in plot.points})
    return {
        "color": {
            "field": SERIES,
            "type": "nominal",
            "sort": None,
            "title": wording.title(plot.series.title) if plot.series else None,
            "scale": {"scheme": _scheme(count)},
        }
    }


def _scheme(colors: int) -> str:
    return "tableau10" if colors <= 10 else "tableau20"


def _tooltip(plot: Plot, *, named: bool = False) -> list[dict[str, Any]]:
    """What is read off a mark; `named` when its place is told by its label."""
    along: dict[str, Any] = {"field": PLACE, "title": wording.title(plot.x.title)}
    if _is_moment(plot) and not named:
        along |= {"type": "temporal", "format": _time_format(plot.x)}
    elif _is_quantity(plot) and not named:
        along |= {"type": "quantitative"}
    else:
        along |= {"type": "nominal"}
    up = _number(VALUE, _measure_title(plot.y))
    up["format"] = ".1%" if plot.y.in_percent else ",.2~f"
    if not _has_series(plot):
        return [along, up]
    title = wording.title(plot.series.title) if plot.series else "Series"
    return [along, {"field": SERIES, "type": "nominal", "title": title}, up]


def _data(type: str, plot: Plot) -> list[dict[str, Any]]:
    whole = sum(point.y for point in plot.points)
    data = []
    for row, point in enumerate(plot.points):
        datum: dict[str, Any] = {PLACE: _place(type, point, plot), VALUE: point.y}
        if _has_series(plot):
            datum[SERIES] = point.series
        if type == "pie":
            datum |= {ROW: row, PART: point.y / whole}
        data.append(datum)
    return data


def _place(type: str, point: Point, plot: Plot) -> Any:
    if type == "line" and _is_moment(plot):
        return _local(str(point.x))
    return point.x if type == "line" and _is_quantity(plot) else point.label


def _local(moment: str) -> str:
    """A wall time as JavaScript reads it: a bare date would be midnight in Greenwich, and the day
    before in America."""
    return f"{moment}T00:00:00" if len(moment) == 10 else moment.replace(" ", "T", 1)


def _is_moment(plot: Plot) -> bool:
    return plot.ordering == "time" and all(isinstance(point.x, str) for point in plot.points)


def _is_quantity(plot: Plot) -> bool:
    """Along a scale of numbers: years or ages, not the hours of the day."""
    return plot.x.grain is None and all(
        isinstance(point.x, int | float) and not isinstance(point.x, bool) for point in plot.points
    )


def _has_series(plot: Plot) -> bool:
    return plot.series is not None or plot.previous is not None


def _measure_title(output: Output) -> str:
    title = wording.title(output.title)
    unit = output.unit if not output.in_percent else None
    return title if not unit or unit in title else f"{title} ({unit})"


def _title(plot: Plot) -> str:
    by = [wording.inside(each.title) for each in (plot.x, plot.series) if each is not None]
    return wording.cut(f"{_measure_title(plot.y)} by {wording.listed(by)}", 160)


def _description(type: str, plot: Plot) -> str:
    """What a screen reader says of the whole; each mark tells its own values."""
    marks = {"line": "point", "bar": "bar", "pie": "slice"}[type]
    count = len(plot.points)
    span = f", from {plot.points[0].label} to {plot.points[-1].label}" if count > 1 else ""
    return (
        f"{type.capitalize()} chart: {_title(plot)}, {count} {wording.plural(marks, count)}{span}."
    )


def _time_format(output: Output) -> str:
    return _TIMES.get(output.grain or output.type, "%-d %b %Y")


def _angle(labels: list[str]) -> int:
    """Names that lie beside one another only while they are few and short."""
    return 0 if len(labels) <= _FEW_BARS and sum(map(len, labels)) <= 60 else -45
