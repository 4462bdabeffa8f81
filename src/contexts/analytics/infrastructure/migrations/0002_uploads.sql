-- Files as they were uploaded, until their tables no longer need them.
create schema if not exists analytics;

create table analytics.upload_chunks (
    tenant    text    not null,
    upload_id text    not null,
    number    integer not null,
    is_last   boolean not null,
    data      bytea   not null,
    primary key (tenant, upload_id, number)
);
-- What is in it was compressed before.
alter table analytics.upload_chunks alter column data set storage external;
