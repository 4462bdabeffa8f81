"""The HTTP process."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from litestar import Litestar, Request
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig

import settings as configuration
from api.health import HealthController
from api.usage import UsageController
from bootstrap import Application, running
from contexts.analytics.container import AnalyticsContainer
from contexts.conversations.application.following import Following
from contexts.conversations.container import ConversationsContainer
from contexts.conversations.presentation.chat import MESSAGE
from contexts.conversations.presentation.copies import IMPORTS, MAX_IMPORT
from contexts.events.container import EventsContainer
from settings import Settings
from shared.application.bus import Bus
from shared.application.language_model import LanguageModel
from shared.application.personal import Vault
from shared.infrastructure.event_store.idempotency_keys import PostgresIdempotencyKeys
from shared.infrastructure.logs import configure_logs
from shared.presentation.caller import owner, with_caller
from shared.presentation.context import in_context
from shared.presentation.idempotency import idempotent
from shared.presentation.json import DecimalsAsNumbers, JSONResponse
from shared.presentation.language_model import LanguageModelController
from shared.presentation.lists import refuse_long_query
from shared.presentation.personal import SubjectsController
from shared.presentation.positions import read_position
from shared.presentation.problems import problem
from shared.presentation.projections import ParkedEventsController, ProjectionsController

_ABOUT = """
A command (`POST`) may carry an `Idempotency-Key` of 1 to 255 visible ASCII characters. Sent again
under the same key within {hours:g} hours it is not done again, and its answer is the first one: the
same status, headers and body. Another request under that key gets 422; one that comes while the
first is being worked on gets 409 with `Retry-After`. After a 5xx nothing has happened, or the same
request tells: send it again.

The answer to a command says in `Log-Position` how far the log has to be read to see what was done;
a query waits for that with `Min-Log-Position`.

Who calls is told by the header `Marquee-Caller`, which a gateway sets, or else by the cookie
`marquee_caller`. What belongs to others is not found: 404.

What a browser sends for a page of another site, other than to look, is refused with 403
(`cross_origin`).
"""


def create_app(
    settings: Settings | None = None,
    begun: Callable[[Application], None] = lambda _: None,
) -> Litestar:
    """The API, with its connections opened and closed by its lifespan; `begun` is called in its
    event loop once they are open."""
    settings = settings or configuration.load()
    configure_logs(process="api", level=settings.log_level, format=settings.log_format)
    current: list[Application] = []
    keys: list[PostgresIdempotencyKeys] = []

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with running(settings, "marquee-api") as application:
            current.append(application)
            kept = timedelta(hours=settings.idempotency_hours)
            keys.append(PostgresIdempotencyKeys(application.pool(), kept))
            begun(application)
            yield
            await keys.pop().close()
            current.clear()

    def provide_application() -> Application:
        return current[0]

    def provide_bus() -> Bus:
        return current[0].bus()

    def provide_language_model() -> LanguageModel:
        return current[0].language_model()

    def provide_vault() -> Vault:
        return current[0].vault()

    def provide_following() -> Following:
        following: Following = current[0].conversations.following()
        return following

    app = Litestar(
        route_handlers=[
            *EventsContainer.routes(),
            *AnalyticsContainer.routes(),
            *ConversationsContainer.routes(),
            LanguageModelController,
            UsageController,
            ProjectionsController,
            ParkedEventsController,
            SubjectsController,
            HealthController,
        ],
        dependencies={
            "bus": Provide(provide_bus, sync_to_thread=False),
            "language_model": Provide(provide_language_model, sync_to_thread=False),
            "following": Provide(provide_following, sync_to_thread=False),
            "owner": Provide(owner),
            "vault": Provide(provide_vault, sync_to_thread=False),
            "application": Provide(provide_application, sync_to_thread=False),
        },
        lifespan=[lifespan],
        before_request=_before_request,
        exception_handlers={Exception: problem},
        response_class=JSONResponse,
        request_max_body_size=settings.max_body_bytes,
        openapi_config=OpenAPIConfig(
            title="Marquee",
            version=version("marquee"),
            description=_ABOUT.format(hours=settings.idempotency_hours),
            use_handler_docstrings=True,
        ),
        plugins=[DecimalsAsNumbers()],
        logging_config=None,
    )
    # Around the router and not a middleware, which sees only what there is a route for.
    app.asgi_handler = in_context(
        with_caller(
            idempotent(
                app.asgi_handler,
                lambda: keys[0],
                settings.max_body_bytes,
                by_themselves={MESSAGE},
                larger={IMPORTS: MAX_IMPORT},
            )
        )
    )
    return app


async def _before_request(request: Request[Any, Any, Any]) -> None:
    refuse_long_query(request)
    read_position(request)
