"""A worker process: the actors, and a tick that does without them whatever no message asked for."""

import logging
import signal
import threading
from collections.abc import Sequence
from types import FrameType

import dramatiq
from dramatiq.middleware import AsyncIO
from prometheus_client import start_http_server

from bootstrap import settle
from settings import Settings
from shared.infrastructure.broker import ANALYTICS, FEEDS, PROJECTIONS, QUEUES, broker
from shared.infrastructure.logs import configure_logs
from workers.actors import declare_actors
from workers.life import Life
from workers.runs import CONVERSATIONS

logger = logging.getLogger(__name__)

THREADS = 8
"""Messages worked on at a time. The actors are asynchronous: a thread only waits for its actor."""

STOP_SECONDS = 3

WORK = (*QUEUES, CONVERSATIONS)
"""All there is to do. Conversations are no queue of the broker: workers wait at it for them."""

IDLE_MILLISECONDS = {PROJECTIONS: 30, FEEDS: 500, ANALYTICS: 30}
"""An idle worker looks into its queues this often at least. For projections it is most of the time
that passes between a command and the read model; a feed can wait, who asks
a question does."""


def run(settings: Settings, work: Sequence[str] = WORK) -> None:
    """Work until SIGTERM or SIGINT. Raise when the database can't be reached at the start."""
    name = "worker" if set(work) == set(WORK) else f"worker-{'-'.join(work)}"
    queues = [queue for queue in QUEUES if queue in work]
    configure_logs(process=name, level=settings.log_level, format=settings.log_format)
    life = Life(settings, name, tuple(work))
    made = broker(settings.redis(), AsyncIO(), life, namespace=settings.broker_namespace)
    declare_actors(made, life)
    dramatiq.set_broker(made)
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    worker = dramatiq.Worker(
        made,
        # Without any name Dramatiq takes from all queues; this is one of none.
        queues=set(queues) or {CONVERSATIONS},
        worker_threads=THREADS,
        worker_timeout=min((IDLE_MILLISECONDS[queue] for queue in queues), default=1_000),
    )
    worker.start()
    if settings.metrics_port:
        start_http_server(settings.metrics_port)
    settle()
    logger.info("works", extra={"queues": list(work)})
    stop.wait()
    worker.stop(timeout=STOP_SECONDS * 1000)
    made.close()
