"""`python -m benchmarks.eval.making`: writes our own sets anew, always the same.

The tables are drawn with a seed; what is right is worked out here, row by row, without a planner
and without SQL.
"""

import csv
import io
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

SETS = Path(__file__).parent / "sets"

Row = dict[str, Any]
Rows = list[Row]
Line = dict[str, object]

_SEED = 20_260_714


def kiosk() -> Rows:
    """Receipt lines of a kiosk in a park: several lines are one receipt."""
    draw = random.Random(_SEED)
    goods = {
        "Lemonade": ("drinks", 3.2),
        "Iced tea": ("drinks", 2.8),
        "Cheese pretzel": ("bakery", 3.9),
        "Plum cake": ("bakery", 4.4),
        "Paper kite": ("toys", 12.5),
        "Bubble set": ("toys", 6.0),
    }
    rows: Rows = []
    for number in range(1, 121):
        at = datetime(2025, 4, 1, 9) + timedelta(
            days=draw.randrange(75), minutes=draw.randrange(9 * 60)
        )
        seller = draw.choice(("Nadia", "Otto", "Pilar"))
        for name in draw.sample(sorted(goods), draw.randrange(1, 4)):
            category, price = goods[name]
            pieces = draw.randrange(1, 6)
            rows.append(
                {
                    "receipt_no": f"K-{number:04}",
                    "sold_at": at,
                    "seller": seller,
                    "item": name,
                    "category": category,
                    "pieces": pieces,
                    "unit_price": price,
                    "amount": round(pieces * price, 2),
                }
            )
    return rows


def trees() -> Rows:
    """Trees of a town: every row is one of them."""
    draw = random.Random(_SEED + 1)
    species = ("Linden", "Plane", "Silver birch", "Ginkgo")
    districts = ("Harbour", "Old town", "Westfield")
    return [
        {
            "tree_id": number,
            "species": draw.choice(species),
            "district": draw.choice(districts),
            "height_m": round(draw.uniform(3, 28), 1),
            "trunk_cm": draw.randrange(20, 300),
            "planted_on": date(1960, 1, 1) + timedelta(days=draw.randrange(60 * 365)),
            "condition": draw.choice(("good", "fair", "poor")),
        }
        for number in range(1, 81)
    ]


def crews() -> Rows:
    """Rowing crews of one season: short, with counts and a year."""
    draw = random.Random(_SEED + 2)
    names = (
        *("Herons", "Otters", "Kingfishers", "Grebes", "Pikes", "Swallows"),
        *("Marsh Harriers", "Eels", "Bitterns", "Cranes"),
    )
    return [
        {
            "crew_id": place + 1,
            "crew_name": name,
            "club": draw.choice(("Lakeside", "Upper Weir", "Ferry Lane")),
            "boat_class": draw.choice(("eight", "four", "double")),
            "wins": 2 + 3 * place % 11,
            "races": 12 + place % 4,
            "founded": 1950 + 7 * place,
        }
        for place, name in enumerate(names)
    ]


def csv_of(rows: Rows) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def by(
    rows: Iterable[Row], key: Callable[[Row], object], figure: Callable[[Rows], float]
) -> list[list[object]]:
    groups: dict[object, Rows] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return [[_plain(value), figure(some)] for value, some in groups.items()]


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def total(column: str) -> Callable[[Rows], float]:
    return lambda rows: round(sum(row[column] for row in rows), 2)


def mean(column: str) -> Callable[[Rows], float]:
    return lambda rows: sum(row[column] for row in rows) / len(rows)


def different(column: str) -> Callable[[Rows], float]:
    return lambda rows: len({row[column] for row in rows})


def first(rows: list[list[object]], count: int = 1, *, least: bool = False) -> list[list[object]]:
    return sorted(rows, key=lambda row: float(str(row[-1])), reverse=not least)[:count]


def picked(rows: Iterable[Row], *columns: str) -> list[list[object]]:
    return [[_plain(row[column]) for column in columns] for row in rows]


def lines(table: str, questions: Sequence[tuple[object, ...]]) -> list[Line]:
    """`(question, chart, rows)`, and for a follow-up the question before it."""
    made: list[Line] = []
    for number, (question, chart, rows, *after) in enumerate(questions, start=1):
        line: Line = {"id": f"{table}-{number}", "table": f"{table}.csv"}
        line |= {"question": question, "chart": chart, "rows": rows}
        if after:
            line["after"] = after[0]
        made.append(line)
    return made


def main() -> None:
    from benchmarks.eval import box_office
    from benchmarks.eval.questions import all_questions, unanswerable

    tables = {"kiosk": kiosk(), "trees": trees(), "crews": crews()}
    (SETS / "tables").mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        (SETS / "tables" / f"{name}.csv").write_text(csv_of(rows), "utf-8")
    asked = all_questions(tables)
    asked["box_office"] = box_office.questions(box_office.box_office())
    for name, questions in asked.items():
        text = b"\n".join(map(msgspec.json.encode, lines(name, questions))) + b"\n"
        (SETS / f"{name}.jsonl").write_bytes(text)
    (SETS / "no_answer.txt").write_text("\n".join(unanswerable()) + "\n", "utf-8")


if __name__ == "__main__":
    main()
