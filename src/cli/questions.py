"""`marquee ask` and `marquee questions`: ask here and now, and run golden queries again."""

import sys
from typing import TYPE_CHECKING

import click
from rich.table import Table

from cli.program import console, in_program

if TYPE_CHECKING:
    from bootstrap import Application
    from contexts.analytics.application.queries import QuestionShown

PATIENCE = 65.0


@click.command()
@click.argument("question")
@click.option("--dataset", help="Which one is asked; else the one that fits best.")
@click.option("--planner", default="auto", type=click.Choice(["auto", "offline", "model", "both"]))
@click.option("--sql", is_flag=True, help="Show the SQL that ran, too.")
def ask(question: str, dataset: str | None, planner: str, sql: bool) -> None:
    """Ask a dataset in plain language; exit with 1 where there is no answer."""

    async def run(application: "Application") -> None:
        from contexts.analytics.application.answering import AnswerQuestion
        from contexts.analytics.application.asking import AskQuestion
        from contexts.analytics.application.waiting import ended

        bus = application.bus()
        id = await bus(AskQuestion(question=question, dataset=dataset, planner=planner))  # type: ignore[arg-type]
        # Here and now, unless a worker was quicker.
        await bus(AnswerQuestion(id))
        shown = await ended(bus, id, seconds=PATIENCE)
        if shown is None or not _print(shown, sql=sql):
            sys.exit(1)

    in_program(run)


def _print(shown: "QuestionShown", *, sql: bool) -> bool:
    if shown.outcome != "answered":
        console.print(f"{shown.outcome}: {shown.reason}", markup=False, highlight=False)
        for each in (*shown.suggestions, *(option.question for option in shown.options)):
            console.print(f"  try: {each}", markup=False, highlight=False)
        return False
    table = Table(*(column.title for column in shown.columns))
    for row in shown.result:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(table)
    for text in (shown.analysis, shown.explanation, *shown.assumptions):
        if text:
            console.print(text, markup=False, highlight=False)
    if shown.agreement:
        console.print(f"the other planner: {shown.agreement}")
    if sql:
        console.print(shown.sql, markup=False, highlight=False)
    return True


@click.group()
def questions() -> None:
    """What was asked before."""


@questions.command()
def verify() -> None:
    """Run every golden query again, and plan its question anew; exit with 1 where rows differ.

    A golden query is one whose answer somebody found right.
    """

    async def run(application: "Application") -> None:
        from contexts.analytics.application.verifying import VerifyGolden

        checks = await application.bus()(VerifyGolden())
        for check in checks:
            console.print(
                f"{check.verdict:<8} {check.dataset}: {check.question}"
                f"{f'  ({check.reason})' if check.reason else ''}",
                markup=False,
                highlight=False,
            )
        if not checks:
            console.print("there is no golden query yet: say of an answer that it is right")
        if any(check.verdict in ("differs", "fails") for check in checks):
            sys.exit(1)

    in_program(run)
