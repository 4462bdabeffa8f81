"""A question may name the dataset that it is put to, in words that are no part of what it asks."""

import pytest

from contexts.analytics.application.naming import Named, named_in

DATASETS = ("sales", "box_office", "events")


@pytest.mark.parametrize(
    ("question", "dataset", "left"),
    [
        ("how many rows are there in sales?", "sales", "how many rows are there?"),
        ("top 5 shows in the box office by revenue", "box_office", "top 5 shows by revenue"),
        ("total from box_office by month", "box_office", "total by month"),
        ("average price of the events table", "events", "average price"),
        ("dataset=sales total by month", "sales", "total by month"),
        ("ask sales: total by waiter", "sales", "total by waiter"),
    ],
)
def test_the_name_of_a_dataset_is_told_from_the_question(
    question: str, dataset: str, left: str
) -> None:
    assert named_in(question, DATASETS) == Named(dataset, left)


@pytest.mark.parametrize(
    "question",
    ["sales by month", "how many events", "total of sales", "in sales", "in sales and in events"],
)
def test_a_word_that_may_be_anything_else_names_no_dataset(question: str) -> None:
    assert named_in(question, DATASETS) is None
