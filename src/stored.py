"""What is stored: every kind of event that may stand in the log, and the form of the database."""

from pathlib import Path

import contexts.analytics.infrastructure as analytics_infrastructure
import contexts.conversations.infrastructure as conversations_infrastructure
import contexts.events.infrastructure as events_infrastructure
from contexts.analytics.domain.dataset import DatasetChange
from contexts.analytics.domain.question import QuestionChange
from contexts.analytics.domain.report import ReportChange
from contexts.conversations.domain.conversation import ConversationChange
from contexts.events.domain.event import EventChange
from contexts.events.domain.provider_run import RunChange
from shared.application.codec import Upcaster
from shared.domain.aggregate import kinds_of
from shared.domain.personal import Subject
from shared.infrastructure.migrations import SHARED, Migration, migrations

KINDS = [
    *kinds_of(EventChange),
    *kinds_of(RunChange),
    *kinds_of(DatasetChange),
    *kinds_of(QuestionChange),
    *kinds_of(ReportChange),
    *kinds_of(ConversationChange),
    *kinds_of(Subject.events),
]
"""Every kind of event that may stand in the log."""

UPCASTERS: dict[str, Upcaster] = {}
"""For each retired tag, what became of it."""

MIGRATIONS: list[Migration] = list(
    migrations(
        [
            ("shared", SHARED),
            ("events", Path(events_infrastructure.__file__).parent / "migrations"),
            ("analytics", Path(analytics_infrastructure.__file__).parent / "migrations"),
            ("conversations", Path(conversations_infrastructure.__file__).parent / "migrations"),
        ]
    )
)
