import pytest

from contexts.conversations.application.titles import NEW, title_by_rule

LONG = "Which concerts are there next weekend in Halvora that cost less than thirty euros each"


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("What is on?", "What is on?"),
        ("\n \n  What\t is  on? \nAnd when?", "What is on?"),
        ("Hi. What is on? Tell me.", "Hi. What is on? Tell me."),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
        (LONG, "Which concerts are there next weekend in Halvora that cost…"),
        ("We go out on Friday. " + LONG, "We go out on Friday."),
        ("We go out. To a concert! " + LONG, "We go out. To a concert!"),
        (
            "It costs 12.50 or " + LONG,
            "It costs 12.50 or Which concerts are there next weekend in…",
        ),
        ("¿Qué hay? 🎷", "¿Qué hay? 🎷"),
        ("", NEW),
        (" \n\t", NEW),
    ],
)
def test_a_conversation_goes_by_its_first_line_sentences_or_words(said: str, title: str) -> None:
    assert title_by_rule(said) == title
    assert len(title) <= 60
