"""What can be asked: each dataset in short, with questions that it answers."""

from contexts.analytics.application.ports import Clock, Examples, Values
from contexts.analytics.application.relations import Relations
from contexts.analytics.domain.dataset import CATALOGUE
from contexts.analytics.domain.relation import Relation
from contexts.analytics.published import Askable, AskableColumn, ListAskable

MOST_EXAMPLES = 3

OF_THE_CATALOGUE = (
    "how many events are there by month",
    "average price by organizer",
    "number of events by weekday",
)
"""Its columns are always the same, and so are the questions that make sense of them."""


class Listing:
    def __init__(
        self, relations: Relations, values: Values, examples: Examples, clock: Clock
    ) -> None:
        self._relations = relations
        self._values = values
        self._examples = examples
        self._clock = clock

    async def list_askable(self, query: ListAskable) -> list[Askable]:
        return [await self._askable(each.relation) for each in await self._relations.all()]

    async def _askable(self, relation: Relation) -> Askable:
        examples: tuple[str, ...] = OF_THE_CATALOGUE
        if relation.dataset != CATALOGUE:
            values = await self._values(relation)
            examples = (*self._examples(relation, values, self._clock()),)
        return Askable(
            name=relation.dataset,
            rows=relation.rows,
            description=describe(relation),
            columns=tuple(
                AskableColumn(column.title, column.type, column.role) for column in relation.columns
            ),
            examples=examples[:MOST_EXAMPLES],
        )


def describe(relation: Relation) -> str:
    """How many rows, what one is, and over which time, as far as that is known."""
    noun = relation.row_noun
    count = f"{relation.rows:,} rows" if relation.rows != 1 else "1 row"
    parts = [f"{count}, each of them {_a(noun)}" if noun else count]
    if relation.time is not None:
        time = relation.column(relation.time)
        if time.minimum and time.maximum and time.type != "time":
            parts.append(f"{time.title} from {time.minimum[:10]} to {time.maximum[:10]}")
    return "; ".join(parts)


def _a(noun: str) -> str:
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"
