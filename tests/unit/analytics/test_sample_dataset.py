"""The sample dataset: made by a script, and worth asking."""

from io import StringIO

from samples import SAMPLE_DATASET
from samples.make_box_office import COLUMNS, SHOWS, lines, write


def test_the_file_is_what_the_script_makes() -> None:
    made = StringIO()
    write(made)
    assert made.getvalue().encode() == SAMPLE_DATASET.read_bytes()


def test_another_seed_makes_another_summer() -> None:
    assert list(lines(1)) != list(lines(2))


def test_every_show_is_sold_and_every_line_is_whole() -> None:
    made = list(lines())
    assert {line[COLUMNS.index("show")] for line in made} == {show.title for show in SHOWS}
    assert {len(line) for line in made} == {len(COLUMNS)}
    assert len(made) > 1_000
