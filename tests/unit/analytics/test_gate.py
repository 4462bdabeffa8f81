"""What the gate lets through, what it refuses, and that it prints what it looked at."""

import pytest

from attacks import ATTACKS, Attack
from contexts.analytics.application.ports import QueryRefused
from contexts.analytics.infrastructure.sql.gate import LONGEST, Gate

TABLES = {"hires": ["boat", "fee", "day"], "boats": ["boat", "pier"], "pg_class": ["relname"]}


def passed(sql: str, rows: int = 100) -> str:
    """On one line."""
    found = Gate().check(sql, TABLES, rows, schema="own")
    return " ".join(found.split()).replace("( ", "(").replace(" )", ")")


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.kind}: {attack.sql[:50]}")
def test_no_attack_is_let_through(attack: Attack) -> None:
    with pytest.raises(QueryRefused) as refused:
        Gate().check(attack.sql, {"hires": ["boat", "fee"]}, 100, schema="own")
    assert str(refused.value)


def test_there_are_a_hundred_attacks_and_none_twice() -> None:
    assert len({attack.sql for attack in ATTACKS}) == len(ATTACKS) >= 100


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT * FROM "hires"',
        'SELECT "h"."boat" FROM "hires" AS "h" WHERE "h"."fee" BETWEEN 1 AND 2',
        'SELECT COUNT(*), COUNT(DISTINCT "boat"), MAX("fee") FROM "hires"',
        'SELECT "boat", SUM("fee") AS "s" FROM "hires" GROUP BY "boat" ORDER BY "s" DESC',
        'SELECT "boat" FROM "own"."hires"',
        'SELECT "h"."boat" FROM "hires" AS "h" LEFT JOIN "boats" AS "b" ON "b"."boat" = "h"."boat"',
        'SELECT "boat" FROM "hires" UNION SELECT "pier" FROM "boats" ORDER BY "boat"',
        'WITH "a" AS (SELECT "boat" AS "b" FROM "hires") SELECT "b" FROM "a"',
        'SELECT "b" FROM (SELECT "boat" AS "b" FROM "hires") AS "x"',
        'SELECT "boat" FROM "hires" AS "h" WHERE EXISTS(SELECT 1 FROM "boats" AS "b" '
        'WHERE "b"."boat" = "h"."boat")',
        'SELECT CASE WHEN "fee" > 5 THEN \'dear\' ELSE \'cheap\' END AS "k" FROM "hires"',
        'SELECT ROUND("fee", 2), LOWER("boat"), COALESCE("boat", \'none\') FROM "hires"',
        'SELECT CAST("fee" AS INT) FROM "hires" WHERE NOT "boat" IS NULL OR "boat" ILIKE \'%a\'',
    ],
)
def test_an_ordinary_question_is_let_through_as_it_is(sql: str) -> None:
    assert passed(sql) == f"{sql} LIMIT 101"


def test_one_row_more_than_allowed_is_fetched_so_that_it_shows() -> None:
    assert passed('select "boat" from "hires"', rows=7).endswith("LIMIT 8")
    assert passed('select "boat" from "hires" limit 900', rows=7).endswith("LIMIT 8")
    assert passed('select "boat" from "hires" limit 3', rows=7).endswith("LIMIT 3")


def test_the_order_of_a_statement_is_kept_under_its_limit() -> None:
    assert passed("select boat from hires order by fee desc").endswith(
        'ORDER BY "fee" DESC LIMIT 101'
    )


def test_names_are_folded_as_postgresql_does_and_quoted() -> None:
    assert passed("SELECT Boat FROM HIRES") == 'SELECT "boat" FROM "hires" LIMIT 101'
    with pytest.raises(QueryRefused, match="no column 'Boat'"):
        passed('select "Boat" from hires')


def test_a_table_that_is_named_like_one_of_postgresql_is_not_taken_for_it() -> None:
    assert passed("select relname from pg_class") == (
        'SELECT "relname" FROM "own"."pg_class" LIMIT 101'
    )
    with pytest.raises(QueryRefused, match="no table 'pg_class'"):
        Gate().check("select relname from pg_class", TABLES, 1)


def test_comments_are_not_kept() -> None:
    found = passed("select /* one */ boat -- two\nfrom hires /* three /* four */ */")
    assert found == 'SELECT "boat" FROM "hires" LIMIT 101'


def test_a_text_stays_a_text_whatever_it_says() -> None:
    text = "''; delete from hires; -- \\'' /* ; $$"
    assert f"'{text}'" in passed(f"select boat from hires where boat = '{text}'")  # noqa: S608


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select boat, price from hires", "no column 'price'"),
        ("select x.boat from hires", "no table 'x'"),
        ("select boat from ships", "no table 'ships'"),
        ("select boat from theirs.hires", "no schema 'theirs'"),
        ("select usename from pg_user", "no table 'pg_user'"),
        ("select xmin as xmin from hires", "no column 'xmin'"),
        ("with a as (select 1 as n), a as (select 2 as n) select n from a", "is taken"),
        ("with hires as (select 1 as n) select n from hires", "is taken"),
        ("with a as (select n from b), b as (select 1 as n) select n from a", "no table 'b'"),
        ("select a.boat from hires a join hires a on true", "read twice"),
        ("select boat from hires, boats", "needs an ON"),
        ("select shout(boat) from hires", r"the function shout\(\)"),
        ("select boat::regclass from hires", "cast to regclass"),
        ("select boat from hires limit 1 + 1", "plain numbers"),
        ("select boat from", "can't be read|no table"),
        ("", "one statement"),
        ("delete from hires", "only SELECT"),
        ("select " + "x" * LONGEST, "at most"),
        ("select '\ud800' from hires", "no valid Unicode"),
    ],
)
def test_a_refusal_says_what_is_not_let_through(sql: str, said: str) -> None:
    with pytest.raises(QueryRefused, match=said):
        passed(sql)


def test_whatever_the_parser_trips_over_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def trip(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr("sqlglot.parse", trip)
    with pytest.raises(QueryRefused, match="nested too deeply"):
        passed("select boat from hires")
    monkeypatch.setattr("sqlglot.parse", lambda *_, **__: [object()])
    with pytest.raises(QueryRefused, match="not let through"):
        passed("select boat from hires")


def test_what_is_printed_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A printer that writes something else than was read is found out."""
    monkeypatch.setattr("sqlglot.exp.Select.sql", lambda *_, **__: "select boat from ships")
    with pytest.raises(QueryRefused, match="no table 'ships'"):
        passed("select boat from hires")
