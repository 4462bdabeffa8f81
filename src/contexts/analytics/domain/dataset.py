"""A dataset: what was uploaded under its name, what became of it, and what people said about it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Self, assert_never
from uuid import UUID, uuid5

import msgspec

from contexts.analytics.domain.relation import Column, ColumnType, Relation
from shared.domain.aggregate import Aggregate, DomainEvent
from shared.domain.errors import Invalid, NotFound, Refused

_NAMES = UUID("6f1c2a52-6a51-5f0b-9d3c-3f2a3b9f3a11")
"""The namespace of the ids of datasets (RFC 9562, version 5): a name has one stream, for good."""

CATALOGUE = "events"
"""The dataset that nobody uploads: the catalogue, as it is."""


def dataset_id(name: str) -> UUID:
    return uuid5(_NAMES, name)


class SetAside(msgspec.Struct, frozen=True):
    """A row of a file that is not in the table: its line, counted from 1, and why."""

    line: int
    reason: str
    text: str = ""


class LoadOptions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How to read a file, where it is not to be found out. `dates` settles what the whole column
    leaves open."""

    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    decimal: Literal[".", ","] | None = None
    dates: Literal["day_first", "month_first"] | None = None


class Corrections(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What people said about a dataset's columns, by SQL name. It outlives new versions, as far as
    their columns have the same names."""

    types: Mapping[str, ColumnType] = {}
    synonyms: Mapping[str, tuple[str, ...]] = {}
    units: Mapping[str, str] = {}
    row_noun: str | None = None
    measure: str | None = None
    time: str | None = None


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What a file became. `set_aside` names the first hundred rows that are not in the table;
    `set_aside_count` counts all."""

    relation: Relation
    encoding: str
    delimiter: str
    bytes: int
    set_aside: tuple[SetAside, ...] = ()
    set_aside_count: int = 0
    warnings: tuple[str, ...] = ()


class DatasetUploaded(DomainEvent, tag="analytics.dataset_uploaded"):
    """A file is kept, and to be made into the version it names."""

    name: str
    version: int
    upload_id: UUID
    filename: str
    options: LoadOptions
    uploaded_at: datetime


class DatasetLoaded(DomainEvent, tag="analytics.dataset_loaded"):
    """From here on questions are answered from this version."""

    name: str
    version: int
    loaded: Loaded
    loaded_at: datetime


class DatasetLoadFailed(DomainEvent, tag="analytics.dataset_load_failed"):
    """The version before it, if there is one, goes on answering."""

    name: str
    version: int
    reason: str
    failed_at: datetime


class DatasetCorrected(DomainEvent, tag="analytics.dataset_corrected"):
    """`corrections` are all that hold from now on. Where they change a type, the file is to be made
    into another `version`; else that is None."""

    name: str
    corrections: Corrections
    version: int | None
    corrected_at: datetime


class DatasetDeleted(DomainEvent, tag="analytics.dataset_deleted"):
    name: str
    deleted_at: datetime


DatasetChange = (
    DatasetUploaded | DatasetLoaded | DatasetLoadFailed | DatasetCorrected | DatasetDeleted
)


class NoSuchDataset(NotFound):
    code = "analytics.no_such_dataset"


class NotLoaded(Refused):
    code = "analytics.dataset_not_loaded"


class UnknownColumn(Invalid):
    code = "analytics.unknown_column"


class Work(msgspec.Struct, frozen=True):
    """A version that is to be made of an upload."""

    version: int
    upload_id: UUID
    options: LoadOptions


class Dataset(Aggregate[DatasetChange]):
    stream = "dataset"
    events = DatasetChange

    def __init__(self, id: UUID) -> None:
        super().__init__(id)
        self.exists = False
        self.last_version = 0
        self.upload: DatasetUploaded | None = None
        self.loaded_upload: UUID | None = None
        self.work: Work | None = None
        self.relation: Relation | None = None
        self.corrections = Corrections()

    def upload_file(
        self, name: str, upload_id: UUID, filename: str, options: LoadOptions, *, now: datetime
    ) -> int:
        """The version that the file is to become."""
        if name == CATALOGUE:
            raise Refused(f"{CATALOGUE!r} is the catalogue itself; choose another name")
        version = self.last_version + 1
        self.record(
            DatasetUploaded(
                name=name,
                version=version,
                upload_id=upload_id,
                filename=filename,
                options=options,
                uploaded_at=now,
            )
        )
        return version

    def load(self, name: str, version: int, loaded: Loaded, *, now: datetime) -> bool:
        """False when the version is not wanted any more: a later one is, or the dataset is gone."""
        if self.work is None or self.work.version != version:
            return False
        self.record(DatasetLoaded(name=name, version=version, loaded=loaded, loaded_at=now))
        return True

    def fail(self, name: str, version: int, reason: str, *, now: datetime) -> None:
        if self.work is not None and self.work.version == version:
            self.record(DatasetLoadFailed(name=name, version=version, reason=reason, failed_at=now))

    def correct(self, name: str, corrections: Corrections, *, now: datetime) -> int | None:
        """The version that is loaded anew for it; None where that is not needed."""
        relation = self.asked_of(name)
        named = {*corrections.types, *corrections.synonyms, *corrections.units}
        named |= {column for column in (corrections.measure, corrections.time) if column}
        known = {column.name for column in relation.columns}
        if unknown := sorted(named - known):
            raise UnknownColumn(
                f"{name} has no column {unknown[0]!r}; it has {', '.join(sorted(known))}"
            )
        if corrections == self.corrections:
            return None
        anew = dict(corrections.types) != dict(self.corrections.types)
        version = self.last_version + 1 if anew else None
        self.record(
            DatasetCorrected(name=name, corrections=corrections, version=version, corrected_at=now)
        )
        return version

    def delete(self, name: str, *, now: datetime) -> None:
        self.must_exist(name)
        self.record(DatasetDeleted(name=name, deleted_at=now))

    @property
    def uploads(self) -> frozenset[UUID]:
        """The files that it is made of, and is to be made of."""
        named = [each.upload_id for each in (self.work, self.upload) if each is not None]
        return frozenset(named if self.loaded_upload is None else [*named, self.loaded_upload])

    def must_exist(self, name: str) -> None:
        """Raise NoSuchDataset."""
        if not self.exists:
            raise NoSuchDataset(f"there is no dataset {name!r}")

    def asked_of(self, name: str) -> Relation:
        """What questions are asked of. Raise NoSuchDataset, or NotLoaded before it is there."""
        self.must_exist(name)
        if self.relation is None:
            raise NotLoaded(f"dataset {name!r} has not been loaded yet")
        return self.relation

    def apply(self, event: DatasetChange) -> None:
        match event:
            case DatasetUploaded():
                self.exists = True
                self.last_version = event.version
                self.upload = event
                self.work = Work(event.version, event.upload_id, event.options)
            case DatasetLoaded():
                self.relation = corrected(event.loaded.relation, self.corrections)
                if self.work is not None:
                    self.loaded_upload, self.work = self.work.upload_id, None
            case DatasetLoadFailed():
                self.work = None
            case DatasetCorrected():
                self.corrections = event.corrections
                if self.relation is not None:
                    self.relation = corrected(
                        self.relation, event.corrections, revision=self.relation.revision + 1
                    )
                if event.version is not None and self.upload is not None:
                    self.last_version = event.version
                    self.work = Work(event.version, self.upload.upload_id, self.upload.options)
            case DatasetDeleted():
                self.exists = False
                self.upload = self.relation = self.work = self.loaded_upload = None
                self.corrections = Corrections()
            case _:
                assert_never(event)

    @classmethod
    def named(cls, name: str) -> Self:
        """One that nothing has happened to yet."""
        return cls(dataset_id(name))


def corrected(
    relation: Relation, corrections: Corrections, *, revision: int | None = None
) -> Relation:
    """The relation with what was said about it; types are what they were loaded as."""
    names = {column.name for column in relation.columns}
    return msgspec.structs.replace(
        relation,
        revision=relation.revision if revision is None else revision,
        columns=tuple(_corrected(column, corrections) for column in relation.columns),
        row_noun=corrections.row_noun or relation.row_noun,
        measure=corrections.measure if corrections.measure in names else relation.measure,
        time=corrections.time if corrections.time in names else relation.time,
    )


def _corrected(column: Column, corrections: Corrections) -> Column:
    return msgspec.structs.replace(
        column,
        synonyms=corrections.synonyms.get(column.name, column.synonyms),
        unit=corrections.units.get(column.name, column.unit),
    )
