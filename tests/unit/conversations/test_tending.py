from uuid import UUID, uuid4

import pytest

from contexts.conversations.application.content import TextPart
from contexts.conversations.application.tending import (
    ChangeConversation,
    DeleteConversation,
    Tending,
)
from conversing import Told
from shared.domain.errors import Invalid, NotFound
from talking import NOON, CancelledByHand, Queue


class Tended(Told):
    def __init__(self) -> None:
        super().__init__()
        self.queue, self.cancellations = Queue(), CancelledByHand()
        self.tending = Tending(
            self.repository, self.vault, self.queue, self.cancellations, lambda: NOON
        )

    async def change(self, owner: UUID | None = None, **changes: str) -> None:
        await self.tending.change(
            ChangeConversation(
                owner=owner or self.owner,
                conversation_id=self.id,
                **changes,  # type: ignore[arg-type]
            )
        )


@pytest.fixture
async def tended() -> Tended:
    tended = Tended()
    await tended.begin()
    return tended


async def test_a_title_is_kept_sealed_and_on_one_line(tended: Tended) -> None:
    await tended.change(title="  My\n evening ")
    shown = await tended.shown()
    assert (shown.title, shown.titled_by, shown.status) == ("My evening", "caller", "active")
    assert b"evening" not in b"".join(stored.data for stored in tended.store.log)


async def test_a_conversation_is_archived_and_taken_back(tended: Tended) -> None:
    await tended.change(status="archived", title="Old")
    shown = await tended.shown()
    assert (shown.status, shown.title) == ("archived", "Old")
    await tended.change(status="active")
    assert (await tended.shown()).status == "active"
    version = (await tended.shown()).version
    await tended.change(status="active")
    assert (await tended.shown()).version == version


async def test_nothing_to_change_is_refused(tended: Tended) -> None:
    with pytest.raises(Invalid, match="title"):
        await tended.change()


async def test_a_deleted_conversation_is_gone_and_what_is_answered_in_it_is_told_to_end(
    tended: Tended,
) -> None:
    _, _, first = await tended.ask("One?")
    await tended.answer(first, TextPart("1"))
    _, _, second = await tended.ask("Two?")
    _, _, third = await tended.ask("Three?")
    await tended.tending.delete(DeleteConversation(tended.owner, tended.id))
    with pytest.raises(NotFound):
        await tended.shown()
    assert tended.cancellations.told == [second, third]
    assert tended.queue.put_in == [tended.id]
    with pytest.raises(NotFound):
        await tended.tending.delete(DeleteConversation(tended.owner, tended.id))


async def test_nobody_is_told_of_a_conversation_that_ends_in_peace(tended: Tended) -> None:
    await tended.tending.delete(DeleteConversation(tended.owner, tended.id))
    assert (tended.cancellations.told, tended.queue.put_in) == ([], [])


async def test_only_the_owner_tends_a_conversation(tended: Tended) -> None:
    for owner in (uuid4(), UUID(int=0)):
        with pytest.raises(NotFound):
            await tended.change(owner, title="Mine")
        with pytest.raises(NotFound):
            await tended.tending.delete(DeleteConversation(owner, tended.id))
    with pytest.raises(NotFound):
        await tended.tending.delete(DeleteConversation(tended.owner, uuid4()))
    assert (await tended.shown()).version == 1
