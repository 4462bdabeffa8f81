import msgspec
import pytest

from shared.application.codec import Codec, UnknownEvent, Upcaster
from shared.domain.aggregate import DomainEvent


class Moved(DomainEvent, tag="test.moved.v3"):
    place: str
    floor: int = 0


UPCASTERS = {
    "test.moved": Upcaster("test.moved.v2", lambda form: {"venue": form["hall"]}),
    "test.moved.v2": Upcaster("test.moved.v3", lambda form: {"place": form["venue"]}),
}
CODEC = Codec([Moved], UPCASTERS)


def test_an_event_comes_back_as_it_went() -> None:
    stored = CODEC.encode(Moved(place="Hall 2", floor=1))
    assert stored.type == "test.moved.v3"
    assert CODEC.decode(stored.type, stored.data) == Moved(place="Hall 2", floor=1)


def test_a_retired_tag_decodes_through_all_that_became_of_it() -> None:
    data = msgspec.json.encode({"type": "test.moved", "hall": "Hall 2"})
    assert CODEC.decode("test.moved", data) == Moved(place="Hall 2")


def test_whoever_wants_an_event_gets_it_under_its_old_tags_too() -> None:
    assert CODEC.tags_for([Moved]) == ["test.moved", "test.moved.v2", "test.moved.v3"]


def test_what_is_not_known_is_named() -> None:
    with pytest.raises(UnknownEvent, match=r"test\.gone"):
        CODEC.decode("test.gone", b"{}")


def test_two_events_may_not_share_a_tag() -> None:
    with pytest.raises(ValueError, match="two kinds of event"):
        Codec([Moved, Moved])


def test_fields_that_are_not_known_yet_are_passed_over() -> None:
    """A newer version of the program may have written them."""
    data = b'{"type": "test.moved.v3", "place": "Hall 2", "colour": "red"}'
    assert CODEC.decode("test.moved.v3", data) == Moved(place="Hall 2")
