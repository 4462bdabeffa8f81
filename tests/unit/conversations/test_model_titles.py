"""Titles by a language model: short, in one line, and never in the way of anything."""

from typing import Any

import pytest

from contexts.conversations.application.content import Message
from contexts.conversations.application.ports import Titles
from contexts.conversations.infrastructure.model_assistant.paying import Purse
from contexts.conversations.infrastructure.model_assistant.titles import ModelTitles
from model_assistants import OWNER, FakeBudgets, answer, tool, user
from scripted_model import Scripted
from shared.application.language_model import LanguageModelFailed, ModelUsage

PATH = (user("Any jazz in November?"), answer(tool(total=2), "There are two concerts."))


async def suggested(reply: Any, path: tuple[Message, ...] = PATH) -> Any:
    titles: Titles = ModelTitles(Purse(Scripted(reply), FakeBudgets()))
    return await titles.suggest(OWNER, path)


@pytest.mark.parametrize(
    ("reply", "title"),
    [
        ("Jazz in November", "Jazz in November"),
        ('"Jazz in November."\n', "Jazz in November"),
        ("Title: **Jazz in November**", "Jazz in November"),
        ("\n\n# Jazz\nin November", "Jazz"),
        (
            "one two three four five six seven eight nine ten",
            "one two three four five six seven eight",
        ),
        ("<think>Hm, jazz.</think>Jazz in November", "Jazz in November"),
        ("« Jazz en novembre »", "Jazz en novembre"),
        ("十一月的爵士乐", "十一月的爵士乐"),
        ("w" * 300, "w" * 80),
    ],
)
async def test_a_title_is_a_few_words_in_one_line(reply: str, title: str) -> None:
    assert await suggested(reply) == title


@pytest.mark.parametrize(
    "reply",
    [
        "",
        " \n ",
        '""',
        "<think>I wonder",
        "Jazz\x07",
        LanguageModelFailed("unavailable", "it did not work"),
        RuntimeError("broken"),
    ],
)
async def test_where_no_title_comes_there_is_none(reply: Any) -> None:
    assert await suggested(reply) is None


async def test_a_title_is_paid_for_by_the_owner() -> None:
    budgets, model = FakeBudgets(), Scripted("Jazz")
    await ModelTitles(Purse(model, budgets)).suggest(OWNER, PATH)
    assert budgets.settled == [110]
    (request,) = model.asked
    assert (request.purpose, request.max_tokens) == ("conversations.entitle", 24)
    assert not request.deterministic
    assert request.deadline is not None
    assert "There are two concerts." in request.messages[1].content


async def test_what_a_failure_took_is_paid_for() -> None:
    budgets = FakeBudgets()
    failure = LanguageModelFailed("invalid", "", usage=ModelUsage(input_tokens=30))
    await ModelTitles(Purse(Scripted(failure), budgets)).suggest(OWNER, PATH)
    assert budgets.settled == [30]


async def test_without_budget_or_run_no_model_is_asked() -> None:
    model = Scripted()
    assert await ModelTitles(Purse(model, FakeBudgets(0))).suggest(OWNER, PATH) is None
    no_run = (PATH[0], answer("Two.", run=None))
    assert await ModelTitles(Purse(model, FakeBudgets())).suggest(OWNER, no_run) is None
    assert not model.asked
