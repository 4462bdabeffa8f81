"""What was asked for and no worker is at: none does that kind of work, or they are too few."""

from collections.abc import Mapping

from bootstrap import Application
from contexts.conversations.application.answering import WORK
from shared.application.context import Context, new_id, running_in

AFTER = 15.0
"""Seconds that something may wait for a worker; what was lost on its way has been found by then."""

MOST = 20
"""Of each kind, the oldest, that are looked at."""


async def unattended(application: Application) -> Mapping[str, int]:
    """How many of each kind."""
    analytics, claims = application.analytics, application.claims()
    asked = {
        "messages": (WORK, application.conversations.conversations_shown()),
        "questions": ("answer_question", analytics.questions_shown()),
        "uploads": ("load_dataset", analytics.datasets_shown()),
    }
    found = dict.fromkeys(asked, 0)
    for kind, (work, shown) in asked.items():
        for tenant, id in await shown.left_open(AFTER, MOST):
            with running_in(Context(correlation_id=new_id(), actor="health", tenant=tenant)):
                found[kind] += not await claims.is_held(work, id)
    return found
