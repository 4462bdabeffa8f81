"""What came of a question: rows, and what each of their columns is."""

from typing import Literal, TypeAlias

import msgspec

from contexts.analytics.domain.query_spec import ChartType, Grain
from contexts.analytics.domain.relation import ColumnType

Cell: TypeAlias = str | int | float | bool | None
"""As it stands in JSON: dates `2024-11-01`, instants `2024-11-01 16:55:00`, times `16:55`."""


class Output(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One column of a result. `name` is its key, `title` its words. `shown_as` tells what became of
    a measure: `previous`, `change` and `change_share` (0.1 is 10 % more) come of a comparison."""

    name: str
    title: str
    type: ColumnType
    kind: Literal["dimension", "measure"]
    grain: Grain | None = None
    unit: str | None = None
    shown_as: Literal[
        "value", "share", "rate", "running_total", "previous", "change", "change_share"
    ] = "value"
    additive: bool = False
    """Whether the values of all groups add up to a whole: counts and sums of a partition."""

    @property
    def in_percent(self) -> bool:
        """Whether it is a part of something, told in percent: 0.1 is 10 %."""
        return self.shown_as in ("share", "rate", "change_share")


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Rows in the order of `columns`. `truncated`: there were more than are kept here."""

    columns: tuple[Output, ...]
    rows: tuple[tuple[Cell, ...], ...]
    truncated: bool = False


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """`spec` is a Vega-Lite 5 document with its data inside; None for a table or none. `why` says
    which rule chose it."""

    type: ChartType
    why: str
    spec: dict[str, object] | None = None
