-- What each caller used in a day (UTC), and the tokens that calls under way may yet use.
create schema if not exists conversations;

create table conversations.budgets (
    tenant   text    not null,
    subject  uuid    not null,
    day      date    not null,
    messages integer not null default 0,
    tokens   bigint  not null default 0,
    primary key (tenant, subject, day)
);
create index budgets_by_day on conversations.budgets (day);

-- One for each run: whoever takes a run over sets aside anew in place of what was set aside before.
-- Those of yesterday keep nobody from anything.
create table conversations.reservations (
    tenant  text   not null,
    subject uuid   not null,
    run     text   not null,
    day     date   not null,
    tokens  bigint not null,
    primary key (tenant, subject, run)
);
create index reservations_by_day on conversations.reservations (day);
