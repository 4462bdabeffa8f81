-- Keys of data subjects: all that anybody wrote is sealed under his, and forgotten with it. `key` is
-- wrapped in the key encryption key `kek`, which is never in the database. Of somebody who was erased
-- the row stays, without name and key: his id never comes back.
create schema personal;

create table personal.subjects (
    tenant     text        not null,
    id         uuid        not null,
    name       text,
    key        bytea,
    kek        text        not null,
    created_at timestamptz not null default clock_timestamp(),
    erased_at  timestamptz,
    primary key (tenant, id),
    check ((erased_at is null) = (key is not null)),
    check (erased_at is null or name is null)
)
-- Whatever is updated here leaves a key behind in a dead row: it is cleared away within minutes.
with (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);

create unique index subjects_by_name on personal.subjects (tenant, name) where name is not null;
create index subjects_by_kek on personal.subjects (kek) where key is not null;
