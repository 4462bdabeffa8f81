"""The JSON-LD feed: what schema.org's words mean here, and the stream beneath."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contexts.events.application.ports import FeedFailed, Plan
from contexts.events.domain.offer import Zone
from contexts.events.domain.provider_run import Quarantined
from contexts.events.infrastructure.feeds import json_stream
from contexts.events.infrastructure.feeds.json_ld_feed import parse_json_ld_feed

STALLS = {"@type": "Offer", "name": "Stalls", "price": "20.00", "inventoryLevel": {"value": 12}}


def event(**changed: Any) -> dict[str, Any]:
    stated = {
        "@context": "https://schema.org",
        "@type": "MusicEvent",
        "@id": "https://lamp.example/7",
        "name": "The Lamplighters",
        "startDate": "2026-06-30T21:00:00",
        "offers": STALLS,
    }
    return {name: value for name, value in (stated | changed).items() if value is not None}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feed.json"


def read(file: Path, content: Any) -> list[Plan | Quarantined]:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    file.write_bytes(raw)
    return list(parse_json_ld_feed(file))


def read_one(file: Path, **changed: Any) -> Plan:
    [only] = read(file, event(**changed))
    assert isinstance(only, Plan), only
    return only


def set_aside(file: Path, **changed: Any) -> str:
    [only] = read(file, event(**changed))
    assert isinstance(only, Quarantined), only
    return f"{only.ref} {only.reason}"


def failure(file: Path, content: Any) -> str:
    with pytest.raises(FeedFailed) as failed:
        read(file, content)
    return str(failed.value)


def test_an_event_is_read_whole(file: Path) -> None:
    offer = STALLS | {
        "sku": "A",
        "availabilityStarts": "2026-01-01T10:00",
        "availabilityEnds": "2026-06-30T20:00:00+02:00",
    }
    read_ = read_one(
        file,
        endDate="2026-06-30T23:00:00+02:00",
        superEvent={"@id": "tour-3"},
        organizer={"@type": "Organization", "name": "Lamp & Co"},
        offers=[offer],
    )
    assert read_ == Plan(
        base_id="tour-3",
        plan_id="https://lamp.example/7",
        title="The Lamplighters",
        starts_at=datetime(2026, 6, 30, 21),
        ends_at=datetime(2026, 6, 30, 23),
        sell_mode="online",
        sell_from=datetime(2026, 1, 1, 10),
        sell_to=datetime(2026, 6, 30, 20),
        sold_out=False,
        organizer="Lamp & Co",
        zones=(Zone("A", "Stalls", Decimal("20.00"), 12),),
    )


@pytest.mark.parametrize(
    "around",
    [
        lambda one, two: [one, two],
        lambda one, two: {"@context": "https://schema.org", "@graph": [one, two]},
        lambda one, two: {"@graph": [{"@type": "Place", "name": "Hall"}, one, two], "name": "x"},
        lambda one, two: {
            "@type": "ItemList",
            "itemListElement": [{"@type": "ListItem", "item": each} for each in (one, two)],
        },
        lambda one, two: [{"@type": "ItemList", "itemListElement": [one, {"@type": ["x"]}, two]}],
    ],
)
def test_events_may_come_in_an_array_a_graph_or_a_list(file: Path, around: Any) -> None:
    plans = read(file, around(event(), event(**{"@id": "8"})))
    assert [plan.plan_id for plan in plans if isinstance(plan, Plan)] == [
        "https://lamp.example/7",
        "8",
    ]


@pytest.mark.parametrize(
    "type_", ["Event", "https://schema.org/TheaterEvent", "schema:Event", ["Thing", "DanceEvent"]]
)
def test_every_kind_of_event_counts(file: Path, type_: Any) -> None:
    assert read_one(file, **{"@type": type_}).title == "The Lamplighters"


def test_an_event_goes_by_its_id_its_identifier_or_its_url(file: Path) -> None:
    by = {"identifier": {"@type": "PropertyValue", "value": 12}, "url": "https://lamp.example/x"}
    assert read_one(file, **by).plan_id == "https://lamp.example/7"
    alone = read_one(file, **by | {"@id": None})
    assert (alone.base_id, alone.plan_id) == ("12", "12")
    assert read_one(file, **by | {"@id": None, "identifier": None}).plan_id == by["url"]
    assert read_one(file, superEvent="tour-3").base_id == "tour-3"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-06-30T21:00:00+02:00", datetime(2026, 6, 30, 21)),
        ("2026-06-30T21:00-0500", datetime(2026, 6, 30, 21)),
        ("2026-06-30T21:00:00.000", datetime(2026, 6, 30, 21)),
        ("2026-06-30", datetime(2026, 6, 30)),
    ],
)
def test_a_start_is_the_wall_time_as_written(file: Path, written: str, meant: datetime) -> None:
    assert read_one(file, startDate=written).starts_at == meant


def test_an_end_without_a_time_is_the_end_of_that_day(file: Path) -> None:
    assert read_one(file, endDate="2026-06-30").ends_at == datetime(2026, 6, 30, 23, 59, 59)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"startDate": None}, "startDate is missing"),
        ({"startDate": "2026-06-31"}, "startDate '2026-06-31' is not a date"),
        ({"startDate": "2026-06-30T19:00:00Z"}, "is in UTC, which does not tell the local time"),
        ({"startDate": "2026-06-30+02:00"}, "is not a date"),
        ({"startDate": 20260630}, "startDate '20260630' is not a date"),
        ({"endDate": "2026-06-29"}, "endDate lies before startDate"),
        ({"name": None}, "name is missing"),
        ({"name": {"@value": " "}}, "name is empty"),
        ({"@id": None}, "?:? superEvent is missing"),
        ({"offers": {"price": "much"}}, "offer '0': price 'much' is not a price"),
        ({"offers": {"price": -2}}, "offer '0': price '-2' is not a price"),
        ({"offers": {"price": True}}, "offer '0': price is missing"),
        ({"offers": {"sku": "A"}}, "offer 'A': price is missing"),
        ({"offers": {"price": 1, "inventoryLevel": 1.5}}, "inventoryLevel '1.5' is not a number"),
        ({"offers": [{"price": 1}] * 10_001}, "has more than 10000 offers"),
    ],
)
def test_an_event_that_cannot_be_read_is_set_aside(
    file: Path, changed: dict[str, Any], reason: str
) -> None:
    assert reason in set_aside(file, **changed)


@pytest.mark.parametrize(
    ("offers", "prices"),
    [
        (None, []),
        ([], []),
        ({"price": 20.10}, ["20.1"]),
        (b'{"price": 20.10}', ["20.10"]),
        (b'{"price": 2e1}', ["20"]),
        ({"price": "20,50"}, ["20.50"]),
        ({"priceSpecification": {"price": 5}}, ["5"]),
        ({"@type": "AggregateOffer", "lowPrice": 5, "highPrice": "9.5"}, ["5", "9.5"]),
        ({"@type": "AggregateOffer", "lowPrice": 5, "highPrice": 5}, ["5"]),
        ({"@type": "AggregateOffer", "highPrice": 5}, ["5"]),
        ({"@type": "AggregateOffer", "lowPrice": 5, "offers": [{"price": 6}]}, ["6"]),
    ],
)
def test_each_offer_is_a_zone(file: Path, offers: Any, prices: list[str]) -> None:
    if isinstance(offers, bytes):
        stated = json.dumps(event(offers="HERE")).encode().replace(b'"HERE"', offers)
        [plan] = read(file, stated)
    else:
        [plan] = read(file, event(offers=offers))
    assert isinstance(plan, Plan)
    assert [str(zone.price) for zone in plan.zones] == prices


@pytest.mark.parametrize(
    ("stated", "capacity", "sold_out"),
    [
        ({}, 1, False),
        ({"inventoryLevel": 0}, 0, False),
        ({"inventoryLevel": {"@type": "QuantitativeValue", "value": 7}}, 7, False),
        ({"availability": "https://schema.org/SoldOut", "inventoryLevel": 7}, 0, True),
        ({"availability": "OutOfStock"}, 0, True),
        ({"availability": {"@id": "schema:InStock"}}, 1, False),
    ],
)
def test_a_zone_has_the_places_its_offer_states_or_one(
    file: Path, stated: dict[str, Any], capacity: int, sold_out: bool
) -> None:
    plan = read_one(file, offers={"price": 1} | stated)
    assert (plan.zones[0].capacity, plan.sold_out) == (capacity, sold_out)


@pytest.mark.parametrize(
    ("availabilities", "mode"),
    [
        ([], "offline"),
        (["InStoreOnly"], "offline"),
        (["https://schema.org/InStoreOnly", "InStock"], "online"),
        (["SoldOut"], "online"),
        ([None], "online"),
    ],
)
def test_an_event_is_sold_online_unless_only_a_box_office_sells_it(
    file: Path, availabilities: list[str | None], mode: str
) -> None:
    offers = [{"price": 1, "availability": each} for each in availabilities]
    plan = read_one(file, offers=offers, eventAttendanceMode="OnlineEventAttendanceMode")
    assert plan.sell_mode == mode


def test_nothing_of_a_cancelled_event_is_on_sale(file: Path) -> None:
    plan = read_one(file, eventStatus="https://schema.org/EventCancelled")
    assert (plan.sell_mode, plan.sold_out) == ("offline", True)
    assert [zone.capacity for zone in plan.zones] == [0]


def test_a_bad_sale_window_does_not_drop_the_event(file: Path) -> None:
    plan = read_one(file, offers={"price": 1, "validFrom": "2026-13-01", "validThrough": [1]})
    assert (plan.sell_from, plan.sell_to) == (None, None)


def test_an_event_that_occurs_twice_is_set_aside_the_second_time(file: Path) -> None:
    _, twin = read(file, [event(), event(name="Other")])
    assert isinstance(twin, Quarantined)
    assert twin.reason == "occurs twice in this feed"


def test_what_cannot_be_stored_is_taken_out_of_texts(file: Path) -> None:
    assert read_one(file, name="\x00 Night\ud800Lights\n").title == "Night Lights"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the feed is empty"),
        (b"<html>", "neither a JSON object nor an array"),
        (b'"Event"', "neither a JSON object nor an array"),
        (b"[]", "well-formed but has no events in it"),
        (b"{}", "well-formed but has no events in it"),
        (b'[{"@type": "Place"}, 1, null, "x"]', "well-formed but has no events in it"),
        (b'[{"@type": "Event"}', "not well-formed JSON"),
        (b'[{"@type": "Event"},]', "not well-formed JSON"),
        (b'[{"@type": "Event"} {}]', "not well-formed JSON"),
        (b'{"@graph": [] 1}', "not well-formed JSON"),
        (b'{"@graph": [{"@type": "Event"}]', "not well-formed JSON"),
        (b"{1: 2}", "not well-formed JSON"),
        (b"[{}] []", "there is more after its end"),
        (b"[NaN]", "NaN is not a number"),
        (b"[1e99999999999999999999]", "out of range"),
        (b"[" + b"9" * 5000 + b"]", "a number of 5000 digits"),
        (b'["\xff"]', "not encoded in UTF-8"),
        (b"[" * 100_000, "not well-formed JSON"),
        (b'["' + b"x" * 5_000_000 + b'"]', "longer than 4194304 characters"),
        (b'{"a": "' + b'x", "b": "x'.join([b"x" * 3_000_000] * 2) + b'"}', "longer than 4194304"),
    ],
)
def test_what_is_no_feed_fails_with_a_reason(file: Path, content: bytes, reason: str) -> None:
    assert reason in failure(file, content)


def test_a_feed_that_ends_early_fails_after_the_events_it_had(file: Path) -> None:
    whole = json.dumps([event(**{"@id": str(n)}) for n in range(1000)])
    file.write_text(whole[:-50])
    plans = parse_json_ld_feed(file)
    assert isinstance(next(plans), Plan)
    with pytest.raises(FeedFailed, match="not well-formed"):
        list(plans)


def test_a_file_that_is_not_there_fails(file: Path) -> None:
    with pytest.raises(FeedFailed, match="cannot be read: No such file"):
        list(parse_json_ld_feed(file))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, width=32),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
).filter(lambda value: "Infinity" not in json.dumps(value))
in_one_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@in_one_file
@given(st.lists(values), st.sampled_from([None, 2]), st.booleans(), st.integers(1, 9))
def test_streaming_an_array_gives_what_json_loads_gives(
    file: Path, stated: list[Any], indent: int | None, escaped: bool, chunk: int
) -> None:
    file.write_text(
        json.dumps(stated, indent=indent, ensure_ascii=escaped), "utf-8", "surrogatepass"
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_stream, "CHUNK", chunk)
        assert list(json_stream.elements(file, ())) == expected(file)


@in_one_file
@given(st.dictionaries(st.text() | st.just("@graph"), values), st.integers(1, 9))
def test_streaming_an_object_gives_its_arrays_or_itself(
    file: Path, stated: dict[str, Any], chunk: int
) -> None:
    file.write_text(json.dumps(stated), "utf-8")
    whole = expected(file)
    listed = whole.get("@graph")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_stream, "CHUNK", chunk)
        streamed = list(json_stream.elements(file, ("@graph",)))
    assert streamed == (listed if isinstance(listed, list) else [whole])


@in_one_file
@given(st.text(alphabet='[]{}",:\\ 1-.eEtruenulx\n', max_size=12), st.integers(1, 9))
def test_the_stream_refuses_what_json_loads_refuses(file: Path, text: str, chunk: int) -> None:
    file.write_text(text, "utf-8")
    try:
        whole = expected(file)
    except ValueError:
        whole = None
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_stream, "CHUNK", chunk)
        if isinstance(whole, list):
            assert list(json_stream.elements(file, ())) == whole
        elif isinstance(whole, dict):
            assert list(json_stream.elements(file, ())) == [whole]
        else:
            with pytest.raises(FeedFailed):
                list(json_stream.elements(file, ()))


def expected(file: Path) -> Any:
    return json.loads(file.read_text("utf-8"), parse_float=Decimal)
