"""What is remembered of each feed between two runs, and when it is due again."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from contexts.events.application.ports import Outcome, Provider, Providers, public_url
from contexts.events.application.queries import ListProviders, ProviderListed
from shared.application.context import DEFAULT_TENANT, current_context
from shared.infrastructure.postgres import Pool

CIRCUIT_OPENS_AFTER = 5
"""Failures in a row after which a feed counts as broken."""

MAX_BACKOFF = 3600.0
"""Seconds; a failing feed is never left alone for longer than this or its own interval."""

CLAIM_SECONDS = 600
"""A run renews its claim; one that died gives the feed free after this long."""

LOST_AFTER = 120.0
"""Seconds after which a run that was asked for, of a feed that nobody reads, counts as lost."""

_LOST = """(
    select r.id from events.provider_runs r
    where r.tenant = f.tenant and r.provider = f.provider and r.status = 'requested'
      and r.requested_at < clock_timestamp() - %(lost_after)s
    order by r.position limit 1
)"""
"""The oldest lost run of the feed `f`."""


class Due(NamedTuple):
    """A feed to be read now, by a new run or by one that was asked for and got lost."""

    provider: str
    lost_run_id: UUID | None


class FeedStates:
    """The table `events.feeds`. It is not derived from the log and may be emptied at any time: then
    every feed is due, and its first run compares each plan with the log."""

    def __init__(self, pool: Pool, providers: Providers) -> None:
        self._pool = pool
        self._providers = providers

    async def claim(self, provider: str, run_id: UUID) -> bool:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "insert into events.feeds as f (tenant, provider, run_id, claimed_until)"
                " values (%s, %s, %s, clock_timestamp() + %s)"
                " on conflict (tenant, provider) do update"
                " set run_id = excluded.run_id, claimed_until = excluded.claimed_until"
                " where f.run_id is null or f.run_id = excluded.run_id"
                " or f.claimed_until < clock_timestamp()"
                " returning true",
                (current_context().tenant, provider, run_id, timedelta(seconds=CLAIM_SECONDS)),
            )
            return await cursor.fetchone() is not None

    async def last(self, provider: str) -> Outcome | None:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select outcome::text from events.feeds where tenant = %s and provider = %s",
                (current_context().tenant, provider),
            )
            row = await cursor.fetchone()
        return msgspec.json.decode(row[0], type=Outcome) if row and row[0] else None

    async def end(self, provider: Provider, outcome: Outcome) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(
                "update events.feeds set outcome = %s::json, checked_at = clock_timestamp(),"
                " due_at = clock_timestamp() + %s, run_id = null, claimed_until = null"
                " where tenant = %s and provider = %s and run_id = %s",
                (
                    msgspec.json.encode(outcome).decode(),
                    timedelta(seconds=pause(provider, outcome)),
                    current_context().tenant,
                    provider.name,
                    outcome.run_id,
                ),
            )

    async def claim_due(self) -> list[Due]:
        """The feeds to be read now, each told to one caller only.

        Those are the ones whose time has come, and the ones that have a lost run. A feed that was
        told and not read is told again after CLAIM_SECONDS; meanwhile any run may claim it.
        """
        scheduled = [p.name for p in self._providers.values() if p.url is not None]
        async with self._pool.connection() as connection:
            await connection.execute(
                "insert into events.feeds (tenant, provider) select %s, unnest(%s::text[])"
                " on conflict do nothing",
                (DEFAULT_TENANT, scheduled),
            )
            cursor = await connection.execute(
                "update events.feeds f"  # noqa: S608 (a constant)
                " set run_id = null, claimed_until = clock_timestamp() + %(claim)s"
                " where tenant = %(tenant)s and provider = any(%(scheduled)s)"
                " and (claimed_until is null or claimed_until < clock_timestamp())"
                f" and (due_at <= clock_timestamp() or {_LOST} is not null)"
                f" returning provider, {_LOST}",
                {
                    "claim": timedelta(seconds=CLAIM_SECONDS),
                    "tenant": DEFAULT_TENANT,
                    "scheduled": scheduled,
                    "lost_after": timedelta(seconds=LOST_AFTER),
                },
            )
            return [Due(*row) for row in await cursor.fetchall()]

    async def untell(self, providers: Sequence[str]) -> None:
        """Take back that these were told: they are to be told again at once."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "update events.feeds set claimed_until = null"
                " where tenant = %s and provider = any(%s) and run_id is null",
                (DEFAULT_TENANT, list(providers)),
            )

    async def list_providers(self, query: ListProviders) -> list[ProviderListed]:
        """Those that are set up, and those that were ever read."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select provider, outcome::text, checked_at, due_at,"
                " case when claimed_until > clock_timestamp() then run_id end"
                " from events.feeds where tenant = %s",
                (current_context().tenant,),
            )
            rows = {row[0]: row[1:] for row in await cursor.fetchall()}
        names = sorted({*self._providers, *rows})
        return [
            _listed(self._providers.get(name, Provider(name)), rows.get(name)) for name in names
        ]


def pause(provider: Provider, outcome: Outcome) -> float:
    """Seconds until a feed is due again: the interval, or longer the more often it has failed.

    A tenth of jitter keeps the feeds of many providers from falling together. What a provider asked
    for with Retry-After is the least, up to MAX_BACKOFF.
    """
    longest = max(MAX_BACKOFF, provider.interval)
    seconds = provider.interval * 2 ** min(max(outcome.failures - 1, 0), 16)
    seconds = min(seconds, longest) * random.uniform(0.9, 1.1)
    asked = min(outcome.retry_after or 0.0, longest) * random.uniform(1.0, 1.1)
    return float(max(seconds, asked))


def _listed(provider: Provider, row: tuple[Any, ...] | None) -> ProviderListed:
    outcome_json, checked_at, due_at, run_id = row or (None, None, None, None)
    outcome = msgspec.json.decode(outcome_json, type=Outcome) if outcome_json else None
    failures = outcome.failures if outcome else 0
    return ProviderListed(
        name=provider.name,
        url=public_url(provider.url) if provider.url else None,
        format=provider.format,
        timezone=provider.timezone,
        interval=provider.interval,
        circuit="open" if failures >= CIRCUIT_OPENS_AFTER else "closed",
        failures=failures,
        last_outcome=outcome.state if outcome else None,
        last_run_id=outcome.run_id if outcome else None,
        last_checked_at=checked_at,
        running_run_id=run_id,
        due_at=due_at if provider.url else None,
    )
