"""The conversations context at a glance: what it needs, what it offers."""

from collections.abc import Sequence

import msgspec
from dependency_injector import containers, providers
from litestar import Controller
from litestar.handlers import WebsocketRouteHandler
from redis.asyncio import Redis

from contexts.conversations.application.answering import (
    AnswerConversation,
    Answering,
    AnswerSettings,
    FindTitle,
)
from contexts.conversations.application.chatting import AwaitRun, Chatting, GetAllowance, Say
from contexts.conversations.application.copying import (
    Copying,
    ForkConversation,
    ImportConversation,
)
from contexts.conversations.application.ending import BeginRun, Ending, EndRun, GiveTitle
from contexts.conversations.application.following import Following
from contexts.conversations.application.ports import Assistant, Budgets, Clock, Titles, Tools
from contexts.conversations.application.posting import (
    CancelRun,
    Posting,
    PostMessage,
    Regenerate,
    StartConversation,
)
from contexts.conversations.application.queries import (
    GetConversation,
    GetExchanges,
    GetRun,
    ListConversations,
)
from contexts.conversations.application.reactions import (
    ForgetOwner,
    Forgetting,
    on_subject_erased,
)
from contexts.conversations.application.showing import Transcripts
from contexts.conversations.application.stream_heads import StreamHeads
from contexts.conversations.application.tending import (
    ChangeConversation,
    DeleteConversation,
    Tending,
)
from contexts.conversations.application.tools import BusTools
from contexts.conversations.domain.conversation import Conversation
from contexts.conversations.infrastructure.budgets import PostgresBudgets
from contexts.conversations.infrastructure.cancellations import RedisCancellations
from contexts.conversations.infrastructure.channels import Channels
from contexts.conversations.infrastructure.conversations import Conversations
from contexts.conversations.infrastructure.measuring import measure
from contexts.conversations.infrastructure.model_assistant.assistant import ModelAssistant
from contexts.conversations.infrastructure.model_assistant.paying import Purse
from contexts.conversations.infrastructure.model_assistant.talk import Limits
from contexts.conversations.infrastructure.model_assistant.titles import ModelTitles
from contexts.conversations.infrastructure.offline_assistant.assistant import OfflineAssistant
from contexts.conversations.infrastructure.redis_frames import RedisFrames
from contexts.conversations.infrastructure.work_queue import RedisWorkQueue
from contexts.conversations.presentation.chat import ChatController
from contexts.conversations.presentation.conversations import ConversationsController
from contexts.conversations.presentation.copies import CopiesController
from contexts.conversations.presentation.messages import MessagesController
from contexts.conversations.presentation.runs import RunsController
from contexts.conversations.presentation.sockets import watch_over_socket
from shared.application.bus import Bus
from shared.application.claims import Claims
from shared.application.codec import Codec
from shared.application.cursors import Cursors
from shared.application.event_store import EventStore
from shared.application.language_model import LanguageModel, ModelServer
from shared.application.personal import Vault
from shared.application.repository import Repository
from shared.domain.personal import SubjectErased
from shared.infrastructure.event_store.log_identity import LogIdentity
from shared.infrastructure.postgres import Pool

CANCEL_SECONDS = 0.4
"""Between two looks for runs that are to be cancelled, where nobody was told: it is to happen
within a second."""

END_SECONDS = 1.0
"""Between two looks for runs that ended, for listeners whom no frame told."""


class ChatSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Times are in seconds; limits of 0 are none."""

    models: Sequence[ModelServer]
    context_tokens: int
    output_tokens: int
    titles: bool
    call_seconds: float
    run_seconds: float
    chat_seconds: float
    messages_per_day: int
    tokens_per_day: int


def _assistant(settings: ChatSettings, purse: Purse, tools: Tools) -> Assistant:
    if not settings.models:
        return OfflineAssistant(tools)
    limits = Limits(
        context_tokens=settings.context_tokens,
        max_output_tokens=min(settings.output_tokens, settings.context_tokens // 4),
        call_seconds=settings.call_seconds,
    )
    return ModelAssistant(purse, tools, name=settings.models[0].model, limits=limits)


def _titles(settings: ChatSettings, purse: Purse) -> Titles | None:
    return ModelTitles(purse) if settings.titles and settings.models else None


def _budgets(pool: Pool, clock: Clock, settings: ChatSettings) -> Budgets:
    return PostgresBudgets(
        pool,
        clock,
        messages_per_day=settings.messages_per_day,
        tokens_per_day=settings.tokens_per_day,
    )


class ConversationsContainer(containers.DeclarativeContainer):
    store: providers.Dependency[EventStore] = providers.Dependency()
    codec: providers.Dependency[Codec] = providers.Dependency()
    bus: providers.Dependency[Bus] = providers.Dependency()
    pool: providers.Dependency[Pool] = providers.Dependency()
    redis: providers.Dependency[Redis] = providers.Dependency()
    redis_url: providers.Dependency[str] = providers.Dependency()
    log: providers.Dependency[LogIdentity] = providers.Dependency()
    namespace: providers.Dependency[str] = providers.Dependency()
    clock: providers.Dependency[Clock] = providers.Dependency()
    cursors: providers.Dependency[Cursors] = providers.Dependency()
    claims: providers.Dependency[Claims] = providers.Dependency()
    vault: providers.Dependency[Vault] = providers.Dependency()
    model: providers.Dependency[LanguageModel] = providers.Dependency()
    settings: providers.Dependency[ChatSettings] = providers.Dependency()

    conversations = providers.Singleton(Repository, Conversation, store, codec)
    transcripts = providers.Singleton(Transcripts, store, codec, vault)
    conversations_shown = providers.Singleton(Conversations, pool, vault, cursors)
    budgets = providers.Singleton(_budgets, pool, clock, settings)
    queue = providers.Singleton(RedisWorkQueue, redis, namespace)

    channels = providers.Singleton(Channels, redis_url)
    frames = providers.Singleton(RedisFrames, redis, log, vault, channels)
    requests = providers.Singleton(StreamHeads, store, CANCEL_SECONDS)
    ends = providers.Singleton(StreamHeads, store, END_SECONDS)
    cancellations = providers.Singleton(
        RedisCancellations, redis, log, channels, requests, conversations
    )
    following = providers.Singleton(Following, bus, frames, ends)

    posting = providers.Singleton(
        Posting, conversations, vault, budgets, queue, cancellations, clock
    )
    tending = providers.Singleton(Tending, conversations, vault, queue, cancellations, clock)
    copying = providers.Singleton(Copying, conversations, transcripts, vault, clock)
    chatting = providers.Singleton(
        Chatting, bus, transcripts.provided.default_of, following, settings.provided.chat_seconds
    )
    ending = providers.Singleton(Ending, conversations, vault, clock)
    forgetting = providers.Singleton(Forgetting, frames, budgets)

    purse = providers.Singleton(Purse, model, budgets)
    tools = providers.Singleton(BusTools, bus)
    answering = providers.Singleton(
        Answering,
        bus=bus,
        conversations=conversations,
        transcripts=transcripts,
        vault=vault,
        assistant=providers.Singleton(_assistant, settings, purse, tools),
        titles=providers.Singleton(_titles, settings, purse),
        budgets=budgets,
        frames=frames,
        cancellations=cancellations,
        claims=claims,
        clock=clock,
        settings=providers.Singleton(AnswerSettings, run_seconds=settings.provided.run_seconds),
        on_ended=providers.Object(measure),
    )

    handlers = providers.Dict(
        {
            StartConversation: posting.provided.start,
            PostMessage: posting.provided.post,
            Regenerate: posting.provided.regenerate,
            CancelRun: posting.provided.cancel,
            ChangeConversation: tending.provided.change,
            DeleteConversation: tending.provided.delete,
            ForkConversation: copying.provided.fork,
            ImportConversation: copying.provided.take_in,
            AnswerConversation: answering.provided.answer,
            FindTitle: answering.provided.title,
            BeginRun: ending.provided.begin,
            EndRun: ending.provided.end,
            GiveTitle: ending.provided.title,
            ForgetOwner: forgetting.provided.forget,
            Say: chatting.provided.say,
            AwaitRun: chatting.provided.await_run,
            GetAllowance: budgets.provided.get_allowance,
            GetConversation: transcripts.provided.get,
            GetRun: transcripts.provided.get_run,
            GetExchanges: transcripts.provided.exchanges,
            ListConversations: conversations_shown.provided.list_conversations,
        }
    )
    read_from = providers.Object({ListConversations: Conversations.name})
    reactions = providers.Object({SubjectErased: [on_subject_erased]})
    routes: providers.Object[Sequence[type[Controller] | WebsocketRouteHandler]] = providers.Object(
        [
            ChatController,
            ConversationsController,
            MessagesController,
            CopiesController,
            RunsController,
            watch_over_socket,
        ]
    )
