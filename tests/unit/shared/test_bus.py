import pytest

from shared.application.bus import ATTEMPTS, Bus, Command, Query
from shared.application.context import Context, current_context, running_in
from shared.application.event_store import VersionConflict
from shared.domain.errors import Conflict


class Count(Command[int], frozen=True):
    up_to: int


class Ask(Query[str], frozen=True):
    pass


async def test_a_message_is_handled_by_its_one_handler() -> None:
    async def count(command: Count) -> int:
        return command.up_to

    bus = Bus()
    bus.serve({Count: count})
    assert await bus(Count(3)) == 3
    with pytest.raises(ValueError, match="handled twice: Count"):
        bus.serve({Count: count})


async def test_a_command_is_decided_again_when_another_writer_was_first() -> None:
    tries = 0

    async def count(command: Count) -> int:
        nonlocal tries
        tries += 1
        if tries < command.up_to:
            raise VersionConflict("late")
        return tries

    bus = Bus()
    bus.serve({Count: count})
    assert await bus(Count(ATTEMPTS)) == ATTEMPTS
    tries = 0
    with pytest.raises(VersionConflict):
        await bus(Count(ATTEMPTS + 1))


async def test_a_version_that_the_caller_named_is_not_decided_again() -> None:
    tries = 0

    async def count(command: Count) -> int:
        nonlocal tries
        tries += 1
        raise Conflict("not that version")

    bus = Bus()
    bus.serve({Count: count})
    with pytest.raises(Conflict):
        await bus(Count(1))
    assert tries == 1


async def test_a_command_from_outside_gets_an_id_and_one_that_was_caused_keeps_its_cause() -> None:
    seen: list[Context] = []

    async def count(command: Count) -> int:
        seen.append(current_context())
        if command.up_to > 1:
            await bus(Count(command.up_to - 1))
        return 0

    bus = Bus()
    bus.serve({Count: count})
    with running_in(Context(correlation_id="c")):
        await bus(Count(2))
        await bus(Count(1))
    first, nested, second = seen
    assert [context.correlation_id for context in seen] == ["c", "c", "c"]
    assert first.causation_id == nested.causation_id is not None
    assert second.causation_id not in (None, first.causation_id)
    with running_in(Context(correlation_id="c", causation_id="event-1@3")):
        await bus(Count(1))
    assert seen[-1].causation_id == "event-1@3"
