-- What the events context reads from, and what it remembers of each feed.
create schema events;

create table events.catalogue (
    tenant              text        not null,
    id                  uuid        not null,
    version             integer     not null,
    title               text        not null,
    folded_title        text        not null,
    words               tsvector    generated always as (to_tsvector('simple', folded_title)) stored,
    status              text        not null,
    available           boolean     not null,
    ever_online         boolean     not null,
    starts_at           timestamptz not null,
    ends_at             timestamptz,
    over_at             timestamptz generated always as (coalesce(ends_at, starts_at)) stored,
    local_starts_at     timestamp   not null,
    local_ends_at       timestamp,
    timezone            text        not null,
    min_price           numeric,
    max_price           numeric,
    available_min_price numeric,
    available_max_price numeric,
    places              bigint      not null,
    sold_out            boolean     not null,
    sell_mode           text        not null,
    sell_from           timestamp,
    sell_to             timestamp,
    provider            text,
    base_id             text,
    plan_id             text,
    organizer           text,
    cancellation_reason text,
    updated_at          timestamptz not null,
    primary key (tenant, id)
);
create index catalogue_by_start on events.catalogue (tenant, starts_at, id) where ever_online;
create index catalogue_by_end on events.catalogue (tenant, over_at, id) where ever_online;
create index catalogue_by_price on events.catalogue (tenant, min_price, id) where ever_online;
create index catalogue_by_update on events.catalogue (tenant, updated_at, id) where ever_online;
create index catalogue_by_provider on events.catalogue (tenant, provider, status);
create index catalogue_by_word on events.catalogue using gin (words) where ever_online;

create table events.provider_runs (
    tenant       text   not null,
    id           uuid   not null,
    provider     text   not null,
    status       text   not null,
    position     bigint not null,
    requested_at timestamptz,
    finished_at  timestamptz,
    reason       text,
    report       json,
    primary key (tenant, id)
);
create index provider_runs_by_provider on events.provider_runs (tenant, provider, position desc);
create index provider_runs_requested on events.provider_runs (tenant, provider, position)
    where status = 'requested';

-- Not derived from the log: how the last look at each feed went, and when the next is due.
create table events.feeds (
    tenant      text        not null,
    provider    text        not null,
    outcome     json,
    checked_at  timestamptz,
    due_at      timestamptz not null default clock_timestamp(),
    run_id      uuid,
    claimed_until timestamptz,
    primary key (tenant, provider)
);
