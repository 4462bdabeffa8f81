"""The store of the unit tests keeps the same promises as the real one."""

import pytest

from contracts.event_store import EventStoreContract
from shared.infrastructure.event_store.memory_event_store import MemoryEventStore


class TestMemoryEventStore(EventStoreContract):
    @pytest.fixture
    def store(self) -> MemoryEventStore:
        return MemoryEventStore()
