"""Shows in a status line what a long command logs of its progress."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.status import Status


class _Told(logging.Handler):
    def __init__(self, status: Status, words: Callable[[Mapping[str, Any]], str]) -> None:
        super().__init__()
        self._status = status
        self._words = words

    def emit(self, record: logging.LogRecord) -> None:
        self._status.update(self._words(vars(record)))


@contextmanager
def shown_on(
    status: Status, logger: logging.Logger, field: str, words: Callable[[Mapping[str, Any]], str]
) -> Iterator[None]:
    """Every record of `logger` that has this field is put into `words`, and shown only here."""
    handler = _Told(status, words)
    handler.addFilter(lambda record: hasattr(record, field))
    level, logger.propagate = logger.level, False
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = True
