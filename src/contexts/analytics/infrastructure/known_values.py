"""The values of a relation's text columns, looked up once for each state of its data."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from typing import TypeAlias

from contexts.analytics.domain.relation import ColumnValues, Relation
from contexts.analytics.infrastructure.column_values import values_of
from shared.infrastructure.postgres import Pool

KEPT = 32
"""Relations whose values are kept in memory."""

_Key: TypeAlias = tuple[str, str, int, int]


class KnownValues:
    """Fits the port `Values`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: OrderedDict[_Key, Sequence[ColumnValues]] = OrderedDict()
        self._looking: dict[_Key, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __call__(self, relation: Relation) -> Sequence[ColumnValues]:
        # The schema is that of one tenant.
        key = relation.schema, relation.table, relation.version, relation.revision
        async with self._looking[key]:
            if key not in self._known:
                self._known[key] = await values_of(self._pool, relation)
                if len(self._known) > KEPT:
                    self._looking.pop(self._known.popitem(last=False)[0], None)
            self._known.move_to_end(key)
            return self._known[key]
