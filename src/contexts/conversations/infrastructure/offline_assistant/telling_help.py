"""What is said when nothing is to be looked up: small talk, help, and what can't be done."""

from collections.abc import Mapping, Sequence
from typing import Any

from contexts.conversations.infrastructure.offline_assistant import writing
from contexts.conversations.infrastructure.offline_assistant.message import fold
from contexts.conversations.infrastructure.offline_assistant.wishes import Cannot, Topic

_SEARCHES = ("concerts next weekend under 30 euros", "what's on tonight?")

_CAN = (
    'I can search the catalogue of events ("what\'s on next weekend under 30 euros") and answer '
    'questions about the data ("revenue by month"). Ask for "help" to see examples.'
)
_MODEL = "For free conversation a language model can be set up (the setting LLM_MODEL)."

_LIMITS = {
    "act": "I can't do that: I only look things up, and never book, buy, send, change or delete.",
    "write": "I can't write texts: I answer by fixed rules.",
    "translate": "I can't translate, and understand English only.",
    "language": "I understand English only, sorry.",
    "knowledge": "I can't answer that: I know nothing but the catalogue of events and the data.",
    "instructions": "I can't follow that: I answer by fixed rules, which a message can't change.",
    "unclear": "I don't understand that.",
    "advice": "I can't give reasons, advice or forecasts: I only tell what is in the data.",
    "long": "That is too long for me: I read up to 1,000 characters, so ask one thing at a time.",
}

_SMALL_TALK: Mapping[str, str] = {
    "greeting": f"Hello! {_CAN}",
    "thanks": "You're welcome!",
    "goodbye": "Goodbye, and have a good time!",
    "who": f"I am Marquee's offline assistant: a program that answers by rules, without any "
    f"language model. {_CAN}",
    "well": "All in order here, thank you. What would you like to know?",
    "fine": "All right. Is there anything else you would like to know?",
}


def small_talk(about: Topic) -> str:
    return _SMALL_TALK[about]


def cannot(wish: Cannot) -> str:
    """What can't be done, what can, and how more could be."""
    told = f"{_LIMITS[wish.what]} {_CAN}"
    return told if wish.what in ("act", "instructions", "long") else f"{told} {_MODEL}"


def help_with(datasets: Sequence[Mapping[str, Any]]) -> str:
    """Examples that work, those of the data from what there is."""
    lines = ["I search the catalogue of events, for example:", *_dashed(_SEARCHES)]
    examples = [
        f"- {example} (of {dataset['name']})"
        for dataset in datasets
        for example in (dataset.get("examples") or [])[:2]
    ]
    if examples:
        lines += ["", "I answer questions about the data:", *examples[:6]]
    lines += [
        "",
        "Then go on from there: \"and on Saturday?\", \"cheaper ones\", \"only November\", \"as a "
        'pie". I can\'t book, write texts or tell what is not in the catalogue or the data. '
        f"{_MODEL}",
    ]  # fmt: skip
    return "\n".join(lines)


def datasets_told(datasets: Sequence[Mapping[str, Any]]) -> str:
    if not datasets:
        return "There is no data to ask yet."
    lines = [f"There {'is' if len(datasets) == 1 else 'are'} "
             f"{writing.counted(len(datasets), 'dataset')}:"]  # fmt: skip
    for dataset in datasets:
        rows = dataset.get("rows")
        size = f" — {writing.counted(rows, 'row')}" if isinstance(rows, int) else ""
        lines.append(f"- {dataset['name']}{size}{_columns(dataset.get('columns') or [])}")
        lines += [f'  e.g. "{each}"' for each in (dataset.get("examples") or [])[:2]]
    return "\n".join(lines)


def described(name: str, datasets: Sequence[Mapping[str, Any]]) -> str:
    """One dataset with all its columns; where there is none of the name, all there are."""
    dataset = _named(name, datasets)
    if dataset is None:
        return f"There is no dataset '{name}'. {datasets_told(datasets)}"
    lines = [f"{dataset['name']}: {dataset.get('description') or 'a dataset'}", "", "Its columns:"]
    lines += [f"- {each['title']} ({each['type']})" for each in dataset.get("columns") or []]
    lines += ["", "It answers questions such as:"]
    lines += [f'- "{each}"' for each in dataset.get("examples") or []]
    return "\n".join(lines)


def is_one(name: str, datasets: Sequence[Mapping[str, Any]]) -> bool:
    return _named(name, datasets) is not None


def _named(name: str, datasets: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """ "Box office" is `box_office`."""
    wanted = fold(name).replace(" ", "_")
    return next((each for each in datasets if fold(str(each["name"])) == wanted), None)


def _columns(columns: Sequence[Any]) -> str:
    titles = [str(each.get("title") if isinstance(each, Mapping) else each) for each in columns]
    if not titles:
        return ""
    more = f" and {len(titles) - 8} more" if len(titles) > 8 else ""
    return f" — {', '.join(titles[:8])}{more}"


def troubled(doing: str, error: str) -> str:
    """A tool did not do it."""
    return f"{doing} did not work: {writing.sentence(error)} Please try again, or ask otherwise."


def _dashed(texts: Sequence[str]) -> list[str]:
    return [f"- {text}" for text in texts]
