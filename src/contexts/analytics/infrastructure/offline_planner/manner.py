"""How figures are to be shown: as shares, added up, beside the period before."""

from contexts.analytics.infrastructure.offline_planner.counting import is_flag, yes
from contexts.analytics.infrastructure.offline_planner.filters import add
from contexts.analytics.infrastructure.offline_planner.readings import Named
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence
from contexts.analytics.infrastructure.offline_planner.words import fold


def read_manner(sentence: Sentence) -> None:
    """A share by a category is drawn as a pie, which shows it; a percentage is a figure itself."""
    wanted = sentence.wanted
    _rate(sentence)
    for at, item in enumerate(sentence.items):
        if item.used or item.as_(Named) is not None:
            continue
        sign = item.sign("share", "percent", "running", "change", "distribution", "distinct")
        if sign is None:
            continue
        match sign.kind:
            case "share":
                wanted.shape = wanted.share = True
                wanted.chart = wanted.chart or "pie"
            case "percent":
                wanted.percent = True
            case "running":
                wanted.running = True
            case "change":
                year = sign.value == "previous_year"
                wanted.comparison = "previous_year" if year else "previous_period"
            case "distribution":
                wanted.shape = wanted.shape or sign.value == "distribution"
            case _:
                continue
        sentence.use(at)


def _rate(sentence: Sentence) -> None:
    """`refund rate`: how many of them say yes, in percent."""
    for at, item in enumerate(sentence.items):
        named = sentence.named(at - 1)
        if item.used or item.as_(Named) is not None or fold(item.text) not in ("rate", "rates"):
            continue
        column = sentence.column(named.choices[0].column) if named is not None else None
        if column is not None and is_flag(column):
            sentence.wanted.percent = True
            sentence.use(at - 1, at)
            add(sentence, at, yes(column))
