"""Invents what the box offices of Halvora sold in a summer, one line for each kind of ticket.

    python -m samples.make_box_office > src/samples/box_office.csv

The same seed gives the same bytes; a test compares them with the file that is kept.
"""

import csv
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import TextIO

import msgspec

SEED = 1880
FIRST_DAY = date(2026, 6, 1)
DAYS = 92
COLUMNS = (
    "sold_at",
    "order_number",
    "channel",
    "show",
    "genre",
    "venue",
    "customer_city",
    "tickets",
    "unit_price",
    "total",
    "refunded",
)


class Show(msgspec.Struct, frozen=True):
    """`weight` is how well it sells; `price` is that of its cheapest ticket, in euros."""

    title: str
    genre: str
    venue: str
    price: int
    weight: int


SHOWS = (
    Show("The Lamplighter's Daughter", "Opera", "Halvora Opera", 38, 9),
    Show("A Winter of Glass", "Opera", "Halvora Opera", 42, 4),
    Show("Night Tram", "Theatre", "Gasworks", 24, 8),
    Show("Three Clocks", "Theatre", "Little Foundry", 18, 5),
    Show("The Copper Moths", "Concert", "Gasworks", 32, 14),
    Show("Ana Brisk and the Tide", "Concert", "Gasworks", 29, 11),
    Show("Late Quartets", "Concert", "Little Foundry", 16, 4),
    Show("Circus Umbra", "Circus", "Tent on the Quay", 21, 12),
    Show("Shadows for Beginners", "Family", "Little Foundry", 11, 7),
    Show("Harbour Lights Tour", "Family", "Old Harbour", 9, 6),
)
CHANNELS = ("Web", "App", "Box office", "Phone")
CITIES = ("Halvora", "Port Ember", "Nieve", "Saltmarsh", "Upper Wick")


def lines(seed: int = SEED) -> Iterator[tuple[object, ...]]:
    """One order after the other, each of one to three lines; some tickets come back."""
    chance = Random(seed)
    order = 1000
    for day in range(DAYS):
        today = FIRST_DAY + timedelta(days=day)
        # Most is bought towards the end of a week, and more as the summer goes on.
        busy = (1.0, 0.9, 1.0, 1.2, 1.7, 2.0, 1.3)[today.weekday()] * (1 + day / DAYS)
        for _ in range(round(chance.gauss(11 * busy, 2))):
            order += 1
            yield from _order(chance, today, order)


def _order(chance: Random, today: date, order: int) -> Iterator[tuple[object, ...]]:
    channel = chance.choices(CHANNELS, (9, 6, 4, 1))[0]
    city = chance.choices(CITIES, (10, 5, 3, 2, 1))[0]
    hour = chance.choices(range(9, 22), (2, 3, 4, 5, 4, 3, 3, 4, 6, 7, 8, 5, 2))[0]
    at = datetime(today.year, today.month, today.day, hour, chance.randrange(60))
    for show in _different(chance, chance.choices((1, 2, 3), (12, 4, 1))[0]):
        tickets = chance.choices((1, 2, 3, 4, 6), (6, 12, 3, 4, 1))[0]
        price = show.price + chance.choice((0, 0, 6, 14))
        refunded = chance.random() < 0.03
        yield (
            at.isoformat(" ", "minutes"),
            f"HX-{order:06d}",
            channel,
            show.title,
            show.genre,
            show.venue,
            city,
            tickets,
            f"{price:.2f}",
            f"{0 if refunded else tickets * price:.2f}",
            "yes" if refunded else "no",
        )


def _different(chance: Random, count: int) -> list[Show]:
    chosen: list[Show] = []
    while len(chosen) < count:
        show = chance.choices(SHOWS, [each.weight for each in SHOWS])[0]
        if show not in chosen:
            chosen.append(show)
    return chosen


def write(file: TextIO, seed: int = SEED) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(lines(seed))


if __name__ == "__main__":
    write(sys.stdout)
