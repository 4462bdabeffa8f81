"""A dataset as it can be asked: its columns, what is known of them, and where it lies."""

from typing import Literal

import msgspec

ColumnType = Literal["text", "integer", "decimal", "boolean", "date", "timestamp", "time"]
"""`timestamp` is an instant without a zone: a wall time, as the file states it, or UTC when the
file states zones."""

Role = Literal["measure", "dimension", "identifier", "time"]
"""What a column is for: adding up, grouping by, telling things apart, telling when."""


class Column(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One column of one version of a dataset.

    `name` is its SQL name (lower case, unique); `title` what the file calls it; `why` tells what
    its type rests on. `distinct` counts different values, `empty` the rows without one; `minimum`
    and `maximum` are in ISO 8601 for times and plain digits for numbers. `samples` are some values
    as the file has them. `format` is what the file wrote, where it matters (such as `%d/%m/%Y`).
    """

    name: str
    title: str
    type: ColumnType
    role: Role
    why: str = ""
    format: str | None = None
    unit: str | None = None
    synonyms: tuple[str, ...] = ()
    distinct: int = 0
    empty: int = 0
    minimum: str | None = None
    maximum: str | None = None
    samples: tuple[str, ...] = ()


class Relation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version of a dataset. `revision` counts corrections of it: another one, another lexicon.

    `schema` and `table` are where the room has it. `row_noun` is what one row of it is called, in
    the singular, where that is known ("ticket"). `measure` and `time` name the columns that are
    meant when a question names none. Where nothing `sells`, rows tell what is on offer, and no
    figure of them is what was sold.
    """

    dataset: str
    version: int
    schema: str
    table: str
    columns: tuple[Column, ...]
    rows: int
    revision: int = 0
    row_noun: str | None = None
    measure: str | None = None
    time: str | None = None
    sells: bool = True

    def column(self, name: str) -> Column:
        """Raise KeyError when there is none of that name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


class ColumnValues(msgspec.Struct, frozen=True):
    """The values of a text column, the most frequent first; not `complete` where there were too
    many to keep."""

    column: str
    values: tuple[str, ...]
    complete: bool = True
