"""The whole program, put together once; API, workers, command line and tests all start here."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import redis.asyncio
from dependency_injector import containers, providers
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from contexts.analytics.application.keeping import Settings as QuestionSettings
from contexts.analytics.application.ports import Limits
from contexts.analytics.container import AnalyticsContainer
from contexts.conversations.container import ChatSettings, ConversationsContainer
from contexts.events.container import EventsContainer
from contexts.events.infrastructure.feeds.sources import FetchLimits
from settings import Settings
from shared.application.bus import Bus
from shared.application.codec import Codec
from shared.application.cursors import Cursors
from shared.application.language_model import CompleteText, GetUsage
from shared.application.parked_events import (
    DiscardParkedEvent,
    GetParkedEvent,
    ListParkedEvents,
    ReplayParkedEvent,
)
from shared.application.personal import EraseSubject, FindSubject, RewrapKeys
from shared.application.projections import (
    DropInstance,
    GetProjection,
    ListProjections,
    RebuildProjection,
    SwitchProjection,
)
from shared.application.reactions import Reactions
from shared.infrastructure.broker import broker
from shared.infrastructure.claims import PostgresClaims
from shared.infrastructure.event_store.high_water_mark import HighWaterMark, LogPosition
from shared.infrastructure.event_store.log_identity import LogIdentity
from shared.infrastructure.event_store.postgres_event_store import PostgresEventStore
from shared.infrastructure.language_model.chain import ChainedLanguageModel
from shared.infrastructure.language_model.endpoint import ModelLimits
from shared.infrastructure.personal.erasing import Erasing
from shared.infrastructure.personal.key_ring import KeyRing
from shared.infrastructure.personal.rotation import Rotation, must_open
from shared.infrastructure.personal.vault import PostgresVault
from shared.infrastructure.postgres import pool
from shared.infrastructure.projections.instances import ActiveInstances, have_instances
from shared.infrastructure.projections.parked_events import ParkedEvents
from shared.infrastructure.projections.projection_status import ProjectionStatus
from shared.infrastructure.projections.read_positions import ReadPositions
from shared.infrastructure.projections.rebuilds import Rebuilds
from shared.infrastructure.projections.runner import Runner
from shared.infrastructure.projections.subscriptions import ReactionSubscription
from shared.infrastructure.projections.verification import Verification
from shared.infrastructure.wakeups import Wakeups
from stored import KINDS, UPCASTERS


def _redis(url: str) -> redis.asyncio.Redis:
    """For reads in the way of a request: what does not answer in time is done without."""
    return redis.asyncio.Redis.from_url(
        url, socket_timeout=2, socket_connect_timeout=1, retry=Retry(NoBackoff(), 1)
    )


def _cursor_secret(set_: str | None, log: LogIdentity) -> Callable[[], str]:
    """Where none is set, all processes on one log still agree on one."""
    return lambda: set_ or log.id


class Application(containers.DeclarativeContainer):
    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)
    process: providers.Dependency[str] = providers.Dependency(instance_of=str)

    pool = providers.Singleton(
        pool,
        settings.provided.database.call(),
        name=process,
        size=settings.provided.database_connections,
        statement_seconds=settings.provided.statement_seconds,
        connect_seconds=settings.provided.connect_seconds,
    )
    redis = providers.Singleton(_redis, settings.provided.redis.call())
    broker = providers.Singleton(
        broker, settings.provided.redis.call(), namespace=settings.provided.broker_namespace
    )
    clock = providers.Object(lambda: datetime.now(UTC))
    codec = providers.Singleton(Codec, KINDS, UPCASTERS)
    log = providers.Singleton(LogIdentity)
    cursors = providers.Singleton(
        Cursors, providers.Factory(_cursor_secret, settings.provided.cursor_secret, log)
    )
    mark = providers.Singleton(HighWaterMark)
    active = providers.Singleton(ActiveInstances)
    wakeups = providers.Singleton(Wakeups, broker.provider)
    claims = providers.Singleton(PostgresClaims, pool)
    positions = providers.Singleton(
        ReadPositions, pool, mark, wakeups, settings.provided.min_position_seconds
    )
    bus = providers.Singleton(Bus, positions)
    store = providers.Singleton(PostgresEventStore, pool, mark, after_commit=wakeups)
    key_ring = providers.Singleton(KeyRing, settings.provided.encryption_keys.call())
    vault = providers.Singleton(PostgresVault, pool, key_ring)
    erasing = providers.Singleton(Erasing, pool, store, codec, vault, clock)
    rotation = providers.Singleton(Rotation, pool, key_ring)

    events = providers.Container(
        EventsContainer,
        store=store,
        codec=codec,
        bus=bus,
        pool=pool,
        redis=redis,
        log=log,
        active=active,
        broker=broker.provider,
        clock=clock,
        cursors=cursors,
        feed_providers=settings.provided.providers,
        fetch_limits=providers.Singleton(
            FetchLimits,
            connect_seconds=settings.provided.feed_connect_seconds,
            read_seconds=settings.provided.feed_read_seconds,
            total_seconds=settings.provided.feed_total_seconds,
            max_bytes=settings.provided.feed_max_bytes,
        ),
    )

    language_model = providers.Singleton(
        ChainedLanguageModel,
        settings.provided.model_servers.call(),
        providers.Singleton(
            ModelLimits,
            seconds=settings.provided.llm_timeout_seconds,
            connect_seconds=settings.provided.llm_connect_seconds,
            retries=settings.provided.llm_retries,
            max_retry_after=settings.provided.llm_max_retry_after_seconds,
            concurrency=settings.provided.llm_concurrency,
            requests_per_minute=settings.provided.llm_requests_per_minute,
            cache_seconds=settings.provided.llm_cache_seconds,
            max_output_tokens=settings.provided.llm_max_output_tokens,
        ),
        settings.provided.llm_prices,
        redis,
        pool,
        settings.provided.broker_namespace,
    )
    analytics = providers.Container(
        AnalyticsContainer,
        store=store,
        codec=codec,
        bus=bus,
        pool=pool,
        database_url=settings.provided.database.call(),
        redis=redis,
        log=log,
        log_position=providers.Singleton(LogPosition, pool, mark),
        positions=positions,
        broker=broker.provider,
        clock=clock,
        cursors=cursors,
        claims=claims,
        model=language_model,
        settings=providers.Singleton(
            QuestionSettings,
            question_seconds=settings.provided.question_seconds,
            confirm_below=settings.provided.confirm_below,
        ),
        rephrasing=settings.provided.llm_rephrase,
        most_bytes=settings.provided.upload_max_bytes,
        limits=providers.Singleton(
            Limits,
            rows=settings.provided.query_rows,
            seconds=settings.provided.query_seconds,
            cost=settings.provided.query_cost,
        ),
    )

    conversations = providers.Container(
        ConversationsContainer,
        store=store,
        codec=codec,
        bus=bus,
        pool=pool,
        redis=redis,
        redis_url=settings.provided.redis.call(),
        log=log,
        namespace=settings.provided.broker_namespace,
        clock=clock,
        cursors=cursors,
        claims=claims,
        vault=vault,
        model=language_model,
        settings=providers.Singleton(
            ChatSettings,
            models=settings.provided.model_servers.call(),
            context_tokens=settings.provided.llm_context_tokens,
            output_tokens=settings.provided.llm_max_output_tokens,
            titles=settings.provided.llm_titles,
            call_seconds=settings.provided.llm_timeout_seconds,
            run_seconds=settings.provided.run_seconds,
            chat_seconds=settings.provided.chat_seconds,
            messages_per_day=settings.provided.messages_per_day,
            tokens_per_day=settings.provided.tokens_per_day,
        ),
    )

    reactions = providers.Singleton(
        Reactions,
        bus,
        events.container.reactions,
        analytics.container.reactions,
        conversations.container.reactions,
    )
    runner = providers.Singleton(
        Runner,
        pool,
        mark,
        codec,
        subscriptions=providers.List(
            events.container.catalogue,
            events.container.cards,
            events.container.provider_runs,
            analytics.container.datasets_shown,
            analytics.container.questions_shown,
            analytics.container.reports_shown,
            conversations.container.conversations_shown,
            providers.Singleton(ReactionSubscription, "reactions", reactions),
        ),
    )
    projections = providers.Singleton(
        ProjectionStatus, pool, mark, runner, redis, settings.provided.broker_namespace
    )
    parked_events = providers.Singleton(ParkedEvents, pool, runner)
    rebuilds = providers.Singleton(Rebuilds, pool, mark, runner)
    verification = providers.Singleton(Verification, pool, mark, codec, runner, rebuilds)

    handlers = providers.Dict(
        {
            ListProjections: projections.provided.list_projections,
            GetProjection: projections.provided.get,
            RebuildProjection: rebuilds.provided.start,
            SwitchProjection: rebuilds.provided.switch,
            DropInstance: rebuilds.provided.drop,
            ListParkedEvents: parked_events.provided.list_parked,
            GetParkedEvent: parked_events.provided.get,
            ReplayParkedEvent: parked_events.provided.replay,
            DiscardParkedEvent: parked_events.provided.discard,
            CompleteText: language_model.provided.complete_text,
            GetUsage: language_model.provided.report_usage,
            FindSubject: vault.provided.find_subject,
            EraseSubject: erasing.provided.erase,
            RewrapKeys: rotation.provided.rewrap,
        }
    )


def settle() -> None:
    """Called once a process that stays has started: what was imported and made by then is not
    looked through for garbage any more, and what comes and goes with a request seldom lives long
    enough to be looked at. That is a third of the time of a small request."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@asynccontextmanager
async def running(settings: Settings, process: str) -> AsyncIterator[Application]:
    """The program with its connections open. `process` names it in PostgreSQL and in the log.

    Raise PoolTimeout when the database does not answer within `connect_seconds`; KeyMissing when it
    holds what can't be read with the keys that are set.
    """
    application = Application(settings=settings, process=process)
    for context in (application.events, application.analytics, application.conversations):
        application.bus().serve(context.handlers(), context.read_from())
    application.bus().serve(application.handlers())
    application.wakeups().watch(application.runner().types)
    pool, wakeups, active = application.pool(), application.wakeups(), application.active()
    looking: asyncio.Task[None] | None = None
    try:
        await pool.open(wait=True, timeout=settings.connect_seconds)
        async with pool.connection() as connection:
            await must_open(connection, application.key_ring())
        await application.log().ask(pool)
        await have_instances(pool, list(application.runner().subscriptions.values()))
        await active.look(pool)
        looking = asyncio.create_task(active.keep_looking(pool, settings.tick_seconds))
        yield application
    finally:
        if looking is not None:
            looking.cancel()
        await application.events.page_cache().close()
        await application.conversations.queue().close()
        await application.conversations.cancellations().close()
        await application.conversations.requests().close()
        await application.conversations.ends().close()
        await application.conversations.channels().close()
        await application.conversations.purse().close()
        await application.claims().close()
        await application.analytics.report_schedule().close()
        await application.analytics.rooms().close()
        await application.language_model().close()
        await wakeups.close()
        await application.redis().aclose()
        application.broker().close()
        await pool.close()
