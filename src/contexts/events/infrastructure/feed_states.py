"""What is remembered of each feed between two runs, and when it is due again."""

import random
from datetime import timedelta
from typing import Any
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

    async def claim_due(self) -> list[str]:
        """The providers whose feed is due now, each told to one caller only."""
        scheduled = [p.name for p in self._providers.values() if p.url is not None]
        async with self._pool.connection() as connection:
            await connection.execute(
                "insert into events.feeds (tenant, provider) select %s, unnest(%s::text[])"
                " on conflict do nothing",
                (DEFAULT_TENANT, scheduled),
            )
            # Should the run never begin, the feed is due again after the length of a claim.
            cursor = await connection.execute(
                "update events.feeds set due_at = clock_timestamp() + %s"
                " where tenant = %s and provider = any(%s) and due_at <= clock_timestamp()"
                " and (claimed_until is null or claimed_until < clock_timestamp())"
                " returning provider",
                (timedelta(seconds=CLAIM_SECONDS), DEFAULT_TENANT, scheduled),
            )
            return [row[0] for row in await cursor.fetchall()]

    async def list_providers(self, query: ListProviders) -> list[ProviderListed]:
        """Those that are set up, and those that were ever read."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select provider, outcome::text, checked_at, due_at, run_id from events.feeds"
                " where tenant = %s",
                (current_context().tenant,),
            )
            rows = {row[0]: row[1:] for row in await cursor.fetchall()}
        names = sorted({*self._providers, *rows})
        return [
            _listed(self._providers.get(name, Provider(name)), rows.get(name)) for name in names
        ]


def pause(provider: Provider, outcome: Outcome) -> float:
    """Seconds until a feed is due again: the interval, or longer the more often it has failed.

    A tenth of jitter keeps the feeds of many providers from falling together; what a provider
    asked for with Retry-After is kept, up to MAX_BACKOFF.
    """
    longest = max(MAX_BACKOFF, provider.interval)
    seconds = provider.interval * 2 ** min(max(outcome.failures - 1, 0), 16)
    seconds = min(max(seconds, outcome.retry_after or 0.0), longest)
    return float(seconds * random.uniform(0.9, 1.1))


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
