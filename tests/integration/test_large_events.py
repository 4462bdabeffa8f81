"""However large events are, only so much of the log is held in memory at once."""

import pytest

from bootstrap import Application
from shared.application.event_store import Append, NewEvent
from shared.infrastructure.event_store import log_reading
from shared.infrastructure.event_store.log_reading import read_log

SMALL, LARGE = "test.small", "test.large"


async def slices(application: Application, limit: int) -> list[list[str]]:
    """The kinds of all events, by what is read at once, up to the end of the log."""
    found, after = [], 0
    async with application.pool().connection() as connection:
        end = await application.store().follow(0, types=[SMALL, LARGE], limit=1_000)
        while after < end.upto:
            log = await read_log(
                connection, after, upto=end.upto, types=[SMALL, LARGE], limit=limit
            )
            assert all(after < each.position <= log.upto for each in log.events)
            assert log.upto > after
            after = log.upto
            found.append([each.type for each in log.events])
    return [each for each in found if each]


async def test_large_events_are_read_few_at_once_and_none_is_left_out(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What repeats itself is stored small.
    text = "".join(f"{number:x}" for number in range(20_000))
    small, large = NewEvent(SMALL, b"{}"), NewEvent(LARGE, f'{{"text":"{text}"}}'.encode())
    await application.store().append(
        [Append("one-1", 0, [small, small, large, large, large, small])]
    )
    assert await slices(application, 10) == [[SMALL, SMALL, LARGE, LARGE, LARGE, SMALL]]
    monkeypatch.setattr(log_reading, "MOST_BYTES", 1)
    assert await slices(application, 10) == [[each] for each in (SMALL, SMALL, *[LARGE] * 3, SMALL)]
    monkeypatch.setattr(log_reading, "MOST_BYTES", 1_000)
    assert await slices(application, 10) == [[SMALL, SMALL, LARGE], [LARGE], [LARGE], [SMALL]]
    assert await slices(application, 2) == [[SMALL, SMALL], [LARGE], [LARGE], [LARGE], [SMALL]]
