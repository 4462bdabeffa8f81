"""Invents the programme of a season in Halvora, a city of lamps that is on no map.

    python -m samples.make_feed > src/samples/city_of_lights.xml

The same seed gives the same bytes; a test compares them with the file that is kept.
"""

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar
from xml.sax.saxutils import quoteattr

import msgspec

SEED = 1879
PLANS = 300
OPENING = datetime(2026, 9, 4)
DAYS = 430
"""First nights fall on the opening or one of the days after it, last ones by the end of 2027."""
OFFLINE = {"Open Mic at the Cellar", "Toys from the Lamp Factory"}
"""Sold at the door alone."""

WALL = "%Y-%m-%dT%H:%M:%S"

_T = TypeVar("_T")


class Venue(msgspec.Struct, frozen=True):
    """Where a kind of event takes place: zone ids, names, places, numbered seats or not."""

    organizer: int
    zones: tuple[tuple[int, str, int, bool], ...]


class Kind(msgspec.Struct, frozen=True):
    """What distinguishes concerts from circuses: titles, venues, prices, hours, lengths."""

    titles: tuple[str, ...]
    venues: tuple[Venue, ...]
    price: tuple[int, int]
    hours: tuple[str, ...]
    minutes: tuple[int, ...]
    most_dates: int


OPERA = Venue(
    1,
    (
        (11, "Stalls", 420, True),
        (12, "First Balcony", 180, True),
        (13, "Second Balcony", 160, True),
        # The boxes of both sides share their id, as they do on the house's own plan.
        (14, "Box, west side", 24, True),
        (14, "Box, east side", 24, True),
    ),
)
GASWORKS = Venue(
    2, ((21, "Standing", 1800, False), (22, "Gallery", 240, True), (23, "Terrace", 90, False))
)
CELLAR = Venue(3, ((31, "Tables", 60, True), (32, "Bar", 40, False)))
PLAYHOUSE = Venue(
    4, ((41, "Parterre", 260, True), (42, "Circle", 140, True), (43, "Upper Circle", 90, True))
)
MUSEUM = Venue(5, ((51, "Morning entry", 120, False), (52, "Afternoon entry", 120, False)))
BIG_TOP = Venue(
    6,
    (
        (61, "Ringside", 150, True),
        (62, "Tribune A", 300, True),
        (62, "Tribune B", 300, True),
        (63, "Family bench", 110, False),
    ),
)
QUAY = Venue(2, ((71, "Quayside standing", 3000, False), (72, "Deckchairs", 220, False)))

KINDS = (
    Kind(
        titles=(
            "The Lamplighters",
            "Paper Comets",
            "Odile Marchetti Quartet",
            "Tram 9 to Nowhere",
            "Northern Harbour Choir: Songs for Low Tide",
            "Sable & the Slow Rivers",
            "An Evening of Lanterns with the Halvora Philharmonic",
            "Grand Organ by Candlelight",
            "Mira Sølveig, Acoustic",
            "The Copper Wires",
            "Rosalba Quint sings Boleros",
            "Foghorn Brass Band",
            "Electric Gardens",
            "Kettle Black",
            "Second-Hand Moons",
            "Halvora Philharmonic: The Four Bridges",
        ),
        venues=(OPERA, GASWORKS, QUAY, CELLAR),
        price=(14, 95),
        hours=("19:30", "20:00", "21:00"),
        minutes=(90, 105, 120, 150),
        most_dates=3,
    ),
    Kind(
        titles=(
            "The Clockmaker's Daughters",
            "A House with Eleven Doors",
            "Night Ferry",
            "The Understudy Returns",
            "Ink & Salt",
            "Three Winters in Halvora",
            "The Cartographer",
            "Letters Never Sent",
            "The Weather Museum",
            "Mrs Albertine Regrets",
        ),
        venues=(PLAYHOUSE, OPERA),
        price=(12, 58),
        hours=("17:00", "19:00", "20:30"),
        minutes=(85, 110, 135),
        most_dates=10,
    ),
    Kind(
        titles=(
            "Benno Tarr: Mostly Apologies",
            "Late Tram Comedy Night",
            "Improvised Opera (Nobody Can Sing)",
            "Dora Finch: Local Expert",
            "Two Uncles and a Piano",
            "Open Mic at the Cellar",
            "Pilar Oakes: Indoor Voice",
            "The Wrong Keynote",
        ),
        venues=(CELLAR, PLAYHOUSE, GASWORKS),
        price=(8, 36),
        hours=("20:00", "21:30", "22:15"),
        minutes=(60, 75, 90),
        most_dates=5,
    ),
    Kind(
        titles=(
            "A Hundred Years of Neon",
            "Maps of Cities That Never Were",
            "Glass, Smoke, Water",
            "The Night Photographer: Ilse Brandt",
            "Lighthouses: A Retrospective",
            "Toys from the Lamp Factory",
        ),
        venues=(MUSEUM,),
        price=(5, 18),
        hours=("10:00",),
        minutes=tuple(days * 24 * 60 + 8 * 60 for days in (0, 6, 13, 20)),
        most_dates=3,
    ),
    Kind(
        titles=(
            "Circo Meridiano",
            "The Gravity Sisters",
            "Cirque des Lucioles",
            "The Last Human Cannonball",
            "Pocket Circus for Small People",
        ),
        venues=(BIG_TOP,),
        price=(16, 64),
        hours=("12:00", "16:30", "19:30"),
        minutes=(100, 120),
        most_dates=9,
    ),
)
"""Concerts, theatre, comedy, exhibitions, circus."""

REPERTOIRE = [(title, kind) for kind in KINDS for title in kind.titles]


class Programme:
    """Draws everything from `Random.random()`, the one method whose values Python keeps."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def lines(self) -> Iterator[str]:
        yield '<?xml version="1.0" encoding="UTF-8"?>'
        yield '<planList version="1.0">'
        yield "  <output>"
        base_id, plan_id, last = 1000, 50_000, 50_000 + PLANS
        while plan_id < last:
            # Once through the repertoire is not a season: the second time it is another run.
            for title, kind in sorted(REPERTOIRE, key=lambda _: self._random.random()):
                dates = min(1 + self._below(kind.most_dates), last - plan_id)
                if dates:
                    base_id += 1 + self._below(9)
                    yield from self._base(title, kind, base_id, range(plan_id, plan_id + dates))
                    plan_id += dates
        yield "  </output>"
        yield "</planList>"

    def _base(self, title: str, kind: Kind, base_id: int, plan_ids: range) -> Iterator[str]:
        venue = self._one(kind.venues)
        mode = "offline" if title in OFFLINE else "online"
        cheapest, dearest = kind.price
        top = cheapest + self._below(dearest - cheapest)
        hour, minutes = self._one(kind.hours), self._one(kind.minutes)
        day = OPENING + timedelta(days=self._below(DAYS))
        on_sale = day - timedelta(days=30 + self._below(90))
        yield (
            f'    <base_plan base_plan_id="{base_id}" sell_mode="{mode}" '
            f'organizer_company_id="{venue.organizer}" title={quoteattr(title)}>'
        )
        for plan_id in plan_ids:
            starts = datetime.fromisoformat(f"{day:%Y-%m-%d}T{hour}")
            ends = starts + timedelta(minutes=minutes)
            closes = starts - timedelta(minutes=self._one((10, 60, 120)))
            sold_out = self._random.random() < 0.08
            yield (
                f'      <plan plan_id="{plan_id}" plan_start_date="{starts:{WALL}}" '
                f'plan_end_date="{ends:{WALL}}" sell_from="{on_sale:{WALL}}" '
                f'sell_to="{closes:{WALL}}" sold_out="{str(sold_out).lower()}">'
            )
            for rank, (zone_id, name, places, numbered) in enumerate(venue.zones):
                left = 0 if sold_out or self._random.random() < 0.12 else 1 + self._below(places)
                price = max(cheapest, 2 * top * 72**rank // 100**rank / 2)
                yield (
                    f'        <zone zone_id="{zone_id}" capacity="{left}" price="{price:.2f}" '
                    f'name={quoteattr(name)} numbered="{str(numbered).lower()}"/>'
                )
            yield "      </plan>"
            day = ends.replace(hour=0, minute=0) + timedelta(days=1 + self._below(3))
        yield "    </base_plan>"

    def _below(self, end: int) -> int:
        return int(self._random.random() * end)

    def _one(self, choices: Sequence[_T]) -> _T:
        return choices[self._below(len(choices))]


def feed() -> str:
    return "\n".join(Programme(SEED).lines()) + "\n"


if __name__ == "__main__":
    # Bytes, for the encoding and the ends of lines of a console are not those of the file.
    sys.stdout.buffer.write(feed().encode())
