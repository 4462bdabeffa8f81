"""Lets a language model say an analysis in better words, and keeps the template unless all of it
holds: every number grounded, plain text, and not much longer."""

import re
import unicodedata
from collections.abc import Sequence

import msgspec

from contexts.analytics.application import wording
from contexts.analytics.application.grounding import numbers_are_grounded
from contexts.analytics.application.prompting import DATA_RULE, as_data
from contexts.analytics.domain.answer import Result
from contexts.analytics.domain.question import Usage
from shared.application.language_model import (
    ChatMessage,
    Completed,
    Completion,
    LanguageModel,
    LanguageModelFailed,
    ModelUsage,
)

_ROWS = 30
"""That the model is shown; the template tells of all."""

_LONGEST = 1_200
"""Characters of a reply that stands."""

_SECONDS = 20.0

_RULES = f"""You put findings about a table into plain, fluent English for a reader of reports.
{DATA_RULE}
Say what `findings` say, in the light of `question`, in one to four sentences. Use no number that \
does not stand in `findings` or `rows`, compute nothing, and write numbers with digits as they are \
written there. Add no advice, no cause and no guess. Write plain text: no markup, lists or links.
Reply with the sentences and nothing else."""

_MARKUP = re.compile(r"[<>`|{}]|\]\(|\*\*|__|^\s*(?:[#*-]|\d+\.)\s|://|\bwww\.", re.MULTILINE)


class Rephrased(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the end. `by` is the model that said it, None where the template stands;
    `reason` tells why it does, when a model was asked."""

    text: str
    by: str | None = None
    reason: str | None = None
    usage: Usage = Usage()


async def rephrase(
    model: LanguageModel,
    question: str,
    text: str,
    result: Result,
    told: Sequence[str] = (),
) -> Rephrased:
    """The analysis `text` in the model's words, if they hold. Never raises over the model.

    Numbers of the `told`, such as the explanation of what was asked for, may be repeated; those of
    the question may not, since whoever asks could put any number into it.
    """
    if not model.configured:
        return Rephrased(text=text)
    try:
        reply = await model.complete(_request(question, text, result))
    except LanguageModelFailed as failure:
        return Rephrased(text=text, reason=str(failure), usage=as_usage(failure.usage, None))
    usage = as_usage(reply.usage, reply.model)
    said = " ".join(reply.text.split())
    if fault := _fault(reply, said, result, (text, *told)):
        return Rephrased(text=text, reason=f"the model's words were not used: {fault}", usage=usage)
    return Rephrased(text=said, by=reply.model, usage=usage)


def as_usage(usage: ModelUsage, model: str | None) -> Usage:
    """What a question counts of what a model took."""
    return Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost=usage.cost,
        model=model,
    )


def _request(question: str, text: str, result: Result) -> Completion:
    data = {
        "question": question,
        "findings": text,
        "columns": [wording.title(output.title) for output in result.columns],
        "rows": [
            [wording.cell(each, output) for each, output in zip(row, result.columns, strict=True)]
            for row in result.rows[:_ROWS]
        ],
        "rows_in_all": len(result.rows),
    }
    return Completion(
        messages=(ChatMessage("system", _RULES), ChatMessage("user", as_data(data))),
        purpose="analytics.rephrase",
        max_tokens=400,
        deadline=_SECONDS,
    )


def _fault(reply: Completed, said: str, result: Result, told: Sequence[str]) -> str | None:
    """Why a reply does not stand."""
    if not said:
        return "there were none"
    if reply.finish != "stop" or len(said) > _LONGEST:
        return "they were too long"
    if _MARKUP.search(reply.text) or any(_is_hidden(sign) for sign in said):
        return "they were not plain text"
    made_up = numbers_are_grounded(said, result, told)
    if made_up:
        shown = wording.listed([wording.cut(each, 20) for each in dict.fromkeys(made_up)][:5])
        return f"{shown} {'does' if len(made_up) == 1 else 'do'} not follow from the rows"
    return None


def _is_hidden(sign: str) -> bool:
    """Whether it steers how a text is shown, or stands for nothing that is."""
    return unicodedata.category(sign) in ("Cc", "Cf", "Co", "Cs", "Cn")
