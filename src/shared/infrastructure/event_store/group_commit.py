"""Appends that arrive together share a transaction and a round trip; each is judged by itself.

The first goes at once and by itself. Those that arrive while it is on its way form the next group.
Nothing but the database is waited for, so that a writer who is alone loses no time by it.
"""

import asyncio
import copy
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context

from psycopg_pool import PoolClosed, PoolTimeout

from shared.infrastructure.event_store.appending import Order, OutcomeUnknown, send, send_alone
from shared.infrastructure.postgres import Pool

GROUPS = 2
"""Groups on their way at once."""

MOST_EVENTS = 500
"""Events in a group, unless a single append has more."""


class _Waiting:
    """Somebody who waits for the outcome; what is done for them is done in their context."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.outcome: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.context = copy_context()

    def fail(self, error: Exception) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(error)


class GroupCommit:
    def __init__(self, pool: Pool, after_commit: Callable[[int, frozenset[str]], None]) -> None:
        self._pool = pool
        self._after_commit = after_commit
        self._waiting: deque[_Waiting] = deque()
        self._busy: set[tuple[str, str]] = set()
        """Streams that are being written to from here; who comes next would only collide."""
        self._groups = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def append(self, order: Order) -> int:
        """Return the last position. Raise why it was refused, or OutcomeUnknown.

        Whoever is cancelled while it is on its way does not learn whether it happened.
        """
        waiting = _Waiting(order)
        self._waiting.append(waiting)
        if (group := self._next_group()) == [waiting]:
            # Whoever is alone needs no task, which would take as long as all of the above.
            await self._commit(group)
        elif group:
            self._start(group)
        return await waiting.outcome

    def _go_on(self) -> None:
        while group := self._next_group():
            self._start(group)

    def _start(self, group: list[_Waiting]) -> None:
        # In nobody's context, for it works for all of them.
        task = asyncio.get_running_loop().create_task(self._commit(group), context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _next_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        if self._groups == GROUPS:
            return group
        later: deque[_Waiting] = deque()
        events = 0
        for each in self._waiting:
            if each.outcome.cancelled():
                continue  # They left before it began, so it does not happen.
            too_many = bool(group) and events + each.order.events > MOST_EVENTS
            if too_many or not self._busy.isdisjoint(each.order.streams):
                later.append(each)
                continue
            group.append(each)
            events += each.order.events
            self._busy |= each.order.streams
        self._waiting = later
        self._groups += bool(group)
        return group

    async def _commit(self, group: Sequence[_Waiting]) -> None:
        try:
            alone = await self._try(group)
        finally:
            self._groups -= 1
            self._go_on()
        # Outside of the groups: whom they wait for may take his time.
        await asyncio.gather(*(self._commit_alone(each) for each in alone))

    async def _try(self, group: Sequence[_Waiting]) -> Sequence[_Waiting]:
        """Tell everybody the outcome; return those that must try again, each by itself."""
        try:
            async with self._pool.connection() as connection:
                answers = await send(connection, [each.order for each in group])
        except (OutcomeUnknown, PoolTimeout, PoolClosed) as error:
            for each in group:
                self._tell(each, copy.copy(error))
            return ()
        except Exception:
            # It failed as a whole and has not happened; only some of them may be the reason.
            return group
        except BaseException:
            for each in group:
                self._busy -= each.order.streams
                each.outcome.cancel()
            raise
        for each, answer in zip(group, answers, strict=True):
            self._tell(each, answer)
        return ()

    async def _commit_alone(self, waiting: _Waiting) -> None:
        try:
            async with self._pool.connection() as connection:
                answer: int | Exception = await send_alone(connection, waiting.order)
        except Exception as error:
            answer = error
        except BaseException:
            waiting.outcome.cancel()
            raise
        self._tell(waiting, answer)
        self._go_on()

    def _tell(self, waiting: _Waiting, answer: int | Exception) -> None:
        self._busy -= waiting.order.streams
        if isinstance(answer, Exception):
            waiting.fail(answer)
            return
        # Also for those that have left: it has happened all the same.
        waiting.context.run(self._after_commit, answer, waiting.order.types)
        if not waiting.outcome.done():
            waiting.outcome.set_result(answer)
