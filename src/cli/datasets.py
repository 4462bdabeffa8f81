"""`marquee datasets`: load files, and see what became of them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from cli.program import console, in_program
from cli.progress import shown_on

if TYPE_CHECKING:
    from bootstrap import Application
    from contexts.analytics.application.queries import DatasetShown
    from contexts.analytics.domain.dataset import LoadOptions

CHUNK = 1 << 20
SHOWN_SET_ASIDE = 10


@click.group(invoke_without_command=True)
@click.pass_context
def datasets(context: click.Context) -> None:
    """List what can be asked."""
    if context.invoked_subcommand is not None:
        return
    from contexts.analytics.application.queries import ListDatasets

    async def run(application: "Application") -> None:
        for each in await application.bus()(ListDatasets()):
            version = f"version {each.version}" if each.version is not None else "no version yet"
            rows = "" if each.rows is None else f"{each.rows:,} rows"
            console.print(f"{each.name:<24} {each.status:<8} {version:<16} {rows}", highlight=False)

    in_program(run)


@datasets.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="What it is asked by; else the name of the file.")
@click.option("--encoding", help="Such as latin-1, where it is not found out right.")
@click.option("--delimiter", help="The character between fields, likewise.")
@click.option("--decimal", type=click.Choice([".", ","]), help="The decimal mark, likewise.")
@click.option(
    "--dates", type=click.Choice(["day_first", "month_first"]), help="What 3/4/2026 means."
)
@click.option("--if-none", is_flag=True, help="Only when there is no dataset of that name.")
def load(file: Path, name: str | None, if_none: bool, **options: str | None) -> None:
    """Load a CSV file; it becomes the next version of the dataset."""
    from contexts.analytics.domain.dataset import LoadOptions

    given = LoadOptions(**{key: value for key, value in options.items() if value})  # type: ignore[arg-type]
    in_program(lambda application: load_file(application, file, name, given, if_none=if_none))


async def load_file(
    application: "Application",
    file: Path,
    name: str | None,
    options: "LoadOptions",
    *,
    if_none: bool = False,
) -> None:
    """Raise ClickException when it could not be loaded."""
    from contexts.analytics.application import datasets as loading
    from contexts.analytics.application.datasets import (
        ForgetUpload,
        KeepUpload,
        LoadDataset,
        UploadDataset,
        checked_name,
    )
    from contexts.analytics.application.queries import GetDataset
    from contexts.analytics.domain.dataset import dataset_id
    from shared.domain.errors import NotFound

    bus = application.bus()
    name = checked_name(name or file.name.partition(".")[0].lower())
    if if_none:
        try:
            await bus(GetDataset(name))
        except NotFound:
            pass
        else:
            console.print(f"there is a dataset {name} already: nothing to do")
            return
    began = perf_counter()
    with (
        console.status(f"reading {file.name}") as status,
        shown_on(status, loading.logger, "rows", _progress),
    ):
        upload_id = await bus(KeepUpload(_chunks(file)))
        try:
            version = await bus(UploadDataset(name, upload_id, file.name, options))
        except BaseException:
            await bus(ForgetUpload(upload_id))
            raise
        # A worker may be quicker: then there is nothing left to do, or it is done when it is done.
        await bus(LoadDataset(dataset_id(name)))
        shown = await _loaded(application, name, version)
    if shown.failure is not None:
        raise click.ClickException(f"{file.name}: {shown.failure.reason}")
    _print(shown, perf_counter() - began)


async def _loaded(application: "Application", name: str, version: int) -> "DatasetShown":
    from contexts.analytics.application.queries import GetDataset

    while True:
        shown = await application.bus()(GetDataset(name))
        if shown.loading is None or shown.loading.version != version:
            return shown
        await asyncio.sleep(0.1)


async def _chunks(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            yield chunk


def _print(shown: "DatasetShown", seconds: float) -> None:
    console.print(
        f"[bold]{shown.name}[/bold] version {shown.version}: {shown.rows:,} rows in {seconds:.2f} s"
    )
    for column in shown.asked:
        console.print(
            f"  {column.name:<24} {column.type:<10} {column.role:<11} {column.why}",
            markup=False,
            highlight=False,
        )
    for warning in shown.warnings:
        console.print(f"  note: {warning}", markup=False, highlight=False)
    if shown.set_aside:
        console.print(f"  {shown.set_aside:,} rows set aside:")
        for row in shown.rows_set_aside[:SHOWN_SET_ASIDE]:
            console.print(f"    line {row.line}: {row.reason}", markup=False, highlight=False)


def _progress(said: Mapping[str, Any]) -> str:
    return f"{said['bytes'] / 1e6:,.1f} MB read, {said['rows']:,} rows loaded"
