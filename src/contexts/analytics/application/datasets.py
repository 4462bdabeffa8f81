"""What may be asked of datasets: take a file in, load it, correct what was inferred, delete it."""

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from contexts.analytics.application.keeping import Tables, WorkQueue
from contexts.analytics.application.ports import Clock, Loader, LoadFailed, Uploads
from contexts.analytics.domain.dataset import (
    Corrections,
    Dataset,
    LoadOptions,
    NoSuchDataset,
    dataset_id,
)
from contexts.analytics.domain.relation import ColumnType
from shared.application.bus import Command
from shared.application.claims import Claims
from shared.application.repository import Repository
from shared.domain.errors import Invalid

logger = logging.getLogger(__name__)

NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")

_TABLE = "{}_v{}"


class KeepUpload(Command[UUID], frozen=True):
    """Keep a file as it comes; the id that it is kept under. Cut half way, nothing is kept."""

    chunks: AsyncIterator[bytes]


class ForgetUpload(Command[None], frozen=True):
    upload_id: UUID


class UploadDataset(Command[int], frozen=True):
    """Make a kept file the next version of a dataset; the number of that version.

    Until it is loaded the version before it, if there is one, goes on answering.
    """

    name: str
    upload_id: UUID
    filename: str
    options: LoadOptions = LoadOptions()


class SweepUploads(Command[int], frozen=True):
    """Forget files that no dataset is made of, and how many that were.

    Whoever kept one may have been stopped before it could be said whose it is. `older_than` is in
    seconds: a younger one may yet be told of.
    """

    older_than: float = 24 * 3600.0


class QueueDataset(Command[None], frozen=True):
    """Hand a dataset over to the workers. Asked twice, it is loaded once."""

    name: str


class LoadDataset(Command[bool], frozen=True):
    """Load what was uploaded; False when there is nothing to do, or another is at it."""

    dataset_id: UUID


ShortText = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]*$")]


class ColumnCorrection(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What is given replaces what was said before."""

    type: ColumnType | None = None
    synonyms: Annotated[tuple[ShortText, ...], msgspec.Meta(max_length=50)] | None = None
    unit: ShortText | None = None


class CorrectDataset(Command[int | None], frozen=True, kw_only=True):
    """Correct what was inferred; the version that is loaded for it, where a type was changed.

    What is left out stays as it is.
    """

    name: str
    columns: Mapping[str, ColumnCorrection] = {}
    row_noun: ShortText | None = None
    measure: str | None = None
    time: str | None = None


class DeleteDataset(Command[None], frozen=True):
    name: str


def checked_name(name: str) -> str:
    """Raise Invalid with a name that would do."""
    if NAME.fullmatch(name):
        return name
    words = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:48]
    better = words if NAME.fullmatch(words) else "sales"
    raise Invalid(
        f"name: {name[:80]!r} is no name of a dataset, which has 1 to 48 small letters, digits and "
        f"underscores and begins with a letter, such as {better!r}"
    )


class Datasets:
    """Takes files in and makes tables of them."""

    def __init__(
        self,
        datasets: Repository[Dataset],
        uploads: Uploads,
        loader: Loader,
        tables: Tables,
        claims: Claims,
        queue: WorkQueue,
        clock: Clock,
        most_bytes: int,
        names: Callable[[], Awaitable[Sequence[str]]],
    ) -> None:
        """`names` are those of the datasets that a read model knows."""
        self._datasets = datasets
        self._uploads = uploads
        self._loader = loader
        self._tables = tables
        self._claims = claims
        self._queue = queue
        self._clock = clock
        self._most_bytes = most_bytes
        self._names = names

    async def keep(self, command: KeepUpload) -> UUID:
        upload_id = uuid7()
        await self._uploads.keep(str(upload_id), self._bounded(command.chunks))
        return upload_id

    async def _bounded(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        count = 0
        async for chunk in chunks:
            count += len(chunk)
            if count > self._most_bytes:
                raise Invalid(f"file: larger than the {self._most_bytes:,} bytes that are taken")
            yield chunk

    async def forget(self, command: ForgetUpload) -> None:
        await self._uploads.forget(str(command.upload_id))

    async def upload(self, command: UploadDataset) -> int:
        dataset = await self._get(checked_name(command.name)) or Dataset.named(command.name)
        waiting = dataset.work
        version = dataset.upload_file(
            command.name, command.upload_id, command.filename, command.options, now=self._clock()
        )
        await self._datasets.save(dataset)
        if waiting is not None and waiting.upload_id != dataset.loaded_upload:
            await self._uploads.forget(str(waiting.upload_id))
        return version

    async def queue(self, command: QueueDataset) -> None:
        await self._queue.put("load_dataset", dataset_id(command.name))

    async def load(self, command: LoadDataset) -> bool:
        id = command.dataset_id
        async with self._claims.claim("load_dataset", id) as ours:
            if not ours:
                return False
            dataset = (await self._datasets.get_many([id])).get(id)
            if dataset is None or dataset.work is None or dataset.upload is None:
                return False
            await self._load(dataset, dataset.upload.name)
            return True

    async def _load(self, dataset: Dataset, name: str) -> None:
        assert dataset.work is not None
        work, before, corrections = dataset.work, dataset.loaded_upload, dataset.corrections
        table = _TABLE.format(name, work.version)
        logger.info("loading", extra={"dataset": name, "dataset_version": work.version})
        # Whoever made it before us died before it could be recorded.
        await self._tables.drop(name, since=work.version)
        try:
            loaded = await self._loader.load(
                lambda: self._uploads.read(str(work.upload_id)),
                dataset=name,
                version=work.version,
                schema=await self._tables.schema(),
                table=table,
                options=work.options,
                corrections=corrections,
                progress=_tell_progress,
            )
        except LoadFailed as failure:
            logger.warning("not loaded", extra={"dataset": name, "reason": str(failure)})
            dataset.fail(name, work.version, str(failure), now=self._clock())
            await self._datasets.save(dataset)
            if work.upload_id != before:
                await self._uploads.forget(str(work.upload_id))
            return
        dataset.load(name, work.version, loaded, now=self._clock())
        await self._datasets.save(dataset)
        # Questions that were planned a moment ago still run on the version before this one.
        await self._tables.drop(name, before=work.version - 1)
        if before is not None and before != work.upload_id:
            await self._uploads.forget(str(before))

    async def sweep(self, command: SweepUploads) -> int:
        before = (self._clock().timestamp() - command.older_than) * 1000
        old = [id for id in map(UUID, await self._uploads.kept()) if id.int >> 80 < before]
        if not old:
            return 0
        known = await self._datasets.get_many(map(dataset_id, await self._names()))
        used = {id for dataset in known.values() for id in dataset.uploads}
        for id in old:
            if id not in used:
                await self._uploads.forget(str(id))
        return len(set(old) - used)

    async def correct(self, command: CorrectDataset) -> int | None:
        dataset = await self._get(command.name)
        if dataset is None:
            raise NoSuchDataset(f"there is no dataset {command.name!r}")
        version = dataset.correct(
            command.name, _merged(dataset.corrections, command), now=self._clock()
        )
        await self._datasets.save(dataset)
        return version

    async def delete(self, command: DeleteDataset) -> None:
        dataset = await self._get(command.name) or Dataset.named(command.name)
        uploads = dataset.uploads
        dataset.delete(command.name, now=self._clock())
        await self._datasets.save(dataset)
        await self._tables.drop(command.name)
        for upload_id in uploads:
            await self._uploads.forget(str(upload_id))

    async def _get(self, name: str) -> Dataset | None:
        id = dataset_id(name)
        return (await self._datasets.get_many([id])).get(id)


def _merged(known: Corrections, command: CorrectDataset) -> Corrections:
    given = command.columns
    return Corrections(
        types={**known.types, **{n: c.type for n, c in given.items() if c.type is not None}},
        synonyms={
            **known.synonyms,
            **{n: c.synonyms for n, c in given.items() if c.synonyms is not None},
        },
        units={**known.units, **{n: c.unit for n, c in given.items() if c.unit is not None}},
        row_noun=command.row_noun or known.row_noun,
        measure=command.measure or known.measure,
        time=command.time or known.time,
    )


def _tell_progress(read: int, rows: int) -> None:
    """For whoever watches, such as the command line."""
    logger.debug("progress", extra={"bytes": read, "rows": rows})
