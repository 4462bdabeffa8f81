"""What models have cost, and what the caller may still use today."""

from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from contexts.conversations.application.chatting import GetAllowance
from contexts.conversations.application.ports import Allowance
from shared.application.bus import Bus
from shared.application.language_model import GetUsage, UsageReport
from shared.domain.errors import Invalid
from shared.presentation.json import JSONResponse
from shared.presentation.lists import only
from shared.presentation.problems import refusals


class Budget(msgspec.Struct, frozen=True):
    """Without a limit there is always some left: both are null. `reserved` is set aside for calls
    under way, which may give it back."""

    limit: int | None
    used: int
    reserved: int
    left: int | None


class AllowanceShown(msgspec.Struct, frozen=True):
    messages: Budget
    tokens: Budget
    resets_at: datetime


class UsageShown(UsageReport, frozen=True, kw_only=True):
    """`allowance` is that of the caller, for conversations; everything else is of all callers."""

    allowance: AllowanceShown


class UsageController(Controller):
    path = "/usage"
    tags = ("Language model",)

    @get(responses=refusals(Invalid))
    async def usage(
        self,
        request: Request[Any, Any, Any],
        bus: NamedDependency[Bus],
        owner: NamedDependency[UUID],
        first: Annotated[
            date | None,
            QueryParameter(name="from", description="First day (UTC); else 30 days before `to`"),
        ] = None,
        last: Annotated[
            date | None, QueryParameter(name="to", description="Last day (UTC); else today")
        ] = None,
    ) -> JSONResponse[UsageShown]:
        """Show what models were used for, and what that cost, by day, purpose and model; and what
        the caller may still use today."""
        only(request, "from", "to")
        last = last or datetime.now(UTC).date()
        first = first or date.fromordinal(max(1, last.toordinal() - 30))
        report = await bus(GetUsage(first, last))
        shown = UsageShown(
            **msgspec.structs.asdict(report), allowance=_shown(await bus(GetAllowance(owner)))
        )
        return JSONResponse(shown, headers={"cache-control": "no-store"})


def _shown(allowance: Allowance) -> AllowanceShown:
    return AllowanceShown(
        messages=_budget(allowance.messages_limit, allowance.messages_used, 0),
        tokens=_budget(allowance.tokens_limit, allowance.tokens_used, allowance.tokens_reserved),
        resets_at=allowance.resets_at,
    )


def _budget(limit: int | None, used: int, reserved: int) -> Budget:
    left = None if limit is None else max(0, limit - used - reserved)
    return Budget(limit, used, reserved, left)
