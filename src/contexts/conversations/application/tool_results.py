"""What tools give back: plain JSON, no larger than a conversation can carry along."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from contexts.analytics.published import Askable, ConfidentialAnswer
from contexts.events.published import OfferFound, OffersFound
from shared.domain.errors import Invalid

MOST_ROWS = 50
MOST_BYTES = 48_000
LONGEST_TEXT = 500
"""Characters of a cell; of a longer one the rest is left out, with an ellipsis in its place."""

_FEW_ROWS = 10
"""A chart is worth more than the rows beyond these."""


def offers(found: OffersFound, *, available_only: bool) -> dict[str, Any]:
    """`{"total", "events": [...]}`; times are of the venue's clock. Prices span the zones that were
    asked for: those with places left, or all."""
    return {
        "total": found.total,
        "events": [_event(offer, available_only) for offer in found.offers],
    }


def answer(told: ConfidentialAnswer) -> dict[str, Any]:
    """The answer to a question, as it is published, but for what only programs count.

    Raise Invalid for one that does not fit even without its rows.
    """
    whole = _plain(told)
    columns = [{name: each[name] for name in _COLUMN} for each in whole["columns"]]
    result: dict[str, Any] = {
        **{name: whole[name] for name in _ANSWER},
        "columns": columns,
        "rows": [[_cell(cell) for cell in row] for row in told.rows[:MOST_ROWS]],
        "truncated": told.truncated or len(told.rows) > MOST_ROWS,
    }
    while _size(result) > MOST_BYTES:
        rows = result["rows"]
        if result["chart"] is not None and len(rows) <= _FEW_ROWS:
            result |= {"chart": None, "chart_type": "table"}
        elif rows:
            result |= {"rows": rows[: len(rows) // 2], "truncated": True}
        else:
            raise Invalid("the answer is too large to be told: ask for fewer columns, or totals")
    return result


def datasets(there: Sequence[Askable]) -> dict[str, Any]:
    """`{"datasets": [...], "truncated"}`; where there is too much of them, fewer columns are told,
    then fewer datasets."""
    for most in (100, 30, 10, 3, 0):
        told = {
            "datasets": [_dataset(each, most) for each in there],
            "truncated": any(len(each.columns) > most for each in there),
        }
        if _size(told) <= MOST_BYTES:
            return told
    return datasets(there[: len(there) // 2]) | {"truncated": True}


_ANSWER = (
    *("outcome", "dataset", "explanation", "assumptions", "chart_type", "chart", "analysis", "sql"),
    *("log_position", "dataset_version", "reason", "unplaced", "suggestions", "options", "thread"),
)
_COLUMN = ("name", "title", "type", "in_percent")


def _event(offer: OfferFound, available_only: bool) -> dict[str, Any]:
    if available_only:
        cheapest, dearest = offer.available_min_price, offer.available_max_price
    else:
        cheapest, dearest = offer.min_price, offer.max_price
    ends_at = offer.local_ends_at
    return {
        "id": str(offer.id),
        "title": offer.title,
        "starts_at": offer.local_starts_at.isoformat(),
        "ends_at": None if ends_at is None else ends_at.isoformat(),
        "timezone": offer.timezone,
        "min_price": _amount(cheapest),
        "max_price": _amount(dearest),
        "places": offer.places,
        "organizer": offer.organizer,
        "url": f"/events/{offer.id}",
    }


def _dataset(one: Askable, most_columns: int) -> dict[str, Any]:
    told = _plain(one)
    return {**told, "columns": told["columns"][:most_columns]}


def _amount(price: Decimal | None) -> float | None:
    """Prices are below a thousand million and have four decimals at most: as many digits as a float
    keeps."""
    return None if price is None else float(price)


def _cell(cell: Any) -> Any:
    if isinstance(cell, str) and len(cell) > LONGEST_TEXT:
        return f"{cell[: LONGEST_TEXT - 1]}…"
    return cell


def _plain(told: msgspec.Struct) -> dict[str, Any]:
    """As it comes out of JSON: with lists, where `to_builtins` leaves tuples."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(told))
    return plain


def _size(result: dict[str, Any]) -> int:
    return len(msgspec.json.encode(result))
