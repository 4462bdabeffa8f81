-- The log in parts: the streams that live on, spread over eight tables, and those that have ended.
-- A part is small enough to be vacuumed, indexed anew or moved to another tablespace by itself.
alter table event_store.events rename to events_before;
alter index event_store.events_by_position rename to events_before_by_position;

create table event_store.events (
    tenant      text        not null default 'default',
    stream      text        not null,
    version     integer     not null check (version > 0),
    position    bigint      not null default nextval('event_store.position'),
    type        text        not null,
    data        json        not null,
    metadata    json        not null,
    recorded_at timestamptz not null default clock_timestamp(),
    archived    boolean     not null default false
) partition by list (archived);
alter sequence event_store.position owned by event_store.events.position;

create table event_store.events_live partition of event_store.events
    for values in (false) partition by hash (tenant, stream);
do $$
begin
    for part in 0..7 loop
        execute format(
            'create table event_store.events_live_%s partition of event_store.events_live'
            ' for values with (modulus 8, remainder %s)', part, part);
    end loop;
end
$$;
create table event_store.events_archive partition of event_store.events for values in (true);

-- The sequence goes on from where it is.
insert into event_store.events
    (tenant, stream, version, position, type, data, metadata, recorded_at)
select tenant, stream, version, position, type, data, metadata, recorded_at
from event_store.events_before order by position;
drop table event_store.events_before;

alter table event_store.events_live add primary key (tenant, stream, version);
alter table event_store.events_archive add primary key (tenant, stream, version);
create index events_by_position on event_store.events (position);
analyze event_store.events;

-- The one change there is: an event goes into the archive, and event_store.archive does it.
create or replace function event_store.refuse_change() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and tg_relid = 'event_store.events'::regclass
        and current_setting('event_store.archiving', true) = 'yes'
    then
        return null;
    end if;
    raise exception 'the log is only added to: % of %.% is refused',
        lower(tg_op), tg_table_schema, tg_table_name
        using errcode = 'restrict_violation';
end
$$;
-- A trigger for statements holds for the table that the statement names, and not for its parts.
do $$
declare
    part regclass;
begin
    for part in select relid from pg_partition_tree('event_store.events') loop
        execute format(
            'create trigger only_added_to before update or delete or truncate on %s'
            ' for each statement execute function event_store.refuse_change()', part);
    end loop;
end
$$;

-- Many appends at once, each of them accepted or refused by itself. The first five arrays hold a
-- place for each stream of each append; the others one for each event, p_place saying of which
-- stream. No stream may be named twice. Answers each append with its last position, or with the
-- SQLSTATE and the reason of its refusal: MQ409 (the stream is at another version), MQ410 (it is in
-- the archive).
--
-- A unique_violation means that another writer committed between our check and our insert; nothing
-- of all this has happened then. Who must wait longer than p_patience milliseconds (0: as long as it
-- takes) for another's append gets a lock_not_available, so that nobody waits for those they came
-- with.
--
-- A plan for any values is taken, always: it picks the parts of the log when it runs.
create function event_store.append_each(
    p_append integer[], p_tenant text[], p_stream text[], p_expected integer[], p_metadata text[],
    p_place integer[], p_version integer[], p_type text[], p_data text[],
    p_patience integer default 0
) returns table (append integer, last_position bigint, code text, reason text)
language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
    refused integer[];
begin
    if p_patience > 0 then
        perform set_config('lock_timeout', p_patience::text, true);
    end if;
    perform event_store.enter_fence();
    for append, code, reason in
        select c.append, case when a.is_there then 'MQ410' else 'MQ409' end,
               case when a.is_there then format('%s is in the archive, where nothing is added', c.stream)
                    else format('%s is at version %s, not %s', c.stream, h.version, c.expected) end
        from unnest(p_append, p_tenant, p_stream, p_expected) as c(append, tenant, stream, expected)
        cross join lateral (
            select coalesce(max(e.version), 0) as version from event_store.events_live e
            where e.tenant = c.tenant and e.stream = c.stream
        ) h
        cross join lateral (
            -- Streams are archived whole: one that has live events is not there.
            select h.version = 0 and exists (
                select from event_store.events_archive e
                where e.tenant = c.tenant and e.stream = c.stream
            ) as is_there
        ) a
        where h.version <> c.expected or a.is_there
    loop
        if append = any(refused) then
            continue;
        end if;
        refused := refused || append;
        return next;
    end loop;
    return query
    with inserted as (
        insert into event_store.events_live as e (tenant, stream, version, type, data, metadata)
        select p_tenant[n.place], p_stream[n.place], n.version, n.type, n.data::json,
               p_metadata[n.place]::json
        from unnest(p_place, p_version, p_type, p_data)
            with ordinality as n(place, version, type, data, number)
        where refused is null or p_append[n.place] <> all(refused)
        order by n.number
        returning e.tenant, e.stream, e.position
    )
    select c.append, max(i.position), null::text, null::text
    from unnest(p_append, p_tenant, p_stream) as c(append, tenant, stream)
    join inserted i using (tenant, stream)
    group by c.append;
end
$$;

-- The same for a single stream, as most appends are, in less than half the time. A refusal is raised:
-- MQ409, MQ410, or a unique_violation, which also stands for a new stream that is there already.
create function event_store.append_to_stream(
    p_tenant text, p_stream text, p_expected integer, p_metadata text, p_type text[], p_data text[]
) returns bigint
language plpgsql set plan_cache_mode = force_generic_plan set lock_timeout = '100ms' as $$
declare
    found_version integer = 0;
    last bigint;
begin
    perform event_store.enter_fence();
    if p_expected > 0 then
        select coalesce(max(e.version), 0) into found_version from event_store.events_live e
        where e.tenant = p_tenant and e.stream = p_stream;
    end if;
    if found_version = 0 and exists (
        select from event_store.events_archive e
        where e.tenant = p_tenant and e.stream = p_stream
    ) then
        raise exception '% is in the archive, where nothing is added', p_stream
            using errcode = 'MQ410';
    end if;
    if found_version <> p_expected then
        raise exception '% is at version %, not %', p_stream, found_version, p_expected
            using errcode = 'MQ409';
    end if;
    for n in 1..cardinality(p_type) loop
        insert into event_store.events_live as e (tenant, stream, version, type, data, metadata)
        values (p_tenant, p_stream, p_expected + n, p_type[n], p_data[n]::json, p_metadata::json)
        returning e.position into last;
    end loop;
    return last;
end
$$;

-- An append as older versions of the program make it; raised when it is refused.
create or replace function event_store.append(
    p_tenant text,
    p_checked text[], p_expected integer[],
    p_streams text[], p_versions integer[], p_types text[], p_data text[], p_metadata text[]
) returns bigint language plpgsql as $$
declare
    answer record;
begin
    select * into answer from event_store.append_each(
        array_fill(1, array[cardinality(p_checked)]),
        array_fill(p_tenant, array[cardinality(p_checked)]),
        p_checked, p_expected,
        array(select p_metadata[array_position(p_streams, c)]
              from unnest(p_checked) with ordinality as u(c, n) order by n),
        array(select array_position(p_checked, s)
              from unnest(p_streams) with ordinality as u(s, n) order by n),
        p_versions, p_types, p_data);
    if answer.code is not null then
        raise exception '%', answer.reason using errcode = answer.code;
    end if;
    return answer.last_position;
end
$$;

-- Move streams that nothing will be added to any more into the archive, whole, and return how many
-- events that were. Whoever reads or follows the log sees them before as after.
--
-- Nobody may be appending meanwhile, for what they checked would no longer be so. Appenders that
-- come later wait for the move, and this waits for those that came before: not for long, for the
-- others wait behind it. It then fails with lock_not_available and may be tried again.
create function event_store.archive(p_tenant text, p_streams text[]) returns bigint
language plpgsql set lock_timeout = '200ms' as $$
declare
    moved bigint;
begin
    perform pg_advisory_xact_lock(77001, 1);
    perform set_config('event_store.archiving', 'yes', true);
    update event_store.events set archived = true
    where tenant = p_tenant and stream = any(p_streams) and not archived;
    get diagnostics moved = row_count;
    perform set_config('event_store.archiving', '', true);
    return moved;
end
$$;
