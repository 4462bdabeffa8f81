"""Whom we call to keep what questions and datasets need: tables, answers, and who works on what."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal, Protocol
from uuid import UUID

import msgspec

from contexts.analytics.application.ports import Ran
from contexts.analytics.domain.query_spec import QuerySpec
from contexts.analytics.domain.relation import Relation

Work = Literal["load_dataset", "answer_question"]


class WorkQueue(Protocol):
    """The way to the workers that load datasets and answer questions."""

    async def put(self, work: Work, id: UUID) -> None: ...


class Tables(Protocol):
    """Where a tenant's datasets lie in its room."""

    async def schema(self) -> str: ...

    async def drop(self, dataset: str, *, since: int = 0, before: int | None = None) -> None:
        """Drop the tables of a dataset: all, or those of versions `since` one and `before` one."""


class Catalogue(Protocol):
    """The catalogue as a dataset: it is there always, and as it is now."""

    async def relation(self) -> Relation: ...

    async def version(self) -> str:
        """Another one whenever anything in it has changed."""

    async def updated_at(self) -> datetime:
        """When it last changed."""


class KeptAnswers(Protocol):
    """Rows of queries that were run before on the same data; what is lost is run again."""

    async def get(self, key: bytes) -> Ran | None: ...

    async def put(self, key: bytes, ran: Ran) -> None: ...


class Golden(msgspec.Struct, frozen=True, kw_only=True):
    """A question whose answer somebody found right: the spec that answered it, and its rows as
    they were on that version of the data. `relative` to the day it was asked on, when it speaks of
    "last week" or the like."""

    question_id: UUID
    question: str
    dataset: str
    spec: QuerySpec
    dataset_version: str
    asked_on: date
    relative: bool
    rows: tuple[tuple[object, ...], ...] = ()


class History(Protocol):
    """What was asked before, as far as later questions need it."""

    async def golden(self, dataset: str, question: str) -> Golden | None:
        """The golden query for this question, however it is spaced, cased and punctuated."""

    async def all_golden(self) -> Sequence[Golden]: ...

    async def last_answered(self, conversation: str, *, before: datetime) -> UUID | None:
        """The last question of a conversation that was answered and asked before this time."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How hard to try. Times are in seconds."""

    question_seconds: float = 60.0
    attempts: int = 3
    confirm_below: float = 0.0
    """Below this confidence another planner is asked as well, where there is one."""
