"""Invents two years of the programme in Halvora, a city of lamps that is on no map.

    python -m samples.make_feed > src/samples/city_of_lights.xml

The same seed gives the same bytes; a test compares them with the file that is kept. Every weekend
has something of most kinds, so that whoever asks what is on finds it on any day of those years.
"""

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar
from xml.sax.saxutils import quoteattr

import msgspec

SEED = 1879
OPENING = datetime(2026, 8, 31)
"""The Monday of the first week."""
WEEKS = 105
OFFLINE = {"Open Mic at the Cellar", "Toys from the Lamp Factory: Exhibition"}
"""Sold at the door alone."""

WALL = "%Y-%m-%dT%H:%M:%S"

_T = TypeVar("_T")


class Venue(msgspec.Struct, frozen=True):
    """Where a kind of event takes place: zone ids, names, places, numbered seats or not."""

    organizer: int
    zones: tuple[tuple[int, str, int, bool], ...]


class Kind(msgspec.Struct, frozen=True):
    """What distinguishes concerts from circuses: titles, venues, prices, hours, lengths. Titles
    name their kind, for a feed has no other place to tell it."""

    titles: tuple[str, ...]
    venues: tuple[Venue, ...]
    price: tuple[int, int]
    hours: tuple[str, ...]
    minutes: tuple[int, ...]
    most_dates: int


class Slot(msgspec.Struct, frozen=True):
    """A place in the week that something always runs in: on one of the `days` (0 is Monday), once
    in so many weeks. What `always` has places is never sold out."""

    kind: Kind
    days: tuple[int, ...]
    every: int = 1
    always: bool = False


class Run(msgspec.Struct, frozen=True):
    """One title on some days, at the same hour."""

    title: str
    slot: Slot
    days: tuple[datetime, ...]


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

SMALL_CONCERTS = Kind(
    titles=(
        "Odile Marchetti Quartet: Jazz Concert",
        "Blue Kiosk Trio: Jazz Concert",
        "Umber Quintet: Jazz Concert",
        "Mira Sølveig: Acoustic Concert",
        "Rosalba Quint: A Concert of Boleros",
        "Tram 9 to Nowhere: Indie Rock Concert",
        "Sable & the Slow Rivers: Blues Concert",
        "Kettle Black: Folk Concert",
        "Second-Hand Moons in Concert",
        "The Copper Wires: Guitar Concert",
        "Foghorn Brass Band: Brass Concert",
        "Northern Harbour Choir: A Concert for Low Tide",
        "Ada Linden: Piano Concert",
        "Quay Street Strings: Chamber Music Concert",
    ),
    venues=(CELLAR, CELLAR, QUAY),
    price=(9, 26),
    hours=("18:30", "20:00", "21:00"),
    minutes=(75, 90, 105),
    most_dates=2,
)
LARGE_CONCERTS = Kind(
    titles=(
        "The Lamplighters in Concert",
        "Paper Comets: Rock Concert",
        "Electric Gardens: Electronic Music Concert",
        "Nine Bright Windows: Pop Concert",
        "The Ember Sisters: Soul Concert",
        "Concert of Lanterns with the Halvora Philharmonic",
        "Halvora Philharmonic: The Four Bridges, Symphonic Concert",
        "Grand Organ Concert by Candlelight",
    ),
    venues=(OPERA, GASWORKS, QUAY),
    price=(22, 95),
    hours=("19:30", "20:00", "21:00"),
    minutes=(105, 120, 150),
    most_dates=3,
)
THEATRE = Kind(
    titles=(
        "The Clockmaker's Daughters: Theatre in Two Acts",
        "A House with Eleven Doors: Theatre Comedy",
        "Night Ferry: Theatre Thriller",
        "The Understudy Returns: Theatre Comedy",
        "Ink & Salt: Theatre in Two Acts",
        "Three Winters in Halvora: Theatre in Three Acts",
        "The Cartographer: Theatre for One Actor",
        "Letters Never Sent: Theatre for Two Voices",
        "The Weather Museum: Musical Theatre",
        "Mrs Albertine Regrets: Theatre Comedy",
    ),
    venues=(PLAYHOUSE, PLAYHOUSE, OPERA),
    price=(12, 58),
    hours=("17:00", "19:00", "20:30"),
    minutes=(85, 110, 135),
    most_dates=5,
)
COMEDY = Kind(
    titles=(
        "Benno Tarr: Mostly Apologies, Stand-up Comedy",
        "Late Tram Comedy Night",
        "Improvised Opera (Nobody Can Sing): Comedy",
        "Dora Finch, Local Expert: Stand-up Comedy",
        "Two Uncles and a Piano: Musical Comedy",
        "Open Mic at the Cellar",
        "Pilar Oakes: Indoor Voice, Stand-up Comedy",
        "The Wrong Keynote: Comedy",
    ),
    venues=(CELLAR, PLAYHOUSE),
    price=(8, 36),
    hours=("20:00", "21:30", "22:15"),
    minutes=(60, 75, 90),
    most_dates=3,
)
FAMILY = Kind(
    titles=(
        "Circus Meridiano",
        "The Gravity Sisters: Circus for the Family",
        "Cirque des Lucioles: Circus of Lights",
        "The Last Human Cannonball: Circus",
        "Pocket Circus for Kids",
        "The Snail's Errand: Puppet Theatre for Kids",
        "Moth and Lamp: Shadow Theatre for Kids",
        "The Elephant Learns the Drums: Concert for Kids",
        "Professor Umbral's Magic Show for Kids",
    ),
    venues=(BIG_TOP, PLAYHOUSE),
    price=(10, 44),
    hours=("11:30", "12:00", "16:30"),
    minutes=(60, 100),
    most_dates=3,
)
EXHIBITIONS = Kind(
    titles=(
        "A Hundred Years of Neon: Exhibition",
        "Maps of Cities That Never Were: Exhibition",
        "Glass, Smoke, Water: Exhibition",
        "The Night Photographer: Ilse Brandt, Exhibition",
        "Lighthouses: Exhibition",
        "Toys from the Lamp Factory: Exhibition",
    ),
    venues=(MUSEUM,),
    price=(5, 18),
    hours=("10:00",),
    minutes=tuple(days * 24 * 60 + 8 * 60 for days in (6, 13, 20)),
    most_dates=1,
)

WEEK = (
    Slot(SMALL_CONCERTS, (5,), always=True),
    Slot(SMALL_CONCERTS, (6,)),
    Slot(LARGE_CONCERTS, (4, 5)),
    Slot(THEATRE, (5, 6)),
    Slot(FAMILY, (6,)),
    Slot(COMEDY, (2, 3, 4, 5)),
    Slot(EXHIBITIONS, (1, 5), every=5),
)


class Programme:
    """Draws everything from `Random.random()`, the one method whose values Python keeps."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def lines(self) -> Iterator[str]:
        yield '<?xml version="1.0" encoding="UTF-8"?>'
        yield '<planList version="1.0">'
        yield "  <output>"
        base_id, plan_id = 1000, 50_000
        runs = [run for slot in WEEK for run in self._runs(slot)]
        for run in sorted(runs, key=lambda run: run.days[0]):
            base_id += 1 + self._below(9)
            yield from self._base(run, base_id, plan_id)
            plan_id += len(run.days)
        yield "  </output>"
        yield "</planList>"

    def _runs(self, slot: Slot) -> Iterator[Run]:
        """One after the other, through all titles before any comes back."""
        week, titles = 0, list[str]()
        while week < WEEKS:
            if not titles:
                titles = sorted(slot.kind.titles, key=lambda _: self._random.random())
            weeks = range(week, WEEKS, slot.every)[: 1 + self._below(slot.kind.most_dates)]
            day = OPENING + timedelta(days=self._one(slot.days))
            yield Run(titles.pop(), slot, tuple(day + timedelta(weeks=at) for at in weeks))
            week = weeks[-1] + slot.every

    def _base(self, run: Run, base_id: int, plan_id: int) -> Iterator[str]:
        kind = run.slot.kind
        venue = self._one(kind.venues)
        mode = "offline" if run.title in OFFLINE else "online"
        cheapest, dearest = kind.price
        top = cheapest + self._below(dearest - cheapest)
        hour, minutes = self._one(kind.hours), self._one(kind.minutes)
        on_sale = run.days[0] - timedelta(days=30 + self._below(90))
        yield (
            f'    <base_plan base_plan_id="{base_id}" sell_mode="{mode}" '
            f'organizer_company_id="{venue.organizer}" title={quoteattr(run.title)}>'
        )
        for number, day in enumerate(run.days, plan_id):
            starts = datetime.fromisoformat(f"{day:%Y-%m-%d}T{hour}")
            ends = starts + timedelta(minutes=minutes)
            closes = starts - timedelta(minutes=self._one((10, 60, 120)))
            sold_out = not run.slot.always and self._random.random() < 0.09
            yield (
                f'      <plan plan_id="{number}" plan_start_date="{starts:{WALL}}" '
                f'plan_end_date="{ends:{WALL}}" sell_from="{on_sale:{WALL}}" '
                f'sell_to="{closes:{WALL}}" sold_out="{str(sold_out).lower()}">'
            )
            for rank, (zone_id, name, places, numbered) in enumerate(venue.zones):
                gone = sold_out or (self._random.random() < 0.12 and not run.slot.always)
                left = 0 if gone else 1 + self._below(places)
                price = max(cheapest, 2 * top * 72**rank // 100**rank / 2)
                yield (
                    f'        <zone zone_id="{zone_id}" capacity="{left}" price="{price:.2f}" '
                    f'name={quoteattr(name)} numbered="{str(numbered).lower()}"/>'
                )
            yield "      </plan>"
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
