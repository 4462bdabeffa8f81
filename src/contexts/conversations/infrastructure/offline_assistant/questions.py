"""The steps of a question to the data: what is tried when it is not understood at once."""

from typing import Any

import msgspec

from contexts.conversations.application.content import ToolPart
from contexts.conversations.infrastructure.offline_assistant import telling_data, telling_help
from contexts.conversations.infrastructure.offline_assistant.choosing import named_dataset
from contexts.conversations.infrastructure.offline_assistant.earlier import ASK, result_of
from contexts.conversations.infrastructure.offline_assistant.finding import find
from contexts.conversations.infrastructure.offline_assistant.message import Reading
from contexts.conversations.infrastructure.offline_assistant.steps import Call, Steps
from contexts.conversations.infrastructure.offline_assistant.wishes import CATALOGUE, Ask

_DOING = "Asking the data"

_BY_ITSELF = "The question before has no answer to go on from, so this one is taken by itself."


def ask(wish: Ask, *, of: str | None, unanswered: bool = False) -> Steps:
    """`of` is the dataset of the last answer, which the question may be read to go on from;
    `unanswered`: there is no answer to the question right before.

    What is not understood so is asked as a question of its own, where it can be one; and looked for
    in the catalogue, where it reads like a search. A search is never asked of the data. A fragment
    is of what was asked before, and never goes over to other data."""
    goes_on, is_fragment = of is not None, not wish.alone and wish.dataset is None
    part = yield Call(ASK, wish.arguments)
    if is_fragment and of is not None and _is_understood(part) and _dataset(part) != of:
        part = yield Call(ASK, {**wish.arguments, "dataset": of})
    if wish.written is not None and not _is_understood(part):
        wish = Ask(question=wish.written, alone=True)
        part = yield Call(ASK, wish.arguments)
    if goes_on and wish.alone and not wish.new_topic and _outcome(part) == "unanswerable":
        again = yield Call(ASK, msgspec.structs.replace(wish, new_topic=True).arguments)
        part = again if _is_understood(again) else part
    if _outcome(part) == "needs_clarification":
        # "top five products in sales" names the dataset that we would have to ask back for.
        options = _options(part)
        option = named_dataset(Reading(wish.question), options)
        if option is None and wish.alone and wish.of_business:
            option = _but_the_catalogue(options)
        if option is not None:
            chosen = Ask(question=str(option["question"]), dataset=option["dataset"])
            part = yield Call(ASK, chosen.arguments)
    if _outcome(part) == "unanswerable" and wish.fallback is not None:
        told = yield from find(wish.fallback)
        return f"{telling_data.as_search(result_of(part))}\n\n{told}"
    if is_fragment and unanswered and _outcome(part) == "answered":
        return f"{_BY_ITSELF}\n\n{_told(part)}"
    return _told(part)


def _but_the_catalogue(options: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What is meant where it is that or the catalogue, and no event is spoken of."""
    others = [option for option in options if option.get("dataset") not in (None, CATALOGUE)]
    is_choice = any(option.get("dataset") == CATALOGUE for option in options)
    return others[0] if is_choice and len(options) == 2 and len(others) == 1 else None


def _told(part: ToolPart) -> str:
    if part.error is not None:
        return telling_help.troubled(_DOING, part.error)
    match _outcome(part):
        case "answered":
            return telling_data.answered(result_of(part))
        case "needs_clarification":
            return telling_data.unclear(result_of(part), _options(part))
        case _:
            return telling_data.declined(result_of(part))


def _is_understood(part: ToolPart) -> bool:
    return _outcome(part) in ("answered", "needs_clarification")


def _outcome(part: ToolPart) -> str | None:
    outcome = result_of(part).get("outcome")
    return None if outcome is None else str(outcome)


def _dataset(part: ToolPart) -> str | None:
    dataset = result_of(part).get("dataset")
    return None if dataset is None else str(dataset)


def _options(part: ToolPart) -> list[dict[str, Any]]:
    return list(result_of(part).get("options") or [])
