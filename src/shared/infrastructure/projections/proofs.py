"""Whether a read model holds what the log makes: compared with a fresh fold, on a sample."""

import random
from collections.abc import Sequence

import psycopg
from psycopg.sql import SQL

from shared.application.codec import Codec
from shared.application.event_store import Recorded
from shared.application.projections import Check
from shared.infrastructure.event_store.log_reading import COLUMNS_OF_E, stored_event
from shared.infrastructure.projections.instances import Instance
from shared.infrastructure.projections.runner import PASSING
from shared.infrastructure.projections.subscriptions import Connection, ReadModel

STREAMS = 200
"""Streams that are folded anew."""

WINDOW = 1_000
"""Positions that are looked through for an event of the right type, for each stream of a sample."""

WHOLE_LOG = 20_000
"""Positions of a log that is folded anew as a whole, where a sample would not do."""

COUNT_TIMEOUT = "5s"

_HISTORIES = SQL("""
with sample as (
    select distinct e.tenant, e.stream from unnest(%(positions)s::bigint[]) as p(position)
    cross join lateral (
        select tenant, stream from event_store.events e
        where e.position >= p.position and e.position < p.position + %(window)s
          and e.position <= %(upto)s and e.type = any(%(types)s)
        order by e.position limit 1
    ) e
)
select {} from sample s join event_store.events e using (tenant, stream)
where e.position <= %(upto)s and e.type = any(%(types)s) and not exists (
    select from event_store.parked_events p
    where p.projection = %(name)s and p.tenant = s.tenant and p.stream = s.stream
      and (p.instance = %(instance)s or p.discarded_at is not null)
)
order by e.position
""").format(SQL(COLUMNS_OF_E))


async def prove(
    connection: Connection,
    codec: Codec,
    read_model: ReadModel,
    old: Instance,
    new: Instance,
    *,
    upto: int,
) -> list[Check]:
    """What there is to say for reading from `new` instead of `old`; `new` has come to `upto`, and
    so has `old` where this program moves it on."""
    return [
        await _nothing_parked(connection, read_model, new),
        await _no_fewer_rows(connection, read_model, old, new),
        await as_the_log_makes_it(connection, codec, read_model, new, upto=upto),
    ]


async def as_the_log_makes_it(
    connection: Connection, codec: Codec, read_model: ReadModel, instance: Instance, *, upto: int
) -> Check:
    name = "as the log makes it"
    if not read_model.row_by_stream and upto > WHOLE_LOG:
        return Check(name, True, "not compared: each row may be made of all streams of a long log")
    if not read_model.row_by_stream and await _left_out(connection, read_model, instance):
        return Check(name, True, "not compared: any row may lack what was parked or discarded")
    history = await _histories(connection, codec, read_model, instance, upto)
    streams = len({(recorded.tenant, recorded.stream) for recorded in history})
    try:
        async with connection.transaction():
            found = (
                await read_model.differences(instance.number, history, connection)
                if history
                else ()
            )
    except PASSING:
        raise
    except Exception as error:
        # It could be taken in before: the projection does not make the same of it each time.
        return Check(name, False, f"what was taken in can't be folded anew: {error!r}")
    return Check(
        name,
        not found,
        "; ".join(found) or f"{streams} streams of {len(history)} events folded anew are the same",
    )


async def _left_out(connection: Connection, read_model: ReadModel, instance: Instance) -> bool:
    cursor = await connection.execute(
        "select exists (select from event_store.parked_events where projection = %s"
        " and (instance = %s or discarded_at is not null))",
        (read_model.name, instance.number),
    )
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def _nothing_parked(
    connection: Connection, read_model: ReadModel, instance: Instance
) -> Check:
    cursor = await connection.execute(
        "select count(*) from event_store.parked_events"
        " where projection = %s and instance = %s and discarded_at is null",
        (read_model.name, instance.number),
    )
    row = await cursor.fetchone()
    parked = row[0] if row else 0
    return Check("nothing parked", parked == 0, f"{parked} parked events")


async def _no_fewer_rows(
    connection: Connection, read_model: ReadModel, old: Instance, new: Instance
) -> Check:
    """More is no fault: rows may have got lost in the old one, and be why it is built anew."""
    name = "no fewer rows"
    try:
        async with connection.transaction():
            await connection.execute(f"set local statement_timeout = '{COUNT_TIMEOUT}'")
            if old.definition != new.definition:
                after = await read_model.counts(new.number, connection)
                return Check(name, True, f"{dict(after)}; the one before was made otherwise")
            before = await read_model.counts(old.number, connection)
            after = await read_model.counts(new.number, connection)
    except psycopg.errors.QueryCanceled:
        return Check(name, True, f"not counted: it takes longer than {COUNT_TIMEOUT}")
    fewer = [key for key, count in before.items() if after.get(key, 0) < count]
    return Check(name, not fewer, f"{dict(after)}, before {dict(before)}")


async def _histories(
    connection: Connection, codec: Codec, read_model: ReadModel, instance: Instance, upto: int
) -> Sequence[Recorded[object]]:
    """All that happened in some streams, taken at random from the whole log, as far as the read
    model was told of it: none that something is parked or discarded of."""
    types = codec.tags_for(read_model.handles)
    if read_model.row_by_stream:
        positions = [random.randint(1, upto) for _ in range(STREAMS)] if upto else []
    else:
        positions = list(range(1, upto + 1))
    cursor = await connection.execute(
        _HISTORIES,
        {
            "positions": positions,
            "window": WINDOW,
            "upto": upto,
            "types": types,
            "name": read_model.name,
            "instance": instance.number,
        },
    )
    return [codec.recorded(stored_event(row)) for row in await cursor.fetchall()]
