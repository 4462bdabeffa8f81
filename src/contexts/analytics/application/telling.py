"""What an answer says beside its rows: a chart, and an analysis in words."""

import msgspec

from contexts.analytics.application.analysis import analyse
from contexts.analytics.application.charts import choose_chart
from contexts.analytics.application.explanation import explain
from contexts.analytics.application.rephrasing import rephrase
from contexts.analytics.domain.answer import Chart, Result
from contexts.analytics.domain.query_spec import QuerySpec
from contexts.analytics.domain.question import Usage
from contexts.analytics.domain.relation import Relation
from shared.application.language_model import LanguageModel


class Told(msgspec.Struct, frozen=True):
    """`kept_because` says why a model's words were not taken, where one was asked."""

    chart: Chart
    analysis: str
    usage: Usage = Usage()
    kept_because: str | None = None


class Telling:
    """`rephrasing`: a model, where one is set up, may say the analysis in better words."""

    def __init__(self, model: LanguageModel, *, rephrasing: bool) -> None:
        self._model = model
        self._rephrasing = rephrasing

    async def tell(
        self, question: str, spec: QuerySpec, relation: Relation, result: Result
    ) -> Told:
        chart, text = choose_chart(spec, result), analyse(spec, relation, result)
        if not self._rephrasing or not self._model.configured or not result.rows:
            return Told(chart, text)
        asked = explain(spec, relation)
        said = await rephrase(self._model, question, text, result, [asked])
        return Told(chart, said.text, said.usage, said.reason)
