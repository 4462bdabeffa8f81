"""What `GET /usage` says of the caller's own budget, beside what everybody used."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.di import Provide
from litestar.testing import TestClient

from api.usage import UsageController
from contexts.conversations.application.chatting import GetAllowance
from contexts.conversations.application.ports import Allowance
from shared.application.bus import Bus
from shared.application.language_model import GetUsage, UsageReport, UsageTotals
from shared.application.personal import NOBODY
from shared.presentation.caller import owner, with_caller
from talking import MemoryVault

TOMORROW = datetime(2026, 5, 5, tzinfo=UTC)


class Budgets:
    """What each has used of 10 messages and 1,000 tokens."""

    def __init__(self) -> None:
        self.limits: tuple[int | None, int | None] = 10, 1_000
        self.used: dict[UUID, tuple[int, int, int]] = {}

    async def allowance(self, query: GetAllowance) -> Allowance:
        messages, tokens, reserved = self.used.get(query.owner, (0, 0, 0))
        return Allowance(
            messages_limit=self.limits[0],
            messages_used=messages,
            tokens_limit=self.limits[1],
            tokens_used=tokens,
            tokens_reserved=reserved,
            resets_at=TOMORROW,
        )


@pytest.fixture
def budgets() -> Budgets:
    return Budgets()


@pytest.fixture
def vault() -> MemoryVault:
    return MemoryVault()


@pytest.fixture
def client(budgets: Budgets, vault: MemoryVault) -> Iterator[TestClient[Litestar]]:
    async def report(query: GetUsage) -> UsageReport:
        return UsageReport(first=query.first, last=query.last, days=(), totals=UsageTotals(calls=7))

    bus = Bus()
    bus.serve({GetUsage: report, GetAllowance: budgets.allowance})
    app = Litestar(
        [UsageController],
        dependencies={
            "bus": Provide(lambda: bus, sync_to_thread=False),
            "vault": Provide(lambda: vault, sync_to_thread=False),
            "owner": Provide(owner),
        },
        logging_config=None,
    )
    app.asgi_handler = with_caller(app.asgi_handler)
    with TestClient(app) as client:
        yield client


def asked(client: TestClient[Litestar], caller: str = "ann") -> Any:
    answer = client.get("/usage", headers={"marquee-caller": caller})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    return answer.json()


async def test_a_caller_sees_his_own_budget_and_what_all_have_used(
    client: TestClient[Litestar], budgets: Budgets, vault: MemoryVault
) -> None:
    budgets.used[await vault.subject("ann")] = (3, 400, 250)
    shown = asked(client)
    assert shown["allowance"] == {
        "messages": {"limit": 10, "used": 3, "reserved": 0, "left": 7},
        "tokens": {"limit": 1_000, "used": 400, "reserved": 250, "left": 350},
        "resets_at": "2026-05-05T00:00:00Z",
    }
    assert shown["totals"]["calls"] == 7
    assert date.fromisoformat(shown["first"]) < date.fromisoformat(shown["last"])


def test_who_is_unknown_sees_all_that_anybody_may_use(
    client: TestClient[Litestar], budgets: Budgets
) -> None:
    shown = asked(client, "zoe")
    assert shown["allowance"]["messages"]["left"] == 10
    assert shown["allowance"]["tokens"]["left"] == 1_000


async def test_nothing_less_than_nothing_is_left(
    client: TestClient[Litestar], budgets: Budgets, vault: MemoryVault
) -> None:
    budgets.used[await vault.subject("ann")] = (10, 1_200, 0)
    shown = asked(client)
    assert shown["allowance"]["messages"]["left"] == 0
    assert shown["allowance"]["tokens"]["left"] == 0


def test_without_limits_nothing_is_said_to_be_left(
    client: TestClient[Litestar], budgets: Budgets
) -> None:
    budgets.limits, budgets.used[NOBODY] = (None, None), (3, 4, 0)
    assert asked(client)["allowance"]["messages"] == {
        "limit": None,
        "used": 3,
        "reserved": 0,
        "left": None,
    }
