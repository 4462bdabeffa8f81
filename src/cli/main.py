"""The command line: `marquee --help`. What a command needs is imported when it runs."""

import sys
from typing import TYPE_CHECKING

import click

from cli.datasets import datasets
from cli.parked import parked
from cli.personal import erase, keys
from cli.places import with_servers
from cli.program import console, in_program
from cli.projections import projections
from cli.questions import ask, questions
from contexts.events.application.ports import FeedFailed
from embedded import EmbeddedError
from settings import SettingsError, load
from shared.domain.errors import DomainError

if TYPE_CHECKING:
    from bootstrap import Application


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="marquee", prog_name="marquee")
def cli() -> None:
    """Marquee: an event-sourced backend for live-event catalogues."""


@cli.command()
def up() -> None:
    """Run everything here: PostgreSQL and Valkey if need be, workers, the API, sample data."""
    from cli.up import run

    run(load())


@cli.command()
def migrate() -> None:
    """Bring the database to the form this version needs."""
    from shared.infrastructure.migrations import migrate
    from stored import MIGRATIONS

    applied = migrate(with_servers(load()).database(), MIGRATIONS)
    console.print("\n".join(f"applied {name}" for name in applied) or "nothing to do")


@cli.command()
def api() -> None:
    """Serve HTTP until stopped."""
    from api.server import serve

    serve(with_servers(load()))


@cli.command()
@click.option(
    "--queue",
    "queues",
    multiple=True,
    type=click.Choice(["projections", "feeds", "analytics", "conversations"]),
    help="Only this queue.",
)
def worker(queues: tuple[str, ...]) -> None:
    """Work on projections, feeds, datasets, questions and conversations until stopped."""
    from workers.main import WORK, run

    run(with_servers(load()), queues or WORK)


@cli.command()
@click.argument("source", metavar="FILE_OR_URL")
@click.option("--provider", required=True, help="Whose feed it is.")
@click.option("--timezone", help="IANA zone of its times, unless the provider is set up.")
@click.option("--if-empty", is_flag=True, help="Only when the log holds nothing yet.")
def ingest(source: str, provider: str, timezone: str | None, if_empty: bool) -> None:
    """Read a feed, take in what is new, and wait until it can be queried."""
    from cli.ingest import run

    in_program(
        lambda application: run(
            application, console, source, provider, timezone=timezone, if_empty=if_empty
        )
    )


@cli.command()
def sample() -> None:
    """Take in the sample feed, unless the log holds something already, and the sample dataset."""
    from cli.datasets import load_file
    from cli.ingest import run
    from contexts.analytics.domain.dataset import LoadOptions
    from samples import SAMPLE_DATASET, SAMPLE_FEED

    async def both(application: "Application") -> None:
        await run(application, console, str(SAMPLE_FEED), "sample", timezone=None, if_empty=True)
        await load_file(application, SAMPLE_DATASET, None, LoadOptions(), if_none=True)

    in_program(both)


cli.add_command(ask)
cli.add_command(datasets)
cli.add_command(questions)
cli.add_command(projections)
cli.add_command(parked)
cli.add_command(erase)
cli.add_command(keys)


@cli.command()
def verify() -> None:
    """Look through the whole log, and at what was made of it; exit with 1 when all is not well."""
    from cli import verify

    in_program(lambda application: verify.run(application, console))


@cli.command()
@click.argument("stream")
@click.option("--limit", default=100, show_default=True, help="The last so many events.")
def events(stream: str, limit: int) -> None:
    """Show the history of a stream, such as event-<uuid>, or of an event by its id alone."""
    from cli import show

    in_program(lambda application: show.stream(application, console, stream, limit))


@cli.command()
@click.argument("streams", metavar="[STREAM]...", nargs=-1)
@click.option("--kind", help="All closed streams of this kind: provider_run or event.")
@click.option(
    "--older-than",
    default="90d",
    show_default=True,
    metavar="AGE",
    help="With --kind: whose last event is older, such as 12h, 90d or 4w.",
)
@click.option("--dry-run", is_flag=True, help="Only list what would be moved.")
def archive(streams: tuple[str, ...], kind: str | None, older_than: str, dry_run: bool) -> None:
    """Move closed streams into the archive, where they are read but not added to.

    A stream is closed when its last event is one that nothing comes after: of a provider_run that
    it was completed or has failed, of an event of our own that it was cancelled. All others stay,
    however old they are, for somebody may add to them any day. Whoever reads the log, a rebuild for
    one, sees no difference; the tables that are written to stay small.
    """
    from cli import archive

    age = archive.age(older_than)
    if bool(streams) == (kind is not None):
        raise click.UsageError("name the streams, or say of which --kind they are")
    if kind is not None and kind not in archive.ENDINGS:
        raise click.UsageError(f"--kind: known are {', '.join(sorted(archive.ENDINGS))}")
    in_program(
        lambda application: archive.run(
            application, console, streams, kind=kind, older_than=age, dry_run=dry_run
        )
    )


@cli.command()
def doctor() -> None:
    """Tell what is reachable, in which version, and with which settings."""
    from cli import doctor

    sys.exit(0 if doctor.run(with_servers(load()), console) else 1)


def main() -> None:
    """Faults that are to be expected are one line on stderr, with exit status 1."""
    try:
        cli.main(standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception as error:
        if not _is_expected(error):
            raise
        words = " ".join(str(error).split()) or type(error).__name__
        click.echo(f"marquee: {words}", err=True)
        sys.exit(1)


def _is_expected(error: Exception) -> bool:
    if isinstance(error, SettingsError | EmbeddedError | FeedFailed | DomainError):
        return True
    import dramatiq
    import psycopg
    import redis
    from psycopg_pool import PoolTimeout

    from shared.infrastructure.migrations import MigrationFailed
    from shared.infrastructure.personal.key_ring import KeyMissing

    servers = (psycopg.Error, redis.exceptions.RedisError, PoolTimeout)
    ours = (MigrationFailed, KeyMissing, dramatiq.middleware.MiddlewareError)
    return isinstance(error, (*ours, *servers))
