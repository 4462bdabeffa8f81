"""A row of the read model is found by many words, and by no more than it should hold."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from contexts.conversations.application.content import TextPart, encoded
from contexts.conversations.domain.message import Kept
from contexts.conversations.infrastructure import conversation_rows
from contexts.conversations.infrastructure.conversation_rows import MAX_SAID, Row
from shared.domain.personal import Sealed

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def row() -> Row:
    return Row(id=uuid4(), owner=uuid4(), started_at=NOW, updated_at=NOW)


def say(row: Row, text: str) -> None:
    kept = Kept(
        id=uuid4(),
        parent_id=None,
        author="assistant",
        content=Sealed(row.owner, b""),
        written_at=NOW,
    )
    row.say(kept, encoded((TextPart(text),)))


def test_words_are_looked_for_in_the_beginning_of_a_very_long_message() -> None:
    one = row()
    say(one, f"Jazz {'ha ' * (MAX_SAID // 3)} blues")
    assert list(one.words) == ["jazz", "ha"]
    say(one, "and blues")
    assert list(one.words) == ["jazz", "ha", "and", "blues"]


def test_where_there_is_no_room_for_words_none_are_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full, looked = row(), list[str]()
    say(full, " ".join(f"w{number:08}" for number in range(MAX_SAID // 10)))
    assert full.size > MAX_SAID - 100
    monkeypatch.setattr(conversation_rows, "fold_text", lambda text: looked.append(text) or text)
    say(full, "something else")
    assert looked == []
    say(row(), "something else")
    assert looked == ["something else"]
