-- A projection is built more than once in its life: each time is an instance, with tables or keys of
-- its own. One instance is active, which is the one that is asked; the one before it is kept, and
-- kept current, so that going back to it takes a moment.
create table event_store.instances (
    projection  text        not null,
    instance    integer     not null check (instance > 0),
    definition  text        not null,
    shards      integer     not null check (shards > 0),
    state       text        not null
                check (state in ('building', 'built', 'active', 'kept', 'dropped')),
    started_at  timestamptz not null default clock_timestamp(),
    switched_at timestamptz,
    report      json,
    primary key (projection, instance)
);
create unique index one_active_instance on event_store.instances (projection)
    where state = 'active';
create unique index one_new_instance on event_store.instances (projection)
    where state in ('building', 'built');

-- How far each shard of each instance has come. Its row is locked by whoever runs it. `generation`
-- grows with every change of the read model, in the transaction of that change.
create table event_store.checkpoints_of_instances (
    projection text        not null,
    instance   integer     not null,
    shard      integer     not null,
    position   bigint      not null default 0,
    generation bigint      not null default 0,
    updated_at timestamptz not null default clock_timestamp(),
    error      text,
    failed_at  timestamptz,
    primary key (projection, instance, shard),
    foreign key (projection, instance) references event_store.instances
);

-- What stands in the log follows it on: reactions must not happen again. Read models are built anew.
insert into event_store.instances (projection, instance, definition, shards, state)
    select projection, 1, 'reactions', 1, 'active' from event_store.checkpoints
    where projection = 'reactions';
insert into event_store.checkpoints_of_instances (projection, instance, shard, position)
    select projection, 1, 0, position from event_store.checkpoints where projection = 'reactions';
drop table event_store.checkpoints;
alter table event_store.checkpoints_of_instances rename to checkpoints;
alter index event_store.checkpoints_of_instances_pkey rename to checkpoints_pkey;

-- Events that an instance could not take in, with those of the same stream that wait behind them
-- (which have no error of their own). Whoever discards one says why, and that stays.
create table event_store.parked_events (
    id         bigint      generated always as identity primary key,
    projection text        not null,
    instance   integer     not null,
    shard      integer     not null,
    tenant     text        not null,
    stream     text        not null,
    version    integer     not null,
    position   bigint      not null,
    type       text        not null,
    error      text,
    attempts   integer     not null,
    parked_at  timestamptz not null default clock_timestamp(),
    tried_at   timestamptz not null default clock_timestamp(),
    discarded_at timestamptz,
    discarded_by text,
    reason     text check ((reason is null) = (discarded_at is null)),
    unique (projection, instance, position)
);
create index parked_events_waiting on event_store.parked_events (projection, instance, tenant, stream)
    where discarded_at is null;

-- Which of so many shards a stream falls to. The hash is the one that hash partitions lie by, which
-- PostgreSQL can't change without breaking those.
create function event_store.shard_of(stream text, shards integer) returns integer
language sql immutable parallel safe as $$
    select ((hashtextextended(stream, 0) & 1073741823) % shards)::integer
$$;

-- Grows with the clock, so that a log that was restored to an earlier state never gives a number a
-- second time that stood for other rows before.
create function event_store.next_generation(generation bigint) returns bigint
language sql volatile as $$
    select greatest(generation + 1, (extract(epoch from clock_timestamp()) * 1000000)::bigint)
$$;
