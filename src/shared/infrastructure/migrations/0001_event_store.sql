-- The log: every change there ever was, in one table that is only added to.
create schema event_store;

create sequence event_store.position as bigint cache 1;

create table event_store.events (
    tenant      text        not null default 'default',
    stream      text        not null,
    version     integer     not null check (version > 0),
    position    bigint      not null default nextval('event_store.position'),
    type        text        not null,
    data        json        not null,
    metadata    json        not null,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (tenant, stream, version)
);
alter sequence event_store.position owned by event_store.events.position;
create unique index events_by_position on event_store.events (position);

create function event_store.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the log is only added to: % of event_store.events is refused', lower(tg_op)
        using errcode = 'restrict_violation';
end
$$;
create trigger only_added_to before update or delete or truncate on event_store.events
    for each statement execute function event_store.refuse_change();

-- Which log this is. Whoever keeps something derived from it elsewhere (Redis) keeps it under this
-- name, so that it is never taken for that of another log.
create table event_store.identity (
    single boolean primary key default true check (single),
    id   uuid    not null default gen_random_uuid()
);
insert into event_store.identity default values;

-- The fence. An appender holds this lock, shared, from before it draws a position until it has
-- committed or rolled back; appenders never wait for one another.
create function event_store.enter_fence() returns void language sql as $$
    select pg_advisory_xact_lock_shared(77001, 1)
$$;

-- A reader samples the positions drawn, and *then* who is inside the fence. Once those are gone,
-- every position up to the sample is committed or will never be.
create function event_store.sample_fence(out sampled bigint, out holders text[])
language plpgsql as $$
begin
    select case when is_called then last_value else 0 end into sampled from event_store.position;
    select coalesce(array_agg(virtualtransaction), '{}') into holders
    from pg_locks
    where locktype = 'advisory' and classid = 77001 and objid = 1 and objsubid = 2 and granted
      and database = (select oid from pg_database where datname = current_database());
end
$$;

-- The appenders inside the fence, for people: whoever has been there long holds the mark.
create view event_store.fence_holders as
select l.pid, a.application_name, a.state, a.query, a.xact_start,
       extract(epoch from clock_timestamp() - a.xact_start)::float8 as seconds
from pg_locks l join pg_stat_activity a using (pid)
where l.locktype = 'advisory' and l.classid = 77001 and l.objid = 1 and l.objsubid = 2 and l.granted
  and l.database = (select oid from pg_database where datname = current_database());

-- The high-water mark as last seen on the primary; a replica reads up to here.
create table event_store.high_water_mark (
    single     boolean primary key default true check (single),
    position bigint  not null default 0,
    seen_at  timestamptz not null default clock_timestamp()
);
insert into event_store.high_water_mark default values;

-- Append to one stream or to many: all of it or nothing, each stream checked against the version
-- that was expected of it. Returns the last position. A unique_violation means that another writer
-- committed between our check and our insert, and is the same conflict.
create function event_store.append(
    p_tenant text,
    p_checked text[], p_expected integer[],
    p_streams text[], p_versions integer[], p_types text[], p_data text[], p_metadata text[]
) returns bigint language plpgsql as $$
declare
    conflict record;
    last bigint;
begin
    perform event_store.enter_fence();
    select c.stream, c.expected, h.version into conflict
    from unnest(p_checked, p_expected) as c(stream, expected)
    cross join lateral (
        select coalesce(max(e.version), 0) as version from event_store.events e
        where e.tenant = p_tenant and e.stream = c.stream
    ) h
    where h.version <> c.expected
    limit 1;
    if found then
        raise exception '% is at version %, not %', conflict.stream, conflict.version, conflict.expected
            using errcode = 'MQ409';
    end if;
    with inserted as (
        insert into event_store.events (tenant, stream, version, type, data, metadata)
        select p_tenant, n.stream, n.version, n.type, n.data::json, n.metadata::json
        from unnest(p_streams, p_versions, p_types, p_data, p_metadata)
            with ordinality as n(stream, version, type, data, metadata, place)
        order by n.place
        returning position
    )
    select max(position) into last from inserted;
    return last;
end
$$;

-- How far each projection has come. Its row is locked by whoever runs it.
create table event_store.checkpoints (
    projection text        primary key,
    position   bigint      not null default 0,
    updated_at timestamptz not null default clock_timestamp(),
    error      text,
    failed_at  timestamptz
);
