"""A dataset: its versions, what people say about it, and what is refused."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from contexts.analytics.domain.dataset import (
    Corrections,
    Dataset,
    DatasetCorrected,
    DatasetDeleted,
    DatasetLoaded,
    DatasetLoadFailed,
    DatasetUploaded,
    Loaded,
    LoadOptions,
    NoSuchDataset,
    NotLoaded,
    UnknownColumn,
    dataset_id,
)
from contexts.analytics.domain.relation import Column, Relation
from shared.domain.errors import Refused

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
FIRST, SECOND = UUID(int=1), UUID(int=2)


def relation(version: int = 1, **changes: object) -> Relation:
    return Relation(
        dataset="trips",
        version=version,
        schema="room",
        table=f"trips_v{version}",
        rows=10,
        columns=(
            Column(name="city", title="City", type="text", role="dimension"),
            Column(name="fare", title="Fare", type="decimal", role="measure"),
        ),
        **changes,  # type: ignore[arg-type]
    )


def loaded(version: int = 1) -> Loaded:
    return Loaded(relation=relation(version), encoding="utf-8", delimiter=",", bytes=100)


def uploaded(version: int = 1, upload_id: UUID = FIRST) -> DatasetUploaded:
    return DatasetUploaded(
        name="trips",
        version=version,
        upload_id=upload_id,
        filename="trips.csv",
        options=LoadOptions(),
        uploaded_at=NOW,
    )


def was_loaded(version: int = 1) -> DatasetLoaded:
    return DatasetLoaded(name="trips", version=version, loaded=loaded(version), loaded_at=NOW)


def given(*history: object) -> Dataset:
    return Dataset.replay(dataset_id("trips"), history)  # type: ignore[arg-type]


def test_a_first_file_becomes_version_one() -> None:
    dataset = given()
    assert dataset.upload_file("trips", FIRST, "trips.csv", LoadOptions(), now=NOW) == 1
    assert dataset.pending == [uploaded()]


def test_a_version_answers_only_once_it_is_loaded() -> None:
    with pytest.raises(NotLoaded):
        given(uploaded()).asked_of("trips")
    assert given(uploaded(), was_loaded()).asked_of("trips") == relation()


def test_while_another_file_is_loaded_the_version_before_it_answers() -> None:
    dataset = given(uploaded(), was_loaded(), uploaded(2, SECOND))
    assert dataset.asked_of("trips").version == 1


def test_when_the_other_file_fails_the_version_before_it_goes_on_answering() -> None:
    failed = DatasetLoadFailed(name="trips", version=2, reason="no rows", failed_at=NOW)
    dataset = given(uploaded(), was_loaded(), uploaded(2, SECOND), failed)
    assert dataset.asked_of("trips").version == 1
    assert dataset.work is None


def test_a_version_that_is_not_wanted_any_more_is_not_loaded() -> None:
    dataset = given(uploaded(), uploaded(2, SECOND))
    assert not dataset.load("trips", 1, loaded(1), now=NOW)
    assert dataset.pending == []


def test_a_version_is_not_loaded_twice() -> None:
    dataset = given(uploaded(), was_loaded())
    assert not dataset.load("trips", 1, loaded(1), now=NOW)
    assert dataset.pending == []


def test_the_catalogue_is_not_uploaded() -> None:
    with pytest.raises(Refused, match="catalogue"):
        given().upload_file("events", FIRST, "events.csv", LoadOptions(), now=NOW)


def test_a_synonym_holds_at_once_and_needs_no_new_version() -> None:
    dataset = given(uploaded(), was_loaded())
    corrections = Corrections(synonyms={"fare": ("price",)}, measure="fare")
    assert dataset.correct("trips", corrections, now=NOW) is None
    after = dataset.asked_of("trips")
    assert after.column("fare").synonyms == ("price",)
    assert after.measure == "fare"
    assert after.revision == 1


def test_a_corrected_type_is_loaded_as_another_version_of_the_same_file() -> None:
    dataset = given(uploaded(), was_loaded())
    assert dataset.correct("trips", Corrections(types={"fare": "text"}), now=NOW) == 2
    assert dataset.work is not None
    assert dataset.work.upload_id == FIRST
    assert dataset.asked_of("trips").version == 1


def test_what_was_said_outlives_a_new_version() -> None:
    said = DatasetCorrected(
        name="trips",
        corrections=Corrections(units={"fare": "EUR"}),
        version=None,
        corrected_at=NOW,
    )
    dataset = given(uploaded(), was_loaded(), said, uploaded(2, SECOND), was_loaded(2))
    assert dataset.asked_of("trips").column("fare").unit == "EUR"


def test_saying_the_same_again_records_nothing() -> None:
    said = Corrections(units={"fare": "EUR"})
    event = DatasetCorrected(name="trips", corrections=said, version=None, corrected_at=NOW)
    dataset = given(uploaded(), was_loaded(), event)
    assert dataset.correct("trips", said, now=NOW) is None
    assert dataset.pending == []


@pytest.mark.parametrize(
    "corrections",
    [
        Corrections(types={"price": "text"}),
        Corrections(synonyms={"price": ("x",)}),
        Corrections(units={"price": "EUR"}),
        Corrections(measure="price"),
        Corrections(time="price"),
    ],
)
def test_a_column_that_is_not_there_is_not_corrected(corrections: Corrections) -> None:
    dataset = given(uploaded(), was_loaded())
    with pytest.raises(UnknownColumn, match="it has city, fare"):
        dataset.correct("trips", corrections, now=NOW)


def test_what_was_deleted_is_gone_until_it_is_uploaded_again_with_a_new_number() -> None:
    gone = DatasetDeleted(name="trips", deleted_at=NOW)
    dataset = given(uploaded(), was_loaded(), gone)
    with pytest.raises(NoSuchDataset):
        dataset.asked_of("trips")
    with pytest.raises(NoSuchDataset):
        dataset.delete("trips", now=NOW)
    assert dataset.upload_file("trips", SECOND, "trips.csv", LoadOptions(), now=NOW) == 2
