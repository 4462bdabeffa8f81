"""Questions about the sample that comes with the program: a summer of ticket sales, as people in
business ask, and as they ask for what is not there."""

import csv
from datetime import datetime
from pathlib import Path

from benchmarks.eval.making import Row, Rows, by, different, first, mean, total

SAMPLE = Path(__file__).parents[2] / "src" / "samples" / "box_office.csv"

Question = tuple[object, ...]

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_TICKETS = total("tickets")
_REVENUE = total("total")
_ORDERS = different("order_number")


def box_office() -> Rows:
    """The lines of the sample: one order may be several."""
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        return [
            {
                **row,
                "sold_at": datetime.fromisoformat(row["sold_at"]),
                "tickets": int(row["tickets"]),
                "unit_price": float(row["unit_price"]),
                "total": float(row["total"]),
                "refunded": row["refunded"] == "yes",
            }
            for row in csv.DictReader(file)
        ]


def questions(rows: Rows) -> list[Question]:
    return [*_totals(rows), *_split(rows), *_ranked(rows), *_unanswerable()]


def _where(rows: Rows, **wanted: object) -> Rows:
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def _in_month(rows: Rows, month: int) -> Rows:
    return [row for row in rows if row["sold_at"].month == month]


def _month(row: Row) -> str:
    return f"{row['sold_at']:%Y-%m}-01"


def _day(row: Row) -> str:
    return f"{row['sold_at']:%Y-%m-%d}"


def _show(row: Row) -> object:
    return row["show"]


def _genre(row: Row) -> object:
    return row["genre"]


def _channel(row: Row) -> object:
    return row["channel"]


def _per_order(rows: Rows) -> float:
    return _TICKETS(rows) / _ORDERS(rows)


def _totals(rows: Rows) -> list[Question]:
    refunded = _where(rows, refunded=True)
    weekend = [r for r in rows if r["sold_at"].weekday() > 4]
    late = [r for r in rows if r["sold_at"].hour >= 18]
    moths = _in_month(_where(rows, show="The Copper Moths"), 8)
    phoned = [r for r in rows if r["channel"] in ("Phone", "Box office")]
    cities = [different("customer_city")(rows)]
    both = [different("channel")(rows), different("venue")(rows)]
    return [
        ("How many different cities do the customers come from?", "table", [cities]),
        ("How many orders were placed altogether?", "table", [[_ORDERS(rows)]]),
        ("How many refunds were there?", "table", [[len(refunded)]]),
        ("How many refunded orders are there?", "table", [[_ORDERS(refunded)]]),
        ("How many orders were not refunded?", "table", [[_ORDERS(_where(rows, refunded=False))]]),
        (
            "Total revenue excluding refunded orders",
            "table",
            [[_REVENUE(_where(rows, refunded=False))]],
        ),
        ("Average number of tickets per order", "table", [[_per_order(rows)]]),
        ("What is the average order value?", "table", [[_REVENUE(rows) / _ORDERS(rows)]]),
        (
            "How much did customers from Nieve spend?",
            "table",
            [[_REVENUE(_where(rows, customer_city="Nieve"))]],
        ),
        ("Tickets for The Copper Moths sold in August", "table", [[_TICKETS(moths)]]),
        ("How many tickets did we sell on weekends?", "table", [[_TICKETS(weekend)]]),
        ("How many tickets were sold after 6 pm?", "table", [[_TICKETS(late)]]),
        (
            "How many tickets were bought by phone or at the box office?",
            "table",
            [[_TICKETS(phoned)]],
        ),
        ("How many channels and venues are there?", "table", [both]),
        ("What's the averge unit price?", "table", [[mean("unit_price")(rows)]]),
    ]


def _split(rows: Rows) -> list[Question]:
    def weekday(row: Row) -> str:
        return _WEEKDAYS[row["sold_at"].weekday()]

    refunded = _where(rows, refunded=True)
    rivals = [r for r in rows if r["channel"] in ("Web", "App")]
    evenings = [r for r in rows if weekday(r) in ("Friday", "Saturday")]
    summer = [r for r in rows if r["sold_at"].month in (6, 7)]
    opera = _where(rows, venue="Halvora Opera")
    august = _in_month(rows, 8)
    return [
        ("Compare the web and app revenue", "bar", by(rivals, _channel, _REVENUE)),
        ("Web vs App: revenue", "bar", by(rivals, _channel, _REVENUE)),
        ("Compare tickets sold on Fridays and Saturdays", "bar", by(evenings, weekday, _TICKETS)),
        (
            "How many tickets did we sell in June compared to July?",
            "bar",
            by(summer, _month, _TICKETS),
        ),
        (
            "What share of the tickets was sold through each channel?",
            "pie",
            by(rows, _channel, _TICKETS),
        ),
        ("tickets per order by channel", "bar", by(rows, _channel, _per_order)),
        ("Average tickets per order by month", "line", by(rows, _month, _per_order)),
        ("How many orders were refunded per channel?", "bar", by(refunded, _channel, _ORDERS)),
        ("Refunds by channel", "bar", by(refunded, _channel, lambda some: len(some))),
        ("Daily ticket sales in August as a line chart", "line", by(august, _day, _TICKETS)),
        ("Monthly sales of tickets", "line", by(rows, _month, _TICKETS)),
        ("Ticket revenue by genre", "bar", by(rows, _genre, _REVENUE)),
        ("Monthly revenue of the Halvora Opera", "line", by(opera, _month, _REVENUE)),
        ("Revenue per weekday", "bar", by(rows, weekday, _REVENUE)),
        ("How many shows are there in each genre?", "bar", by(rows, _genre, different("show"))),
        ("Average ticket price by genre", "bar", by(rows, _genre, mean("unit_price"))),
    ]


def _ranked(rows: Rows) -> list[Question]:
    june = _in_month(rows, 6)
    by_city = by(_where(rows, genre="Opera"), lambda r: r["customer_city"], _TICKETS)
    return [
        ("Which show earned the most money?", "bar", first(by(rows, _show, _REVENUE))),
        ("Least popular show by tickets sold", "bar", first(by(rows, _show, _TICKETS), least=True)),
        ("Most popular genre by revenue", "bar", first(by(rows, _genre, _REVENUE))),
        ("highest revenue day in June", "bar", first(by(june, _day, _REVENUE))),
        (
            "Which city spends the most?",
            "bar",
            first(by(rows, lambda r: r["customer_city"], _REVENUE)),
        ),
        ("Which city buys the most opera tickets?", "bar", first(by_city)),
        (
            "Shows that sold fewer than 300 tickets",
            "bar",
            [row for row in by(rows, _show, _TICKETS) if float(str(row[1])) < 300],
        ),
        (
            "Which channel has the lowest average ticket price?",
            "bar",
            first(by(rows, _channel, mean("unit_price")), least=True),
        ),
    ]


def _unanswerable() -> list[Question]:
    return [
        (question, "unanswerable", None)
        for question in (
            "Who is the best customer?",
            "Number of customers per city",
            "How many customers do we have?",
            "Which customer spent the most?",
            "What is the profit per show?",
            "How many seats does the Gasworks have?",
            "What discount did phone customers get?",
            "Average rating of each show",
            "What was the weather on July 4th?",
            "Which actors played in Circus Umbra?",
            "What percentage of the revenue comes from the app?",
            "What is the revenue per ticket by genre?",
        )
    ]
