"""`GET /analyze`: ask, wait, and answer in the short form."""

import logging
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from contexts.analytics.application.asking import MAX_QUESTION, AskQuestion
from contexts.analytics.application.queries import QuestionShown
from contexts.analytics.application.waiting import ended
from contexts.analytics.domain.answer import Cell
from contexts.analytics.domain.query_spec import ChartType
from shared.application.bus import Bus
from shared.domain.errors import DomainError
from shared.presentation.json import JSONResponse
from shared.presentation.lists import only
from shared.presentation.problems import other_answer

logger = logging.getLogger(__name__)

PATIENCE = 65.0
"""Seconds to wait for an outcome, which workers give within a limit of their own."""


class Analyzed(msgspec.Struct, frozen=True):
    """The rows by the names of their columns, the SQL that ran, and what they tell."""

    result: list[dict[str, Cell]]
    query: str
    chart_type: ChartType
    analysis: str


class NotAnalyzed(msgspec.Struct, frozen=True):
    error: str


class AnalyzeController(Controller):
    path = "/analyze"
    tags = ("Questions",)

    @get(
        responses={
            400: other_answer(NotAnalyzed, "It can't be answered, and why"),
            500: other_answer(NotAnalyzed, "Something is broken"),
        }
    )
    async def analyze(
        self,
        request: Request[Any, Any, Any],
        bus: NamedDependency[Bus],
        text: Annotated[str | None, QueryParameter(description="The question")] = None,
        dataset: Annotated[
            str | None, QueryParameter(description="Which one is asked; else the one that fits")
        ] = None,
    ) -> JSONResponse[Analyzed]:
        """Ask a dataset in plain language, and wait for the answer."""
        try:
            only(request, "text", "dataset")
            question = _question(text)
            id = await bus(AskQuestion(question=question, dataset=dataset or None))
            return _answer(id, await ended(bus, id, seconds=PATIENCE))
        except DomainError as error:
            return _error(400, str(error))
        except Exception as error:
            logger.exception("question broke off", extra={"error": repr(error)})
            return _error(500, "something went wrong on our side; ask again")


class _NoQuestion(DomainError):
    """What was sent is no question."""


def _question(text: str | None) -> str:
    if text is None or not text.strip():
        raise _NoQuestion("text: is missing; ask something such as ?text=revenue by month")
    if len(text) > MAX_QUESTION or "\x00" in text:
        raise _NoQuestion(f"text: more than {MAX_QUESTION} characters, or one that is no text")
    return text


def _answer(id: UUID, shown: QuestionShown | None) -> JSONResponse[Any]:
    if shown is None:
        return _error(500, f"no worker has answered within {PATIENCE:g} s; see /questions/{id}")
    match shown.outcome:
        case "answered":
            names = [column.name for column in shown.columns]
            return JSONResponse(
                Analyzed(
                    result=[dict(zip(names, row, strict=True)) for row in shown.result],
                    query=shown.sql or "",
                    chart_type=shown.chart_type or "none",
                    analysis=shown.analysis or "",
                )
            )
        case "failed":
            return _error(500, shown.reason or "the question failed")
        case _:
            return _error(400, told(shown))


def told(shown: QuestionShown) -> str:
    """Why there is no answer, and what could be asked, in one paragraph."""
    parts = [shown.reason or "it can't be answered"]
    if options := [option.question for option in shown.options]:
        parts.append(f"Ask one of these: {'; '.join(options)}")
    elif shown.suggestions:
        parts.append(f"Try: {'; '.join(shown.suggestions)}")
    return ". ".join(part.rstrip(". ") for part in parts)


def _error(status: int, error: str) -> JSONResponse[Any]:
    return JSONResponse(NotAnalyzed(error), status_code=status)
