"""Structured logs on stdout: one line an entry, with the correlation id of what it belongs to."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

from shared.application.context import as_log_fields

_QUIET = ("httpx2", "httpcore2", "dramatiq", "asyncio", "psycopg.pool", "_granian", "granian")


def configure_logs(*, process: str, level: str, format: Literal["json", "console"]) -> None:
    """Send everything that this process logs to stdout, in one form."""

    def add_context(
        logger: Any, method: str, entry: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        entry["process"] = process
        entry.update(as_log_fields())
        return entry

    before: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_context,
    ]
    last: list[Any]
    if format == "json":
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        # A traceback that shows variables shows what people wrote.
        plain = structlog.dev.plain_traceback
        colors = sys.stdout.isatty()
        last = [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
