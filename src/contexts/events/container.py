"""The events context at a glance: what it needs, what it offers."""

from collections.abc import Callable

from dependency_injector import containers, providers
from dramatiq import Broker
from redis.asyncio import Redis

from contexts.events.application import (
    changes,
    commands,
    feed_runs,
    finding,
    queries,
    taking_in,
)
from contexts.events.application.ports import Clock, FeedSource, Parsers, Providers
from contexts.events.application.reactions import on_run_requested
from contexts.events.domain.event import Event
from contexts.events.domain.provider_run import ProviderRun, RunRequested
from contexts.events.infrastructure.catalogue import Catalogue
from contexts.events.infrastructure.event_cards import EventCards
from contexts.events.infrastructure.event_pages import EventPages
from contexts.events.infrastructure.feed_states import FeedStates
from contexts.events.infrastructure.feeds.formats import PARSERS
from contexts.events.infrastructure.feeds.sources import FeedSources, FetchLimits
from contexts.events.infrastructure.provider_runs import ProviderRuns
from contexts.events.infrastructure.run_queue import DramatiqRunQueue
from contexts.events.presentation.changes import ChangesController
from contexts.events.presentation.exports import ExportsController
from contexts.events.presentation.http import EventsController
from contexts.events.presentation.providers import ProvidersController
from contexts.events.presentation.search import SearchController
from contexts.events.published import FindOffers
from shared.application.bus import Bus
from shared.application.codec import Codec
from shared.application.cursors import Cursors
from shared.application.event_store import EventStore
from shared.application.positions import LOG
from shared.application.repository import Repository
from shared.infrastructure.event_store.log_identity import LogIdentity
from shared.infrastructure.lists.page_cache import PageCache
from shared.infrastructure.postgres import Pool
from shared.infrastructure.projections.instances import ActiveInstances, generation_of
from shared.presentation.json import encode_json


class EventsContainer(containers.DeclarativeContainer):
    store: providers.Dependency[EventStore] = providers.Dependency()
    codec: providers.Dependency[Codec] = providers.Dependency()
    bus: providers.Dependency[Bus] = providers.Dependency()
    pool: providers.Dependency[Pool] = providers.Dependency()
    redis: providers.Dependency[Redis] = providers.Dependency()
    log: providers.Dependency[LogIdentity] = providers.Dependency()
    active: providers.Dependency[ActiveInstances] = providers.Dependency()
    broker: providers.Dependency[Callable[[], Broker]] = providers.Dependency()
    clock: providers.Dependency[Clock] = providers.Dependency()
    cursors: providers.Dependency[Cursors] = providers.Dependency()
    feed_providers: providers.Dependency[Providers] = providers.Dependency()
    fetch_limits: providers.Dependency[FetchLimits] = providers.Dependency()

    events = providers.Singleton(Repository, Event, store, codec)
    runs = providers.Singleton(Repository, ProviderRun, store, codec)

    catalogue = providers.Singleton(Catalogue, pool, cursors)
    page_cache = providers.Singleton(
        PageCache,
        redis,
        log,
        providers.Callable(generation_of, pool, Catalogue.name).provider,
        name=f"{Catalogue.name}.1",
    )
    pages = providers.Singleton(
        EventPages, page_cache, catalogue.provided.list_events, encode=providers.Object(encode_json)
    )
    cards = providers.Singleton(EventCards, redis, log, active, store, codec)
    provider_runs = providers.Singleton(ProviderRuns, pool, store, codec)
    feeds = providers.Singleton(FeedStates, pool, feed_providers)

    sources: providers.Provider[FeedSource] = providers.Singleton(FeedSources, fetch_limits)
    parsers: providers.Provider[Parsers] = providers.Object(PARSERS)
    feed_reader = providers.Singleton(
        feed_runs.FeedRuns,
        bus=bus,
        runs=runs,
        events=events,
        feeds=feeds,
        listed=catalogue.provided.listed,
        sources=sources,
        parsers=parsers,
        clock=clock,
    )
    queue = providers.Singleton(DramatiqRunQueue, broker)

    handlers = providers.Dict(
        {
            commands.AnnounceEvent: providers.Callable(
                commands.announce_event, events=events, clock=clock
            ).provider,
            commands.RescheduleEvent: providers.Callable(
                commands.reschedule_event, events=events, clock=clock
            ).provider,
            commands.ChangePrices: providers.Callable(
                commands.change_prices, events=events
            ).provider,
            commands.CancelEvent: providers.Callable(commands.cancel_event, events=events).provider,
            taking_in.TakeInPlans: providers.Callable(
                taking_in.take_in_plans, events=events
            ).provider,
            taking_in.DelistEvents: providers.Callable(
                taking_in.delist_events, events=events
            ).provider,
            feed_runs.RequestRun: providers.Callable(
                feed_runs.request_run, runs=runs, providers=feed_providers, clock=clock
            ).provider,
            feed_runs.QueueRun: providers.Callable(feed_runs.queue_run, queue=queue).provider,
            feed_runs.RunFeed: feed_reader.provided.run,
            queries.ListEvents: catalogue.provided.list_events,
            queries.ListEventsEncoded: pages.provided.page,
            queries.SearchEvents: catalogue.provided.search,
            FindOffers: providers.Callable(finding.find_offers, bus=bus, clock=clock).provider,
            queries.GetEvent: cards.provided.get,
            queries.GetHistory: cards.provided.history,
            changes.ListChanges: providers.Callable(
                changes.list_changes, store=store, codec=codec
            ).provider,
            queries.ListRuns: provider_runs.provided.list_runs,
            queries.GetRun: provider_runs.provided.get,
            queries.ListProviders: feeds.provided.list_providers,
        }
    )
    read_from = providers.Object(
        {
            queries.ListEvents: Catalogue.name,
            queries.ListEventsEncoded: Catalogue.name,
            queries.SearchEvents: Catalogue.name,
            queries.GetEvent: EventCards.name,
            queries.ListRuns: ProviderRuns.name,
            changes.ListChanges: LOG,
        }
    )
    reactions = providers.Object({RunRequested: [on_run_requested]})
    routes = providers.Object(
        [
            EventsController,
            ExportsController,
            ChangesController,
            SearchController,
            ProvidersController,
        ]
    )
