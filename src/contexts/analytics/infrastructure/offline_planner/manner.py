"""How figures are to be shown: as shares, added up, beside the period before."""

from contexts.analytics.infrastructure.offline_planner.readings import Named
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence


def read_manner(sentence: Sentence) -> None:
    """A share by a category is drawn as a pie, which shows it; a percentage is a figure itself."""
    wanted = sentence.wanted
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
