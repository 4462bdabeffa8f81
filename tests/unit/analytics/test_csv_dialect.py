"""How a file is found to be separated, what its header is, and what its columns are called."""

import pytest

from contexts.analytics.application.ports import LoadFailed, LoadOptions
from contexts.analytics.infrastructure.csv.headers import named, sql_name
from csvs import WHATEVER, filled


def names(content: str, options: LoadOptions = WHATEVER) -> list[str]:
    filling, _ = filled(content, options)
    return [column.name for column in filling.file.columns]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(delimiter: str) -> None:
    filling, _ = filled("name,age\nAnn,31\nBob,29\n".replace(",", delimiter))
    assert filling.file.dialect.delimiter == delimiter
    assert filling.rows == 2


def test_decimal_commas_do_not_separate() -> None:
    filling, _ = filled("a;b;c\n1,5;2,5;3,5\n4,5;5,5;6,5\n")
    assert filling.file.dialect.delimiter == ";"
    assert [reading.type for reading in filling.readings] == ["decimal"] * 3


def test_of_two_that_could_separate_the_one_that_leaves_numbers_does() -> None:
    filling, _ = filled("1,5;2,5\n3,5;4,5\n")
    assert filling.file.dialect.delimiter == ";"


def test_commas_inside_of_texts_do_not_separate() -> None:
    filling, _ = filled("name|city\nDoe, Ann|Oslo\nRoe, Bob|Rome\n")
    assert filling.file.dialect.delimiter == "|"


def test_a_single_column_has_no_delimiter_to_be_found() -> None:
    filling, copied = filled("city\nOslo\nRome\n\n")
    assert names("city\nOslo\nRome\n") == ["city"]
    assert (filling.rows, copied) == (2, b'"Oslo"\n"Rome"\n')


def test_a_line_for_excel_names_the_delimiter_and_is_no_row() -> None:
    filling, _ = filled("sep=;\na;b\n1;2\n")
    assert names("sep=;\na;b\n1;2\n") == ["a", "b"]
    assert filling.rows == 1


def test_the_delimiter_can_be_told() -> None:
    assert names("a:b\n1:2\n", LoadOptions(delimiter=":")) == ["a", "b"]
    with pytest.raises(LoadFailed, match="name one character"):
        filled("a::b\n", LoadOptions(delimiter="::"))


def test_apostrophes_quote_where_nothing_else_does() -> None:
    filling, copied = filled("'name','n'\n'Doe, Ann','1'\n'O''Neil','2'\n")
    assert filling.file.dialect.quote == "'"
    assert filling.rows == 2
    assert copied == b"'Doe, Ann','1'\n'O''Neil','2'\n"


def test_a_first_row_of_values_is_no_header() -> None:
    assert names("1,Ann\n2,Bob\n") == ["column_1", "column_2"]
    assert names("Oslo,Ann\nRome,Bob\nOslo,Eve\n") == ["column_1", "column_2"]


def test_years_over_columns_are_a_header() -> None:
    assert names("country,2019,2020\nFR,5,6\n") == ["country", "_2019", "_2020"]


def test_whether_there_is_a_header_can_be_told() -> None:
    assert names("1,2\n3,4\n", LoadOptions(header=True)) == ["_1", "_2"]
    filling, _ = filled("a,b\nc,d\n", LoadOptions(header=False))
    assert filling.rows == 2


def test_lines_before_the_header_are_set_aside() -> None:
    filling, _ = filled("Sales of May\n\nday,sold,by\n1,5,Ann\n2,7,Bob\n")
    assert [column.name for column in filling.file.columns] == ["day", "sold", "by"]
    assert [(row.line, row.text) for row in filling.file.set_aside] == [(1, "Sales of May")]


def test_a_header_alone_is_a_table_without_rows() -> None:
    filling, copied = filled("a,b\n")
    assert (filling.rows, copied) == (0, b"")
    assert [reading.type for reading in filling.readings] == ["text", "text"]


def test_a_delimiter_at_the_end_of_each_line_makes_no_column() -> None:
    filling, copied = filled("a,b,\n1,2,\n3,4,\n")
    assert [column.name for column in filling.file.columns] == ["a", "b"]
    assert copied == b"1,2\n3,4\n"


def test_names_of_rows_need_no_name_of_their_own() -> None:
    filling, _ = filled('"mpg","gear"\n"Fiat",32,4\n"Volvo",21,5\n')
    assert [column.name for column in filling.file.columns] == ["column_1", "mpg", "gear"]
    assert filling.rows == 2


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Precio unitario", "precio_unitario"),
        ("  Größe / Maß ", "grosse_mass"),
        ("customerID", "customer_id"),
        ("HTTPStatus", "http_status"),
        ("% of total", "percent_of_total"),
        ("2019", "_2019"),
        ("Ørsted's Łódź", "orsteds_lodz"),
        ("日本", ""),
        ("x" * 80, "x" * 55),
    ],
)
def test_names_become_lower_case_words(title: str, name: str) -> None:
    assert sql_name(title) == name


def test_every_column_gets_a_name_of_its_own() -> None:
    found = named(["a", "A", "", "a_2", "", "xmin", "日本"])
    assert [column.name for column in found] == [
        *("a", "a_2", "column_3", "a_2_2", "column_5", "xmin_2", "column_7")
    ]
    assert [column.title for column in found][2::4] == ["Column 3", "日本"]


def test_names_that_were_cut_are_still_different() -> None:
    found = [column.name for column in named(["y" * 80, "y" * 81])]
    assert len(set(found)) == 2
    assert all(len(name) <= 55 for name in found)


@pytest.mark.parametrize(
    ("title", "name", "unit"),
    [
        ("Precio unitario (€)", "precio_unitario", "€"),
        ("Weight [kg]", "weight", "kg"),
        ("price_usd", "price_usd", "USD"),
        ("Name (first)", "name_first", None),
        ("USD", "usd", None),
    ],
)
def test_a_header_may_state_a_unit(title: str, name: str, unit: str | None) -> None:
    (found,) = named([title])
    assert (found.name, found.title, found.unit) == (name, title, unit)
