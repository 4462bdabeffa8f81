"""What happens, and what we then ask of ourselves."""

from collections.abc import Iterator

from contexts.analytics.application.asking import QueueQuestion
from contexts.analytics.application.datasets import QueueDataset
from contexts.analytics.domain.dataset import DatasetCorrected, DatasetUploaded
from contexts.analytics.domain.question import QuestionAsked


def on_dataset_uploaded(event: DatasetUploaded) -> Iterator[QueueDataset]:
    """Whenever a file was taken in, workers are given it."""
    yield QueueDataset(event.name)


def on_dataset_corrected(event: DatasetCorrected) -> Iterator[QueueDataset]:
    """Where a type was corrected the file is loaded anew."""
    if event.version is not None:
        yield QueueDataset(event.name)


def on_question_asked(event: QuestionAsked) -> Iterator[QueueQuestion]:
    """Whenever something was asked, workers are given it."""
    yield QueueQuestion(event.question_id)
