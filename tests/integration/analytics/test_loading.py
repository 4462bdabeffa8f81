"""A file becomes a table: typed, told about, all of it or nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from psycopg.sql import SQL, Identifier

from contexts.analytics.application.ports import Corrections, Loaded, LoadFailed, LoadOptions
from contexts.analytics.infrastructure.csv import filling as csv_filling
from contexts.analytics.infrastructure.loading import Loading
from csvs import chunks_of
from shared.infrastructure.postgres import Pool, pool

Chunks = Callable[[], AsyncIterator[bytes]]


@pytest.fixture
async def connections(database: str) -> AsyncIterator[Pool]:
    made = pool(database, name="test", size=2, statement_seconds=15, connect_seconds=10)
    await made.open(wait=True, timeout=60)
    async with made.connection() as connection:
        await connection.execute("create schema loaded")
    yield made
    await made.close()


async def load(
    connections: Pool,
    content: str | bytes | Chunks,
    *,
    table: str = "sales",
    options: LoadOptions | None = None,
    corrections: Corrections | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Loaded:
    return await Loading(connections).load(
        chunks_of(content) if isinstance(content, str | bytes) else content,
        dataset="sales",
        version=1,
        schema="loaded",
        table=table,
        options=options or LoadOptions(),
        corrections=corrections or Corrections(),
        progress=progress,
    )


async def rows(connections: Pool, table: str = "sales") -> list[tuple[Any, ...]]:
    async with connections.connection() as connection:
        cursor = await connection.execute(SQL("select * from loaded.{}").format(Identifier(table)))
        return await cursor.fetchall()


async def tables(connections: Pool) -> list[str]:
    async with connections.connection() as connection:
        cursor = await connection.execute(
            "select tablename from pg_tables where schemaname = 'loaded'"
        )
        return [name for (name,) in await cursor.fetchall()]


SOLD = """\
Sold on,Hour,Ticket number,Waiter,Product,Quantity,Unit price (€),New
3/14/2025,9:05,T 0001,7,Lemon tart,2,3.50,yes
3/15/2025,16:40,T 0002,12,"Bread, rye",-1,4,no
3/15/2025,16:40,T 0002,7,,1,3.50,yes
"""


async def test_a_file_becomes_a_typed_table_and_is_told_about(connections: Pool) -> None:
    loaded = await load(connections, SOLD)
    assert await rows(connections) == [
        *[(date(2025, 3, 14), time(9, 5), "T 0001", 7, "Lemon tart", 2, Decimal("3.50"), True)],
        *[(date(2025, 3, 15), time(16, 40), "T 0002", 12, "Bread, rye", -1, 4, False)],
        *[(date(2025, 3, 15), time(16, 40), "T 0002", 7, None, 1, Decimal("3.50"), True)],
    ]
    relation = loaded.relation
    assert [(c.name, c.type, c.role) for c in relation.columns] == [
        ("sold_on", "date", "time"),
        ("hour", "time", "time"),
        ("ticket_number", "text", "identifier"),
        ("waiter", "integer", "identifier"),
        ("product", "text", "dimension"),
        ("quantity", "integer", "measure"),
        ("unit_price", "decimal", "measure"),
        ("new", "boolean", "dimension"),
    ]
    price, product, day = (relation.column(n) for n in ("unit_price", "product", "sold_on"))
    assert (price.title, price.unit) == ("Unit price (€)", "€")
    assert (price.minimum, price.maximum, price.distinct, price.empty) == ("3.50", "4", 2, 0)
    assert (product.empty, product.distinct, product.minimum) == (1, 2, None)
    assert (day.minimum, day.maximum, day.format) == ("2025-03-14", "2025-03-15", "%m/%d/%Y")
    assert product.samples == ("Lemon tart", "Bread, rye")
    assert (relation.rows, relation.measure, relation.time) == (3, "unit_price", "sold_on")
    assert (loaded.encoding, loaded.delimiter) == ("utf-8", ",")
    assert loaded.bytes == len(SOLD.encode())
    assert (loaded.set_aside_count, loaded.warnings) == (0, ())


async def test_what_the_end_of_a_file_shows_holds_for_all_of_it(connections: Pool) -> None:
    """More than what types are guessed from comes before the row that shows it."""
    first = "".join(f"{n},{n % 12 + 1:02}/{n % 9 + 1:02}/2024,{n}\n" for n in range(60_000))
    content = f"code,day,n\n{first}0017,25/03/2024,1.5\n"
    assert len(content) > 1_000_000
    loaded = await load(connections, content)
    assert [c.type for c in loaded.relation.columns] == ["text", "date", "decimal"]
    found = await rows(connections)
    assert len(found) == 60_001
    assert found[1] == ("1", date(2024, 2, 2), Decimal(1))
    assert found[2] == ("2", date(2024, 3, 3), Decimal(2))
    assert found[10] == ("10", date(2024, 2, 11), Decimal(10))
    assert found[-1] == ("0017", date(2024, 3, 25), Decimal("1.5"))
    assert loaded.relation.rows == 60_001


async def test_rows_that_do_not_fit_are_not_in_the_table(connections: Pool) -> None:
    loaded = await load(connections, "a,b\n1,x\n2\n3,y,z\n4,w\n")
    assert await rows(connections) == [(1, "x"), (4, "w")]
    assert loaded.set_aside_count == 2
    assert [row.line for row in loaded.set_aside] == [3, 4]


async def test_cells_that_do_not_fit_are_empty_and_warned_of(connections: Pool) -> None:
    loaded = await load(connections, "n,t\n" + "5,x\n" * 300 + "oops,x\n")
    assert (await rows(connections))[-1] == (None, "x")
    assert loaded.warnings == (
        "n: 1 cell is not integer and left empty, such as 'oops'; "
        "correct the type to text to see them",
    )


async def test_corrections_are_obeyed(connections: Pool) -> None:
    corrections = Corrections(
        types={"code": "text", "gone": "date"},
        synonyms={"n": ("pieces",)},
        units={"n": "kg"},
        row_noun="parcel",
        measure="n",
        time="gone",
    )
    loaded = await load(connections, "code,n\n17,2\n", corrections=corrections)
    code, n = loaded.relation.columns
    assert (code.type, code.why) == ("text", "as it was corrected")
    assert (n.synonyms, n.unit) == (("pieces",), "kg")
    relation = loaded.relation
    assert (relation.row_noun, relation.measure, relation.time) == ("parcel", "n", None)
    assert await rows(connections) == [("17", 2)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\x03\x04", "an Excel workbook"),
        ("", "is empty"),
        ("a,b,c\n1;2\n3;4\n", "not one row fits the header"),
    ],
)
async def test_what_cannot_be_loaded_leaves_nothing(
    connections: Pool, content: str | bytes, reason: str
) -> None:
    with pytest.raises(LoadFailed, match=reason):
        await load(connections, content, options=LoadOptions(delimiter=","))
    assert await tables(connections) == []


async def test_a_file_that_breaks_off_leaves_nothing(connections: Pool) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a,b\n" + b"1,2\n" * 400_000
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await load(connections, broken)
    assert await tables(connections) == []
    assert (await load(connections, SOLD)).relation.rows == 3


async def test_a_load_that_is_cancelled_leaves_nothing(connections: Pool) -> None:
    reached = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b"a,b\n" + b"1,2\n" * 400_000
        reached.set()
        await asyncio.Event().wait()

    task = asyncio.ensure_future(load(connections, endless))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await tables(connections) == []


async def test_a_row_too_wide_for_postgresql_is_a_failed_load(connections: Pool) -> None:
    header = ",".join(f"c{n}" for n in range(900))
    row = ",".join(["2024-01-01 10:00:00"] * 900)
    wide = ",".join(f"{'x' * 40}{n}" for n in range(900))
    loaded = await load(connections, f"{header}\n{row}\n")
    assert loaded.relation.rows == 1
    with pytest.raises(LoadFailed, match="the database did not take the file"):
        await load(connections, f"{header}\n{wide}\n", table="wide")
    assert await tables(connections) == ["sales"]


async def test_a_header_alone_is_a_table_without_rows(connections: Pool) -> None:
    loaded = await load(connections, "a,b\n")
    assert loaded.relation.rows == 0
    assert [(c.type, c.distinct, c.empty) for c in loaded.relation.columns] == [("text", 0, 0)] * 2
    assert await rows(connections) == []


async def test_progress_is_told_in_bytes_and_rows(connections: Pool) -> None:
    told: list[tuple[int, int]] = []
    content = "a,b\n" + "1,2\n" * 400_000
    await load(connections, content, progress=lambda size, count: told.append((size, count)))
    assert told[-1] == (len(content), 400_000)
    assert told == sorted(told)
    assert len(told) > 2


async def test_the_table_is_analyzed_and_its_rows_need_no_vacuum(connections: Pool) -> None:
    await load(connections, SOLD)
    async with connections.connection() as connection:
        cursor = await connection.execute(
            "select reltuples, relallvisible = relpages,"
            " (select count(*) from pg_stats where schemaname = 'loaded')"
            " from pg_class where oid = 'loaded.sales'::regclass"
        )
        assert await cursor.fetchone() == (3.0, True, 8)


ODD = '''\
when;amount;ok;text
03.04.2025 10:00;1.234,50 €;sí;plain
13.04.2025 09:30;(20,00);no;" padded "
31.12.1999;7;si;"with ""quotes"""
01.01.2025 00:00:01;- ;SÍ;"two
lines"
;n/a;;\\.
05.06.24;-0,5;no;\\N
'''


async def test_whatever_is_written_in_the_manner_of_a_country_is_understood(
    connections: Pool,
) -> None:
    loaded = await load(connections, ODD)
    assert [c.type for c in loaded.relation.columns] == ["timestamp", "decimal", "boolean", "text"]
    assert await rows(connections) == [
        (datetime(2025, 4, 3, 10), Decimal("1234.50"), True, "plain"),
        (datetime(2025, 4, 13, 9, 30), Decimal("-20.00"), False, "padded"),
        (datetime(1999, 12, 31), Decimal(7), True, 'with "quotes"'),
        (datetime(2025, 1, 1, 0, 0, 1), None, True, "two\nlines"),
        (None, None, None, "\\."),
        (datetime(2024, 6, 5), Decimal("-0.5"), False, "\\N"),
    ]
    assert loaded.relation.column("amount").unit == "€"


async def test_columns_with_the_day_first_stand_beside_those_with_the_month_first(
    connections: Pool,
) -> None:
    await load(connections, "a,b\n3/4/2024,3/4/2024\n13/4/2024,3/14/2024\n")
    assert await rows(connections) == [
        (date(2024, 4, 3), date(2024, 3, 4)),
        (date(2024, 4, 13), date(2024, 3, 14)),
    ]


async def test_a_lone_date_in_the_other_order_is_left_empty(connections: Pool) -> None:
    loaded = await load(connections, "a,b\n" + "13/4/2024,x\n" * 300 + "4/14/2024,x\n")
    assert (await rows(connections))[-1] == (None, "x")
    assert "1 cell is not date and left empty, such as '4/14/2024'" in loaded.warnings[0]


async def test_zones_are_taken_into_account(connections: Pool) -> None:
    await load(connections, "at,n\n2025-01-01T00:30:00+02:00,1\n2025-01-01 00:30:00Z,2\n")
    assert await rows(connections) == [
        (datetime(2024, 12, 31, 22, 30), 1),
        (datetime(2025, 1, 1, 0, 30), 2),
    ]


NUMBERS = """\
a,b,c,d,e,f
1,5,.5,1.5,true,x
22,-3,-0.25,1e5,FALSE,y z
+4,,7,-.5,false,'q'
300,17,1.25,2.0,True,
"""
MOMENTS = """\
a,b,c,d,e,f
2024-2-9,9:05,03/14/2024,3-14-2024,2024-02-09T10:00:01.5,3.14.2024 9:05
2024-02-29,23:59:59.25,12/31/1999,1-1-0099,2024-02-09 10:00,12.25.2024 23:00:01
"""


async def test_postgresql_reads_what_stands_as_it_is_as_we_would_write_it(
    connections: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing = 0
    stands = csv_filling._Writer.stands

    def counted(*arguments: Any) -> bool:
        nonlocal standing
        found = stands(*arguments)
        standing += found
        return found

    monkeypatch.setattr(csv_filling._Writer, "stands", counted)
    await load(connections, NUMBERS, table="numbers")
    await load(connections, MOMENTS, table="moments")
    assert standing == 12
    monkeypatch.setattr(csv_filling._Writer, "stands", lambda *_: False)
    await load(connections, NUMBERS, table="numbers_written")
    await load(connections, MOMENTS, table="moments_written")
    assert await rows(connections, "numbers") == await rows(connections, "numbers_written")
    assert await rows(connections, "moments") == await rows(connections, "moments_written")
