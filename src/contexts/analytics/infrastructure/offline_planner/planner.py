"""The offline planner: a lexicon of the dataset, closed grammars, and no guess."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime

from contexts.analytics.application.ports import Ask, Declined, Planned
from contexts.analytics.domain.relation import ColumnValues, Relation
from contexts.analytics.infrastructure.offline_planner.confidence import confidence_of
from contexts.analytics.infrastructure.offline_planner.declining import (
    NAME,
    examples,
    refused,
    unclear,
    unplaceable,
)
from contexts.analytics.infrastructure.offline_planner.following import follow
from contexts.analytics.infrastructure.offline_planner.lexicon import Lexicon
from contexts.analytics.infrastructure.offline_planner.parsing import Parsed, parse
from contexts.analytics.infrastructure.offline_planner.referring import refer

_KEPT = 32
"""Lexicons that are kept; one of a big dataset takes some megabytes."""

_LONGEST = 2_000
"""Characters of a question; beyond, it is no question that this grammar knows."""


class OfflinePlanner:
    """Fits the port `Planner`; needs no network; plans the same for the same question."""

    name = NAME

    def __init__(self) -> None:
        self._lexicons: OrderedDict[tuple[str, str, str, int, int], Lexicon] = OrderedDict()

    async def plan(self, ask: Ask) -> Planned | Declined:
        lexicon = self._lexicon(ask.relation, ask.values)
        question = ask.question.strip()
        if (no := refused(question, lexicon)) is not None:
            return no
        if len(question) > _LONGEST:
            return Declined(
                outcome="unanswerable",
                reason=f"a question may have {_LONGEST} characters: ask for less at once",
                planner=self.name,
            )
        about = refer(lexicon, question, ask.previous, ask.now)
        if about is not None:
            return self._planned(ask, lexicon, about)
        if ask.previous is not None:
            followed = follow(lexicon, question, ask.previous, ask.now)
            if followed is not None:
                return self._planned(ask, lexicon, followed)
        return self._planned(ask, lexicon, parse(lexicon, lexicon.items(question, ask.now)))

    def examples(
        self, relation: Relation, values: Sequence[ColumnValues], now: datetime
    ) -> tuple[str, ...]:
        return tuple(examples(self._lexicon(relation, values), now))

    def _planned(self, ask: Ask, lexicon: Lexicon, parsed: Parsed) -> Planned | Declined:
        wanted = parsed.sentence.wanted
        if wanted.cannot is not None:
            return self._cannot(wanted.cannot, lexicon, ask)
        if parsed.spec is None:
            return unplaceable(ask.question.strip(), parsed.unplaced, lexicon, ask.now)
        no = unclear(ask.question.strip(), wanted.ambiguous, parsed.spec, lexicon)
        if no is not None:
            return no
        assumptions = tuple(dict.fromkeys(wanted.assumptions))
        confidence, rests_on = confidence_of(parsed, lexicon)
        return Planned(
            spec=parsed.spec,
            planner=self.name,
            confidence=confidence,
            rests_on=rests_on,
            assumptions=assumptions,
        )

    def _cannot(self, why: str, lexicon: Lexicon, ask: Ask) -> Declined:
        suggestions = tuple(examples(lexicon, ask.now))
        return Declined(
            outcome="unanswerable", reason=why, planner=self.name, suggestions=suggestions
        )

    def _lexicon(self, relation: Relation, values: Sequence[ColumnValues]) -> Lexicon:
        key = (
            *(relation.schema, relation.table, relation.dataset),
            *(relation.version, relation.revision),
        )
        if key not in self._lexicons:
            self._lexicons[key] = Lexicon(relation, values)
            if len(self._lexicons) > _KEPT:
                self._lexicons.popitem(last=False)
        self._lexicons.move_to_end(key)
        return self._lexicons[key]
