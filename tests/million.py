"""A catalogue of a million events, as fast as PostgreSQL can make one."""

import psycopg
from psycopg.sql import SQL, Identifier

ROWS = 1_000_000

_FILL = """
insert into {} (tenant, id, version, title, folded_title, status, available, ever_online,
  starts_at, ends_at, local_starts_at, timezone, min_price, max_price, available_min_price,
  available_max_price, places, sold_out, sell_mode, provider, organizer, updated_at)
select 'default', md5(n::text)::uuid, 1, title, lower(title),
  case when n % 50 = 0 then 'cancelled' when n % 5 = 0 then 'delisted' else 'listed' end,
  n % 3 <> 0, n % 100 <> 0,
  starts_at, case when n % 4 <> 0 then starts_at + make_interval(hours => 1 + n % 72) end,
  starts_at at time zone 'UTC', 'UTC',
  case when n % 10 <> 0 then price end, case when n % 10 <> 0 then price + n % 40 end,
  case when n % 10 <> 0 and n % 3 <> 0 then price end,
  case when n % 10 <> 0 and n % 3 <> 0 then price + n % 20 end,
  100, n % 3 = 0, 'online', case when n % 20 <> 0 then 'provider-' || n % 12 end,
  'organizer ' || n % 1000, timestamptz '2026-01-01' + make_interval(secs => n % 700000)
from (
  select n, (n::bigint * 7919 % 300)::int as price,
    'Concert ' || n % 5000 || ' of ' || (array['jazz', 'rock', 'folk', 'opera', 'punk'])[1 + n % 5]
      as title,
    timestamptz '2024-01-01' + make_interval(mins => (n::bigint * 7919 % 2000000)::int) as starts_at
  from generate_series(1, {}) as n
) as each
"""


def fill_catalogue(database: str, rows: int = ROWS) -> None:
    """Starts spread over four years, in no order; many equal and many unknown values in each field.

    `database` has an empty catalogue. Its indexes are made when the rows are there.
    """
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("set maintenance_work_mem = '256MB'")
        ((behind,),) = connection.execute(
            "select format('%s_%s', projection, instance) from event_store.instances"
            " where projection = 'events.catalogue' and state = 'active'"
        ).fetchall()
        table = Identifier(*behind.split("."))
        indexes = connection.execute(
            "select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index"
            " where indrelid = %s::regclass and not indisprimary",
            (behind,),
        ).fetchall()
        for name, _ in indexes:
            connection.execute(SQL("drop index {}").format(Identifier(*name.split("."))))
        connection.execute(SQL(_FILL).format(table, rows))
        for _, definition in indexes:
            connection.execute(definition.encode())
        connection.execute(SQL("vacuum analyze {}").format(table))
