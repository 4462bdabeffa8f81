"""A spec becomes rows: compiled, run in the room, or remembered from the same query before."""

from datetime import date
from hashlib import blake2b

import msgspec

from contexts.analytics.application.keeping import KeptAnswers
from contexts.analytics.application.ports import (
    Compiler,
    Limits,
    QueryFaulted,
    Ran,
    Room,
    SpecInvalid,
)
from contexts.analytics.application.relations import Current
from contexts.analytics.domain.query_spec import QuerySpec
from shared.application.context import current_context


class Run(msgspec.Struct, frozen=True):
    """`cached`: these are the rows of the same query on the same data, of the same day."""

    ran: Ran
    cached: bool


class Running:
    def __init__(self, compiler: Compiler, room: Room, kept: KeptAnswers, limits: Limits) -> None:
        self._compiler = compiler
        self._room = room
        self._kept = kept
        self._limits = limits

    async def run(self, spec: QuerySpec, current: Current, today: date) -> Run:
        """Raise QueryRefused, or QueryFaulted."""
        key = answer_key(spec, current, today)
        if (known := await self._kept.get(key)) is not None:
            return Run(known, cached=True)
        try:
            compiled = self._compiler(spec, current.relation)
        except SpecInvalid as error:
            raise QueryFaulted(
                f"the query makes no sense any more: {error}", transient=False
            ) from error
        ran = await self._room.run(compiled, current.relation, self._limits)
        await self._kept.put(key, ran)
        return Run(ran, cached=False)


def answer_key(spec: QuerySpec, current: Current, today: date) -> bytes:
    """The same where the rows must be the same. The wish for a chart is not part of it."""
    relation = current.relation
    asked = msgspec.structs.replace(spec, chart=None)
    told = (
        current_context().tenant,
        relation.dataset,
        relation.schema,
        relation.table,
        current.version,
        today.isoformat(),
        asked,
    )
    return blake2b(msgspec.json.encode(told), digest_size=20).digest()
