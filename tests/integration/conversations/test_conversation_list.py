"""Conversations are listed for their owners, found by what is in them, and forgotten with them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from bootstrap import Application
from contexts.conversations.application.content import TextPart, ToolPart
from contexts.conversations.application.queries import (
    CONVERSATION_FIELDS,
    ConversationListed,
    ListConversations,
)
from contexts.conversations.domain.run import RunFailed
from contexts.conversations.infrastructure.conversation_rows import MAX_SAID
from contexts.conversations.infrastructure.conversations import Conversations
from conversing import Telling
from shared.application.codec import Codec
from shared.application.context import Context, running_in
from shared.application.cursors import InvalidCursor
from shared.application.pages import PageRequest, Sort, Stretch
from shared.application.personal import EraseSubject, Erasure
from shared.application.projections import RebuildProjection
from shared.infrastructure.event_store.high_water_mark import HighWaterMark
from shared.infrastructure.personal.vault import PostgresVault
from shared.infrastructure.projections.rebuilds import Rebuilds
from shared.infrastructure.projections.runner import Runner
from stored import KINDS

TOOL = ToolPart(id="1", name="ask_data", arguments={"q": "hidden"}, result={"rows": ["hidden"]})


class Small(Conversations):
    """Takes in few events at a time."""

    batch_size = 2


class Reader:
    """A process that follows the log, and answers lists."""

    def __init__(self, application: Application, kind: type[Conversations] = Conversations) -> None:
        self.application = application
        self.vault: PostgresVault = application.vault()
        pool = application.pool()
        self.read_model = kind(pool, self.vault, application.cursors())
        self.runner = Runner(pool, HighWaterMark(), Codec(KINDS), [self.read_model])
        self.rebuilds = Rebuilds(pool, HighWaterMark(), self.runner)

    async def telling(self, owner: UUID | None = None) -> Telling:
        owner = owner or await self.vault.subject(uuid4().hex)
        return Telling(owner, self.vault, self.application.store())

    async def catch_up(self) -> None:
        await self.runner.catch_up(Conversations.name)

    async def listed(self, owner: UUID, **asked: Any) -> Stretch[Any]:
        await self.catch_up()
        return await self.read_model.list_conversations(ListConversations(owner=owner, **asked))

    async def found(self, owner: UUID, words: str) -> list[UUID]:
        criteria = CONVERSATION_FIELDS.comparison("q", "contains", words)
        return [each.id for each in (await self.listed(owner, criteria=criteria)).data]

    async def one(self, told: Telling) -> ConversationListed:
        (listed,) = (await self.listed(told.owner)).data
        assert isinstance(listed, ConversationListed)
        return listed

    async def rows(self, instance: int | None = None) -> Sequence[str]:
        """All that is kept, as text."""
        kept = []
        async with self.application.pool().connection() as connection:
            for table in ("conversations", "forgotten"):
                name = f"conversations.{table}" + (f"_{instance}" if instance else "")
                cursor = await connection.execute(f"select t::text from {name} t order by 1")  # noqa: S608
                kept += [row[0] for row in await cursor.fetchall()]
        return kept

    async def erase(self, told: Telling) -> Erasure:
        return await self.application.bus()(EraseSubject(str(told.owner)))

    async def is_proved(self) -> bool:
        return (await self.rebuilds.prove_active(self.read_model)).passed

    async def built_anew(self) -> Sequence[str]:
        """What another instance has that is made of all of the log."""
        number = await self.rebuilds.start(RebuildProjection(Conversations.name))
        await self.rebuilds.go_on()
        await self.catch_up()
        await self.rebuilds.go_on()
        return await self.rows(number)


@pytest.fixture
def reader(application: Application) -> Reader:
    return Reader(application)


async def chat(told: Telling, *said: str) -> None:
    """Each is said and answered with the same in capitals, on one branch."""
    parent = None
    for text in said:
        _, answer, run = await told.ask(text, parent)
        await told.answer(run, TextPart(text.upper()))
        parent = answer


# What a row shows


async def test_a_conversation_is_listed_as_it_is_shown(reader: Reader) -> None:
    told = await reader.telling()
    await told.begin()
    listed = await reader.one(told)
    assert (listed.title, listed.messages, listed.running) == ("New conversation", 0, False)
    _, answer, run = await told.ask("What is on tonight?")
    await told.start(run)
    listed = await reader.one(told)
    assert (listed.title, listed.messages, listed.running) == ("What is on tonight?", 1, True)
    await told.answer(run, TextPart("Jazz."))
    await told.ask("And tomorrow?", answer)
    await told.call("My evening")
    await told.put_away("archive")
    listed, shown = await reader.one(told), await told.shown()
    assert {name: getattr(shown, name) for name in listed.__struct_fields__} == {
        name: getattr(listed, name) for name in listed.__struct_fields__
    }
    assert (listed.title, listed.messages, listed.status) == ("My evening", 3, "archived")


async def test_what_was_deleted_is_not_listed_and_an_answer_that_comes_late_does_not_bring_it_back(
    reader: Reader,
) -> None:
    told = await reader.telling()
    await told.begin()
    _, _, run = await told.ask("One?")
    await reader.catch_up()
    await told.put_away("delete")
    assert (await reader.listed(told.owner)).data == []
    await told.answer(run, TextPart("1"))
    assert (await reader.listed(told.owner)).data == []
    assert await reader.rows() == []
    assert await reader.is_proved()


async def test_the_log_makes_the_same_rows_in_small_batches_and_in_large(
    reader: Reader, application: Application
) -> None:
    small = Reader(application, Small)
    for number in range(3):
        told = await small.telling()
        await told.begin("Named" if number else None)
        await chat(told, "One or two?", "Two or three?")
        await told.ask("And then?")
        await small.catch_up()
        if number == 2:
            await told.put_away("delete")
    await small.catch_up()
    rows = await small.rows()
    assert len(rows) == 2
    assert await reader.built_anew() == rows
    assert await reader.is_proved()


async def test_a_row_that_is_not_as_the_log_makes_it_is_found_out(
    reader: Reader, application: Application
) -> None:
    told = await reader.telling()
    await told.begin("Mine")
    await reader.catch_up()
    assert await reader.is_proved()
    async with application.pool().connection() as connection:
        await connection.execute("update conversations.conversations set title = 'Yours'")
    assert not await reader.is_proved()


# What is found


async def test_words_of_titles_and_of_what_was_said_are_found_and_nothing_of_what_tools_did(
    reader: Reader,
) -> None:
    told = await reader.telling()
    await told.begin("Plans for Málaga")
    _, _, run = await told.ask("Is there flamenco?")
    await told.answer(run, TextPart("Yes: "), TOOL, TextPart("Camarón's nephew."))
    for words in ("malaga", "MÁLAGA plans", "flam", "camaron nephew", "plans flamenco"):
        assert await reader.found(told.owner, words) == [told.id], words
    for words in ("hidden", "amenco", "flamenco tango", "", "&|!"):
        assert await reader.found(told.owner, words) == [], words
    await told.call("Something else")
    assert await reader.found(told.owner, "malaga") == []
    assert await reader.found(told.owner, "something flamenco") == [told.id]


async def test_a_conversation_is_found_by_no_more_words_than_a_row_should_hold(
    reader: Reader, application: Application
) -> None:
    small, told = Reader(application, Small), await reader.telling()
    await told.begin()
    words = [f"word{number:05}" for number in range(MAX_SAID // 10 + 100)]
    for start in range(0, len(words), 1_500):
        _, _, run = await told.ask(" ".join(words[start : start + 1_500]))
        await told.answer(run, TextPart("yes"))
        await small.catch_up()
    assert await reader.found(told.owner, words[0]) == [told.id]
    assert await reader.found(told.owner, words[-1]) == []
    rows = await reader.rows()
    assert await reader.built_anew() == rows


async def test_conversations_are_listed_by_criteria_the_last_used_first(reader: Reader) -> None:
    first = await reader.telling()
    others = [await reader.telling(first.owner) for _ in range(3)]
    for number, told in enumerate([first, *others]):
        told.now += timedelta(hours=number)
        await told.begin(f"Number {number}")
    await chat(first, "One?")
    await others[0].ask("Two?")
    await others[1].put_away("archive")

    async def titles(**asked: Any) -> list[str]:
        stretch = await reader.listed(first.owner, **asked)
        return [each.title[-1] for each in stretch.data]

    assert await titles() == ["2", "1", "0", "3"]
    assert await titles(sort=Sort("started_at")) == ["0", "1", "2", "3"]
    compare = CONVERSATION_FIELDS.comparison
    assert await titles(criteria=compare("status", "eq", "archived")) == ["2"]
    assert await titles(criteria=compare("running", "eq", "true")) == ["1"]
    assert await titles(criteria=compare("messages", "gte", "2")) == ["0"]
    assert await titles(criteria=compare("title", "contains", "number 3")) == ["3"]
    assert await titles(
        criteria=compare("started_at", "gte", (first.now + timedelta(hours=2)).isoformat())
    ) == ["2", "3"]


# Whose it is


async def test_nobody_finds_the_conversations_of_others(reader: Reader) -> None:
    mine, yours = await reader.telling(), await reader.telling()
    for told in (mine, yours):
        await told.begin("Plans")
        await chat(told, "One?")
    assert [each.id for each in (await reader.listed(mine.owner)).data] == [mine.id]
    assert await reader.found(yours.owner, "plans") == [yours.id]
    for nobody in (UUID(int=0), uuid4()):
        assert (await reader.listed(nobody)).total_rows == 0


async def test_a_cursor_of_somebody_else_is_refused(reader: Reader) -> None:
    mine = await reader.telling()
    yours = await reader.telling()
    for told in (mine, await reader.telling(mine.owner), yours):
        await told.begin()
    page = PageRequest(size=1)
    cursor = (await reader.listed(mine.owner, page=page)).next_cursor
    assert cursor is not None
    second = await reader.listed(mine.owner, page=page, cursor=cursor)
    assert [each.id for each in second.data] == [mine.id]
    with pytest.raises(InvalidCursor):
        await reader.listed(yours.owner, page=page, cursor=cursor)


async def test_tenants_do_not_see_one_another(reader: Reader) -> None:
    with running_in(Context(correlation_id="1", tenant="halvora")):
        told = await reader.telling()
        await told.begin("Plans")
        await chat(told, "Flamenco?")
    here = await reader.telling()
    await here.begin("Others")
    assert (await reader.listed(told.owner)).data == []
    with running_in(Context(correlation_id="2", tenant="halvora")):
        assert await reader.found(told.owner, "flamenco") == [told.id]
        assert (await reader.listed(here.owner)).data == []


# What is left open


async def test_conversations_with_a_run_that_has_not_ended_are_found_the_oldest_first(
    reader: Reader,
) -> None:
    now = datetime.now(UTC)
    told = [await reader.telling() for _ in range(4)]
    for number, each in enumerate(told):
        each.now = now - timedelta(hours=number)
        await each.begin()
        _, _, run = await each.ask("One?")
        if number == 3:
            await each.answer(run, TextPart("1"))
            _, _, run = await each.ask("Two?")
            each.now = now
            await each.ask("Three?")
    await reader.catch_up()
    left_open = reader.read_model.left_open
    open_ones = [("default", each.id) for each in reversed(told)]
    assert await left_open(0) == open_ones
    assert await left_open(90 * 60) == open_ones[:2]
    assert await left_open(0, limit=1) == open_ones[:1]
    await told[3].answer(run, TextPart("2"))
    await reader.catch_up()
    assert await left_open(90 * 60) == open_ones[1:2]
    assert (await reader.one(told[3])).running


# Being forgotten


async def test_an_erased_owner_is_forgotten_and_his_rows_stay(reader: Reader) -> None:
    told, other = await reader.telling(), await reader.telling()
    await other.begin("Flamenco")
    await told.begin("Secret plans")
    await chat(told, "Is there flamenco?")
    named_by_rule, empty = await reader.telling(told.owner), await reader.telling(told.owner)
    await named_by_rule.begin()
    await chat(named_by_rule, "Secret flamenco?")
    await empty.begin()
    before = await reader.listed(told.owner)
    assert await reader.found(told.owner, "secret") == [named_by_rule.id, told.id]
    await reader.erase(told)
    after = await reader.listed(told.owner)
    assert [each.title for each in after.data] == ["New conversation", "erased", "erased"]
    assert [(each.id, each.messages, each.updated_at) for each in after.data] == [
        (each.id, each.messages, each.updated_at) for each in before.data
    ]
    assert await reader.found(told.owner, "secret") == []
    assert await reader.found(other.owner, "flamenco") == [other.id]
    rows = await reader.rows()
    assert "ecret" not in "".join(rows)
    assert await reader.is_proved()
    assert await reader.built_anew() == rows


async def test_a_key_that_is_gone_before_the_log_is_read_leaves_the_same_rows(
    reader: Reader,
) -> None:
    told = await reader.telling()
    await told.begin("Secret plans")
    _, _, run = await told.ask("Secret question?")
    await reader.erase(told)
    nothing = RunFailed(
        number=run.number,
        code="erased",
        reason="gone",
        answer=None,
        assistant="m",
        sequence=1,
        ended_at=told.now,
    )
    await told.end(nothing)
    listed = await reader.one(told)
    assert (listed.title, listed.messages, listed.running) == ("erased", 1, False)
    assert await reader.built_anew() == await reader.rows()


async def test_a_proof_that_is_made_while_somebody_is_being_erased_finds_no_fault(
    reader: Reader,
) -> None:
    told = await reader.telling()
    await told.begin("Secret plans")
    await chat(told, "One?")
    await reader.catch_up()
    await reader.erase(told)
    # The key is gone, and the read model has not heard of it.
    assert await reader.is_proved()
    await reader.catch_up()
    assert await reader.is_proved()


async def test_a_text_that_comes_late_from_a_process_that_still_has_the_key_is_forgotten_too(
    reader: Reader, application: Application
) -> None:
    told = await reader.telling()
    await told.begin("Secret plans")
    elsewhere = Reader(application)
    elsewhere.vault = PostgresVault(application.pool(), application.key_ring())
    elsewhere.read_model = Conversations(application.pool(), elsewhere.vault, application.cursors())
    elsewhere.runner = Runner(
        application.pool(), HighWaterMark(), Codec(KINDS), [elsewhere.read_model]
    )
    late, begun_late = await elsewhere.telling(told.owner), await elsewhere.telling(told.owner)
    late.id = told.id
    await elsewhere.catch_up()
    await reader.erase(told)
    await elsewhere.catch_up()
    await late.ask("Secret question?")
    await begun_late.begin("Secret title")
    await elsewhere.catch_up()
    assert [each.title for each in (await elsewhere.listed(told.owner)).data] == ["erased"] * 2
    rows = await elsewhere.rows()
    assert "ecret" not in "".join(rows)
    assert await reader.built_anew() == rows
