"""Criteria as SQLAlchemy expressions over the table of a read model."""

import operator
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, assert_never

from sqlalchemy import ColumnElement, Table, and_, func, not_, or_, true
from sqlalchemy.dialects.postgresql import TSVECTOR

from shared.application.criteria import And, Comparison, Criteria, Fields, Not, Or

_WORD = re.compile(r"[^\W_]{1,200}")
"""PostgreSQL refuses words of more than 2 KiB."""

_COMPARE: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "eq": operator.eq,
    "ne": lambda column, value: column.is_distinct_from(value),
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "in": lambda column, values: column.in_(values),
    "contains": lambda column, value: column.icontains(value, autoescape=True),
    "is_null": lambda column, is_null: column.is_(None) if is_null else column.is_not(None),
}


def where(criteria: Criteria, fields: Fields, table: Table) -> ColumnElement[bool]:
    """The condition that holds for just the rows the criteria ask for."""
    match criteria:
        case Comparison(field=name, operator=compare, value=value):
            column = table.c[fields[name].column]
            if isinstance(column.type, TSVECTOR):
                return _has_words(column, value)
            return _COMPARE[compare](column, value)
        case And(criteria=parts):
            return and_(true(), *(where(part, fields, table) for part in parts))
        case Or(criteria=parts):
            return or_(*(where(part, fields, table) for part in parts))
        case Not(criterion=part):
            # What is unknown (null) does not match, so its opposite does.
            return not_(func.coalesce(where(part, fields, table), False))
        case _:
            assert_never(criteria)


def fold_text(text: str) -> str:
    """The words of a text, in letters without case and accents, as it is searched.

    Only letters and digits are left, for PostgreSQL has its own idea of words with others in them:
    `AC/DC` is a path to it, `jazz.es` a host, and the end of `2026-27` a negative number.
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(_WORD.findall(plain))


def _has_words(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Every word of the text begins a word of the row. A text without words finds nothing."""
    query = " & ".join(f"{word}:*" for word in fold_text(text).split())
    return column.op("@@", is_comparison=True)(func.to_tsquery("simple", query))
