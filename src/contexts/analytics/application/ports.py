"""Whom the analytics context calls: planners, the compiler, the room that SQL runs in, and where
uploads and their tables are kept."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

import msgspec

from contexts.analytics.domain.answer import Output, Result
from contexts.analytics.domain.dataset import Corrections as Corrections
from contexts.analytics.domain.dataset import Loaded as Loaded
from contexts.analytics.domain.dataset import LoadOptions as LoadOptions
from contexts.analytics.domain.dataset import SetAside as SetAside
from contexts.analytics.domain.query_spec import QuerySpec
from contexts.analytics.domain.question import Option as Option
from contexts.analytics.domain.question import Usage as Usage
from contexts.analytics.domain.relation import ColumnValues, Relation

Clock: TypeAlias = Callable[[], datetime]
"""Tells the instant it is."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A question as planners get it.

    `values` are those of the relation's text columns; `now` is the wall time of whoever asks;
    `previous` is the spec that a follow-up patches.
    """

    question: str
    relation: Relation
    values: Sequence[ColumnValues]
    now: datetime
    previous: QuerySpec | None = None


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """`confidence` is 0 to 1, and `rests_on` says in words on what. `assumptions` are choices that
    the question did not make."""

    spec: QuerySpec
    planner: str
    confidence: float
    rests_on: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    usage: Usage = Usage()


class Declined(msgspec.Struct, frozen=True, kw_only=True):
    """Why a planner makes nothing of a question.

    `unplaced` are the words that it could not place; `suggestions` are columns, values or
    questions that could be meant or asked.
    """

    outcome: Literal["needs_clarification", "unanswerable", "refused"]
    reason: str
    planner: str
    unplaced: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    usage: Usage = Usage()


class Planner(Protocol):
    """Makes a spec of a question, or says why not."""

    name: str

    async def plan(self, ask: Ask) -> Planned | Declined:
        """Raise PlannerFailed when it could not even try."""


class Examples(Protocol):
    """Makes questions that a relation answers, a few."""

    def __call__(
        self, relation: Relation, values: Sequence[ColumnValues], now: datetime
    ) -> Sequence[str]: ...


class RepairingPlanner(Protocol):
    """A planner whose first word may be wrong, and that is told so."""

    name: str

    async def plan(
        self, ask: Ask, *, on_attempt: Callable[[str], None] | None = None
    ) -> Planned | Declined:
        """`on_attempt` is told each time why what it made could not be used.

        Raise PlannerFailed.
        """


class PlannerFailed(Exception):
    """A planner gave nothing usable; `transient` when trying again may help. The message is for
    people. `usage` is what was spent all the same."""

    def __init__(self, reason: str, *, transient: bool, usage: Usage | None = None) -> None:
        super().__init__(reason)
        self.transient = transient
        self.usage = usage or Usage()


class Compiled(msgspec.Struct, frozen=True):
    """One SELECT, and what its columns are."""

    sql: str
    outputs: tuple[Output, ...]


class SpecInvalid(Exception):
    """A spec makes no sense for its relation (an unknown column, a sum of texts); says what and
    which would."""


class Compiler(Protocol):
    """Makes SQL of a spec."""

    def __call__(self, spec: QuerySpec, relation: Relation) -> Compiled:
        """Raise SpecInvalid."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one answer may take. `cost` is PostgreSQL's estimate, in its own units."""

    rows: int = 1_000
    bytes: int = 1_000_000
    cell_bytes: int = 10_000
    seconds: float = 10.0
    cost: float = 20_000_000.0


class QueryRefused(Exception):
    """The gate does not let a statement through, or it goes beyond a limit; says which and why."""


class QueryFaulted(Exception):
    """The database could not run a statement; `transient` when trying again may help."""

    def __init__(self, reason: str, *, transient: bool) -> None:
        super().__init__(reason)
        self.transient = transient


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """`sql` is what ran, as the gate printed it."""

    sql: str
    result: Result
    milliseconds: float


class Room(Protocol):
    """Where generated SQL runs, and what it can see: one tenant's datasets."""

    async def run(self, compiled: Compiled, relation: Relation, limits: Limits) -> Ran:
        """Raise QueryRefused or QueryFaulted."""


class Values(Protocol):
    """Which values the text columns of a relation hold."""

    async def __call__(self, relation: Relation) -> Sequence[ColumnValues]: ...


class Uploads(Protocol):
    """Keeps files as they were uploaded, until nothing needs them."""

    async def keep(self, upload_id: str, chunks: AsyncIterator[bytes]) -> int:
        """Keep all of it or nothing; the number of bytes."""

    def read(self, upload_id: str) -> AsyncIterator[bytes]: ...

    async def forget(self, upload_id: str) -> None: ...

    async def kept(self) -> Sequence[str]:
        """The ids of all that is kept for the tenant."""


class LoadFailed(Exception):
    """A file could not be made into a table; says why and what to do. Nothing of it is left."""


class Loader(Protocol):
    """Makes tables of files."""

    async def load(
        self,
        chunks: Callable[[], AsyncIterator[bytes]],
        *,
        dataset: str,
        version: int,
        schema: str,
        table: str,
        options: LoadOptions,
        corrections: Corrections,
        progress: Callable[[int, int], None] | None = None,
    ) -> Loaded:
        """Make the whole table or nothing of it. `progress` is told bytes and rows so far.

        Raise LoadFailed.
        """
