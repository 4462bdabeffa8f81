"""The XML feed: three vocabularies, bad plans, and files that are no feed."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from contexts.events.application.ports import FeedFailed, Format, Plan
from contexts.events.domain.offer import Zone
from contexts.events.domain.provider_run import Quarantined
from contexts.events.infrastructure.feeds import fields
from contexts.events.infrastructure.feeds.formats import PARSERS, sniff
from contexts.events.infrastructure.feeds.xml_feed import parse_xml_feed

ZONE = '<zone zone_id="40" capacity="243" price="20.00" name="Stalls" numbered="true"/>'


def zone(**changed: str | None) -> str:
    stated: dict[str, str | None] = {
        "zone_id": "40",
        "capacity": "243",
        "price": "20.00",
        "name": "Stalls",
    }
    return f"<zone {attributes(stated | changed)}/>"


def plan(*, zones: str = ZONE, **changed: str | None) -> str:
    stated: dict[str, str | None] = {
        "plan_id": "7",
        "plan_start_date": "2026-06-30T21:00:00",
        "plan_end_date": "2026-06-30T23:00:00",
        "sell_from": "2026-01-01T00:00:00",
        "sell_to": "2026-06-30T20:00:00",
        "sold_out": "false",
    }
    return f"<plan {attributes(stated | changed)}>{zones}</plan>"


def base(*plans: str, **changed: str | None) -> str:
    stated = {"base_plan_id": "29", "sell_mode": "online", "title": "The Lamplighters"} | changed
    return f"<base_plan {attributes(stated)}>{''.join(plans)}</base_plan>"


def attributes(stated: dict[str, str | None]) -> str:
    return " ".join(f'{name}="{value}"' for name, value in stated.items() if value is not None)


def feed(*bases: str) -> str:
    return f'<?xml version="1.0"?>\n<planList><output>{"".join(bases)}</output></planList>'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feed.xml"


def read(file: Path, content: str | bytes) -> list[Plan | Quarantined]:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(parse_xml_feed(file))


def read_one(file: Path, *plans: str, **of_base: str | None) -> Plan:
    [only] = read(file, feed(base(*plans, **of_base)))
    assert isinstance(only, Plan), only
    return only


def set_aside(file: Path, *plans: str, **of_base: str | None) -> str:
    [only] = read(file, feed(base(*plans, **of_base)))
    assert isinstance(only, Quarantined), only
    return f"{only.ref} {only.reason}"


def failure(file: Path, content: str | bytes) -> str:
    with pytest.raises(FeedFailed) as failed:
        read(file, content)
    return str(failed.value)


def test_a_plan_of_2025_is_read_whole(file: Path) -> None:
    assert read_one(file, plan(), organizer_company_id="2") == Plan(
        base_id="29",
        plan_id="7",
        title="The Lamplighters",
        starts_at=datetime(2026, 6, 30, 21),
        ends_at=datetime(2026, 6, 30, 23),
        sell_mode="online",
        sell_from=datetime(2026, 1, 1),
        sell_to=datetime(2026, 6, 30, 20),
        sold_out=False,
        organizer="2",
        zones=(Zone("40", "Stalls", Decimal("20.00"), 243, True),),
    )


def test_the_words_of_2021_mean_the_same(file: Path) -> None:
    old = feed(base(plan())).replace("plan", "event")
    assert read(file, old) == read(file, feed(base(plan())))


def test_in_2019_an_event_has_one_date_and_zones_a_maximum_price(file: Path) -> None:
    old = feed(base(plan(plan_end_date=None, zones=ZONE + ZONE))).replace("plan", "event")
    old = old.replace("event_start_date", "event_date").replace(" price=", " max_price=")
    [read_] = read(file, old)
    assert isinstance(read_, Plan)
    assert (read_.starts_at, read_.ends_at) == (datetime(2026, 6, 30, 21), None)
    assert [zone.price for zone in read_.zones] == [Decimal("20.00")] * 2


def test_zones_are_a_list_in_which_ids_may_repeat(file: Path) -> None:
    zones = read_one(file, plan(zones=zone(price="65") + zone(price="75"))).zones
    assert [(zone.zone_id, zone.price) for zone in zones] == [
        ("40", Decimal(65)),
        ("40", Decimal(75)),
    ]


def test_what_is_no_zone_is_passed_over(file: Path) -> None:
    zones = read_one(file, plan(zones=f"<note>new</note><!-- x --><?x y?>{ZONE}&#10;")).zones
    assert len(zones) == 1
    assert read_one(file, plan(zones="")).zones == ()


def test_a_plan_with_an_impossible_date_is_set_aside_and_the_rest_goes_on(file: Path) -> None:
    bad = plan(plan_id="8", plan_start_date="2021-09-31T20:00:00")
    before, aside, after = read(file, feed(base(plan(), bad, plan(plan_id="9"))))
    assert isinstance(before, Plan)
    assert aside == Quarantined("plan_start_date '2021-09-31T20:00:00' is not a date", "29", "8")
    assert isinstance(after, Plan)
    assert after.plan_id == "9"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-06-30T21:05", datetime(2026, 6, 30, 21, 5)),
        ("2026-06-30 21:05:06", datetime(2026, 6, 30, 21, 5, 6)),
        ("2026-06-30T21:05:06.5", datetime(2026, 6, 30, 21, 5, 6, 500_000)),
        ("2026-06-30T21:05:06.123456789", datetime(2026, 6, 30, 21, 5, 6, 123_456)),
        (" 2026-06-30T21:05:06 ", datetime(2026, 6, 30, 21, 5, 6)),
    ],
)
def test_a_date_may_be_written_in_several_ways(file: Path, written: str, meant: datetime) -> None:
    assert read_one(file, plan(plan_start_date=written)).starts_at == meant


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"plan_start_date": None}, "plan_start_date is missing"),
        ({"plan_start_date": ""}, "plan_start_date '' is not a date"),
        ({"plan_start_date": "20260630"}, "plan_start_date '20260630' is not a date"),
        ({"plan_start_date": "2026-06-30"}, "plan_start_date '2026-06-30' is not a date"),
        ({"plan_start_date": "2026-06-30T24:01"}, "'2026-06-30T24:01' is not a date"),
        ({"plan_start_date": "0000-00-00T00:00:00"}, "is not a date"),
        ({"plan_start_date": "٢٠٢٦-06-30T21:00"}, "is not a date"),
        ({"plan_start_date": "1026-06-30T21:00"}, "lies outside 1900-9998"),
        ({"plan_start_date": "2026-06-30T21:00:00Z"}, "has an offset, where feeds use local"),
        ({"plan_start_date": "2026-06-30T21:00:00+02:00"}, "has an offset, where feeds use local"),
        ({"plan_end_date": "2026-06-30T20:59:59"}, "plan_end_date lies before plan_start_date"),
        ({"plan_end_date": "soon"}, "plan_end_date 'soon' is not a date"),
        ({"plan_id": None}, "29:? plan_id is missing"),
        ({"plan_id": "  "}, "29:? plan_id is empty"),
        ({"sold_out": "maybe"}, "sold_out 'maybe' is neither true nor false"),
    ],
)
def test_a_plan_that_cannot_be_read_is_set_aside(
    file: Path, changed: dict[str, str | None], reason: str
) -> None:
    assert reason in set_aside(file, plan(zones=ZONE, **changed))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"base_plan_id": None}, "?:7 base_plan_id is missing"),
        ({"title": " "}, "title is empty"),
        ({"title": "x" * 1001}, "title has 1001 characters, 1000 are allowed"),
        ({"sell_mode": "by post"}, "sell_mode 'by post' is neither 'online' nor 'offline'"),
        ({"sell_mode": None}, "sell_mode is missing"),
    ],
)
def test_what_a_base_lacks_its_plans_lack(
    file: Path, changed: dict[str, str | None], reason: str
) -> None:
    assert reason in set_aside(file, plan(), **changed)


@pytest.mark.parametrize(
    "price",
    [
        "",
        "free",
        "-1.00",
        "-0",
        "NaN",
        "Infinity",
        "1e3",
        "1_000",
        "1.000,50",
        "1,234",
        "٣",
        "1" * 13,
    ],
)
def test_a_price_that_is_none_sets_the_plan_aside(file: Path, price: str) -> None:
    reason = set_aside(file, plan(zones=ZONE + zone(zone_id="41", price=price)))
    assert reason == f"29:7 zone '41': price {price!r} is not a price"


@pytest.mark.parametrize(
    ("written", "meant"),
    [("20.00", "20.00"), ("20,00", "20.00"), ("20", "20"), ("0.5", "0.5"), (" 9.999 ", "9.999")],
)
def test_a_price_keeps_the_digits_it_was_written_with(file: Path, written: str, meant: str) -> None:
    assert str(read_one(file, plan(zones=zone(price=written))).zones[0].price) == meant


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"capacity": "-3"}, "zone '40': capacity '-3' is not a number of places"),
        ({"capacity": "many"}, "zone '40': capacity 'many' is not a number of places"),
        ({"capacity": "1.5"}, "zone '40': capacity '1.5' is not a number of places"),
        ({"capacity": "9" * 10}, "is not a number of places"),
        ({"capacity": None}, "zone '40': capacity is missing"),
        ({"price": None}, "zone '40': price is missing"),
        ({"numbered": "si"}, "zone '40': numbered 'si' is neither true nor false"),
        ({"zone_id": None}, "29:7 zone_id is missing"),
        ({"name": "x" * 2000}, "zone '40': name has 2000 characters"),
    ],
)
def test_a_zone_that_cannot_be_read_sets_its_plan_aside(
    file: Path, changed: dict[str, str | None], reason: str
) -> None:
    assert reason in set_aside(file, plan(zones=zone(**changed)))


@pytest.mark.parametrize(
    ("written", "meant"),
    [("TRUE", True), ("1", True), ("False", False), ("0", False), (None, False)],
)
def test_a_flag_may_be_a_word_or_a_digit(file: Path, written: str | None, meant: bool) -> None:
    read_ = read_one(file, plan(sold_out=written, zones=zone(numbered=written)))
    assert (read_.sold_out, read_.zones[0].numbered) == (meant, meant)


def test_a_bad_sale_window_does_not_drop_the_plan(file: Path) -> None:
    half = read_one(file, plan(sell_to="2021-09-31T19:50:00"))
    assert (half.sell_from, half.sell_to) == (datetime(2026, 1, 1), None)
    inverted = read_one(file, plan(sell_to="2025-01-01T00:00:00"))
    assert (inverted.sell_from, inverted.sell_to) == (None, None)
    absent = read_one(file, plan(sell_from=None, sell_to=None))
    assert (absent.sell_from, absent.sell_to) == (None, None)


def test_plan_ids_repeat_under_other_bases_but_not_under_their_own(file: Path) -> None:
    first, twin, other = read(
        file,
        feed(
            base(plan(), plan(plan_start_date="2026-06-30T22:00")), base(plan(), base_plan_id="30")
        ),
    )
    assert isinstance(first, Plan)
    assert twin == Quarantined("occurs twice in this feed", "29", "7")
    assert isinstance(other, Plan)


def test_space_around_ids_and_titles_and_what_cannot_be_stored_is_stripped(file: Path) -> None:
    read_ = read_one(file, plan(plan_id=" 7&#9;"), title="&#10; Night&#x85;&#9;Lights ")
    assert (read_.plan_id, read_.title) == ("7", "Night Lights")


def test_a_plan_outside_a_base_is_set_aside(file: Path) -> None:
    assert read(file, feed(plan())) == [Quarantined("stands outside a base_plan", None, "7")]


@pytest.mark.parametrize("zones", [10_001, 60_000])
def test_a_plan_with_too_many_zones_is_set_aside(file: Path, zones: int) -> None:
    reason = "has more than 10000 zones"
    aside, other = read(file, feed(base(plan(zones=ZONE * zones), plan(plan_id="8"))))
    assert aside == Quarantined(reason, "29", "7")
    assert isinstance(other, Plan)


def test_plans_across_the_edges_of_chunks_are_read_whole(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = feed(*(base(plan(zones=ZONE * 3), base_plan_id=str(n)) for n in range(20)))
    at_once = read(file, content)
    monkeypatch.setattr("contexts.events.infrastructure.feeds.xml_feed.CHUNK", 7)
    assert read(file, content) == at_once
    assert len(at_once) == 20


def test_a_feed_in_another_encoding_is_read(file: Path) -> None:
    content = feed(base(plan(), title="Ñandú")).replace('"1.0"', '"1.0" encoding="ISO-8859-1"')
    [latin] = read(file, content.encode("latin-1"))
    [wide] = read(file, content.replace("ISO-8859-1", "UTF-16").encode("utf-16"))
    assert latin == wide
    assert isinstance(latin, Plan)
    assert latin.title == "Ñandú"
    assert sniff(file) is PARSERS["xml"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "the feed is empty"),
        ("   \n", "the feed is not well-formed XML"),
        ("<!DOCTYPE html><html><body><br></body></html>", "the feed is an HTML page"),
        ("<html><br></html>", "the feed is an HTML page"),
        ("<programme/>", "the root element is 'programme', not eventList or planList"),
        ("Service unavailable", "the feed is not well-formed XML"),
        ('{"@type": "Event"}', "the feed is not well-formed XML"),
        ("<planList><output>", "the feed is not well-formed XML"),
        ("<planList><output></planList>", "the feed is not well-formed XML"),
        ("<planList/>", "the feed is well-formed but has no plans in it"),
        (feed(base()), "the feed is well-formed but has no plans in it"),
        (feed(base(plan())).replace("plan", "event").replace("eventList", "planList"), "no plans"),
        (feed(base(plan(plan_id="&who;"))), "the feed is not well-formed XML"),
        (feed(base(plan(plan_id="&#0;"))), "the feed is not well-formed XML"),
        (feed(base(plan())) + "<more/>", "the feed is not well-formed XML"),
    ],
)
def test_what_is_no_feed_fails_with_a_reason(file: Path, content: str, reason: str) -> None:
    assert reason in failure(file, content)


def test_a_feed_that_ends_early_fails_after_the_plans_it_had(file: Path) -> None:
    whole = feed(*(base(plan(zones=ZONE * 100), base_plan_id=str(n)) for n in range(40)))
    file.write_text(whole[: len(whole) - 200])
    plans = parse_xml_feed(file)
    assert isinstance(next(plans), Plan)
    with pytest.raises(FeedFailed, match="not well-formed"):
        list(plans)


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE planList [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]>',
        '<!DOCTYPE planList [<!ENTITY c SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE planList SYSTEM "http://127.0.0.1:1/feed.dtd">',
        '<!DOCTYPE planList [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>',
        f"<!--{'x' * 200_000}--><!DOCTYPE planList>",
    ],
)
def test_entities_are_never_expanded(file: Path, declared: str) -> None:
    content = declared + base(plan(plan_id="&c;")).join(("<planList>", "</planList>"))
    assert failure(file, content) == "the feed declares a document type, which feeds don't"


def test_a_file_that_is_not_there_fails(file: Path) -> None:
    with pytest.raises(FeedFailed, match="cannot be read: No such file"):
        list(parse_xml_feed(file))


def test_a_reason_stays_short_whatever_the_feed_holds(file: Path) -> None:
    reason = set_aside(file, plan(plan_id="9" * 5000, sold_out="y" * 5000))
    assert len(reason) < 300


def test_remembered_readings_are_bounded() -> None:
    prices = fields.Remembered(fields.price, at_most=2)
    assert [prices[f"{n}"] for n in range(5)] == [Decimal(n) for n in range(5)]
    assert len(prices) <= 2
    assert fields.Remembered(fields.text)[" " * 201] == ""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xef\xbb\xbf <!doctype HTML>", "is an HTML page"),
        (b"%PDF-1.7", "neither XML nor JSON: it begins with '%PDF-1.7'"),
    ],
)
def test_a_file_in_no_known_format_is_refused(file: Path, content: bytes, reason: str) -> None:
    file.write_bytes(content)
    with pytest.raises(FeedFailed, match=reason):
        sniff(file)


@pytest.mark.parametrize(
    ("content", "format_"),
    [(b"\xef\xbb\xbf\n<a/>", "xml"), (b' {"a": 1}', "json-ld"), (b"\n[]", "json-ld")],
)
def test_the_first_character_tells_the_format(file: Path, content: bytes, format_: Format) -> None:
    file.write_bytes(content)
    assert sniff(file) is PARSERS[format_]
