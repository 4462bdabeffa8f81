"""What a question asks for, once it is understood: the one form between words and SQL.

Planners make it, the compiler makes SQL of it; explanation, chart, follow-up and cache key read it.
A spec speaks of one relation and names its columns by their SQL names.
"""

from typing import Literal, TypeAlias

import msgspec

Aggregate = Literal["count", "count_distinct", "sum", "avg", "median", "min", "max"]

Grain = Literal[
    "year", "quarter", "month", "week", "day", "hour",
    "quarter_of_year", "month_of_year", "day_of_month", "weekday", "hour_of_day",
]  # fmt: skip
"""How finely a time is read. The first six truncate it (a week begins on Monday); the others take a
part of it: weekdays are 1 (Monday) to 7 (ISO 8601), months 1 to 12, hours 0 to 23."""

Operator = Literal[
    "eq", "ne", "lt", "le", "gt", "ge", "between", "in", "not_in",
    "contains", "not_contains", "starts_with", "ends_with", "is_null", "not_null",
]  # fmt: skip

ChartType = Literal["line", "bar", "pie", "table", "none"]

Scalar: TypeAlias = str | int | float | bool


class _Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all of these have in common."""


class Filter(_Part, frozen=True, kw_only=True):
    """`column operator values`. Times are ISO 8601 strings; `between` includes both ends.

    With a `grain`, that part of the time is compared (weekday eq 5). With `relative_to`, the
    column is compared with that aggregate of itself over the whole dataset, and there are no
    values. Texts are compared as they are written by `eq` and `in`, and without regard to case by
    `contains`, `starts_with` and `ends_with`. `ne`, `not_in` and `not_contains` keep rows that have
    no value.
    """

    column: str
    operator: Operator
    values: tuple[Scalar, ...] = ()
    grain: Grain | None = None
    relative_to: Literal["avg", "median", "min", "max"] | None = None


class Period(_Part, frozen=True, kw_only=True):
    """From `start` up to but without `end` (ISO 8601 dates or wall times; None: open), as the
    question `said` it ("last week of the data")."""

    column: str
    start: str | None = None
    end: str | None = None
    said: str = ""


class Measure(_Part, frozen=True, kw_only=True):
    """One number for each group.

    `column` is None for `count` (of rows). `times` is multiplied with the column row by row before
    it is aggregated (quantity times price). `per` divides by the number of distinct values of that
    column (revenue per ticket). `where` restricts this measure alone. `shown_as` `share` is its
    part of the total over all groups shown (0 to 1); `rate` is what `where` leaves of the same
    measure without it, group by group (0 to 1); `running_total` adds up along the first dimension.
    """

    aggregate: Aggregate
    column: str | None = None
    times: str | None = None
    per: str | None = None
    where: tuple[Filter, ...] = ()
    shown_as: Literal["value", "share", "rate", "running_total"] = "value"


class Dimension(_Part, frozen=True, kw_only=True):
    """What is grouped by; without measures, a column that is listed. `width` makes numbers into
    ranges of that width, each named by its lower end."""

    column: str
    grain: Grain | None = None
    width: float | None = None


class Having(_Part, frozen=True, kw_only=True):
    """Which groups stay. The measure need not be shown."""

    measure: Measure
    operator: Literal["eq", "ne", "lt", "le", "gt", "ge", "between"]
    values: tuple[float, ...]


class Order(_Part, frozen=True, kw_only=True):
    """By an `output`, counting dimensions first and measures after them from 0; or else by a
    `measure` that is not shown; or else, in a list of rows, by a `column` that is not shown.
    `shown_as` says by which figure of a comparison, where there is one."""

    output: int | None = None
    measure: Measure | None = None
    column: str | None = None
    descending: bool = False
    shown_as: Literal["value", "previous", "change", "change_share"] = "value"


class QuerySpec(_Part, frozen=True, kw_only=True):
    """`measures` by `dimensions`; without measures, a list of rows (each once, if `distinct`).

    In `where` every group must hold, and of each group any one filter. `limit` counts groups or
    rows; with `limit_per`, which counts dimensions from 0, it counts within each value of that one
    (top N per group). `comparison` adds to each measure what it was in the period before: with a
    time dimension that truncates, the one before it in the result; without, the `period` moved
    back by its own length, or by a year. `chart` is what was wished for, where something was.
    """

    measures: tuple[Measure, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    where: tuple[tuple[Filter, ...], ...] = ()
    period: Period | None = None
    having: tuple[Having, ...] = ()
    order: tuple[Order, ...] = ()
    limit: int | None = None
    limit_per: int | None = None
    distinct: bool = False
    comparison: Literal["previous_period", "previous_year"] | None = None
    chart: ChartType | None = None
