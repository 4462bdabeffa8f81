"""Makes writers pause before they commit, and roll back a quarter: by a trigger, for everybody."""

import psycopg
from psycopg.sql import SQL, Identifier

ROLLED_BACK = 0.25
PAUSED = 0.3
LONGEST_PAUSE = 0.03

FUNCTION = SQL(
    """
create function bench_disturb() returns trigger language plpgsql as $$
begin
    if random() < {paused} then
        perform pg_sleep(random() * {longest});
    end if;
    if random() < {rolled_back} then
        raise exception 'rolled back by the benchmark';
    end if;
    return null;
end
$$
"""
).format(paused=PAUSED, longest=LONGEST_PAUSE, rolled_back=ROLLED_BACK)


def disturb(url: str, table: str) -> None:
    """From now on. Positions are drawn before, for the trigger runs after the statement."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FUNCTION)
        connection.execute(
            SQL(
                "create trigger bench_disturb after insert on {}"
                " for each statement execute function bench_disturb()"
            ).format(Identifier(*table.split(".")))
        )
