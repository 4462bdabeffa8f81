"""Cursors come back as what they were written from, and nothing else is taken for one."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from decimal import Decimal
from string import ascii_letters, digits
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.application.cursors import MAX_CURSOR, Cursors, InvalidCursor, Position

KINDS: dict[type, st.SearchStrategy[Any]] = {
    str: st.text(max_size=200),
    bool: st.booleans(),
    UUID: st.uuids(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False, places=4),
    datetime: st.datetimes(
        datetime(1900, 1, 1), datetime(2201, 1, 1), timezones=st.just(UTC), allow_imaginary=False
    ),
}
values = st.sampled_from(list(KINDS)).flatmap(
    lambda kind: st.tuples(st.just(kind), st.none() | KINDS[kind])
)
OURS = Cursors(lambda: "a secret of ours")
ID = UUID(int=7)
CURSOR = OURS.write(Position("Jazz", ID), of=b"list")
assert len(CURSOR) % 4, "some bits of its last letter mean nothing"


@given(values, st.uuids(), st.booleans(), st.binary())
def test_a_cursor_comes_back_as_the_position_it_was_written_from(
    value: tuple[type, Any], id: UUID, backwards: bool, of: bytes
) -> None:
    position = Position(value[1], id, backwards)
    cursor = OURS.write(position, of=of)
    assert len(cursor) <= MAX_CURSOR
    assert cursor.replace("-", "").replace("_", "").isalnum(), "it needs no quoting in a URL"
    assert OURS.read(cursor, value[0], of=of) == position


def refusal(cursor: str, *, by: Cursors = OURS, kind: type = str, of: bytes = b"list") -> str:
    with pytest.raises(InvalidCursor) as refused:
        by.read(cursor, kind, of=of)
    said = str(refused.value)
    assert "start again from the first page" in said
    return said


@given(st.integers(0, len(CURSOR) - 1), st.characters(codec="ascii"))
def test_a_cursor_with_any_other_letter_is_refused(place: int, letter: str) -> None:
    if letter != CURSOR[place]:
        forged = CURSOR[:place] + letter + CURSOR[place + 1 :]
        assert "no cursor of ours" in refusal(forged)


def test_of_the_letters_that_mean_the_same_at_its_end_only_one_is_taken() -> None:
    letters = set(ascii_letters + digits + "-_") - {CURSOR[-1]}
    same = [CURSOR[:-1] + letter for letter in letters if decoded(letter) == decoded(CURSOR[-1])]
    assert len(same) == 3
    for cursor in same:
        assert "no cursor of ours" in refusal(cursor)


def decoded(last: str) -> bytes:
    return urlsafe_b64decode(CURSOR[:-1] + last + "=" * (-len(CURSOR) % 4))


@given(st.text() | st.binary().map(lambda raw: urlsafe_b64encode(raw).rstrip(b"=").decode()))
def test_what_is_no_cursor_is_refused(text: str) -> None:
    assert "no cursor of ours" in refusal(text)


@pytest.mark.parametrize(
    "text",
    [CURSOR[:-1], CURSOR + "A", CURSOR + "=", CURSOR * 100, "A" * 100_000, "", "\udcff", "é"],
)
def test_a_cursor_that_was_cut_or_drawn_out_is_refused(text: str) -> None:
    assert "no cursor of ours" in refusal(text)


def test_a_cursor_of_another_list_is_refused() -> None:
    assert "other criteria or another sorting" in refusal(CURSOR, of=b"another list")


def test_a_cursor_is_good_for_nothing_under_another_secret() -> None:
    assert "no cursor of ours" in refusal(CURSOR, by=Cursors(lambda: "another secret"))
    same = Cursors(lambda: "a secret of ours")
    assert same.read(CURSOR, str, of=b"list") == Position("Jazz", ID)


def test_a_value_is_only_taken_for_one_of_the_kind_that_the_list_is_sorted_by() -> None:
    assert "another version" in refusal(CURSOR, kind=datetime)
    assert "another version" in refusal(CURSOR, kind=bool)


def test_a_cursor_does_not_show_what_list_it_belongs_to() -> None:
    one, other = (OURS.write(Position(None, ID), of=of) for of in (b"tenant-a", b"tenant-b"))
    assert one != other
    assert "tenant" not in one
