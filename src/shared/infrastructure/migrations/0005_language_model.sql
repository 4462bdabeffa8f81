-- What language models were used for, and what that cost: a row for each day (UTC) on which a tenant
-- called a model for a purpose. `cost` is in US dollars and leaves out the calls whose price is not
-- known; a call that was answered with a kept reply counts and costs nothing.
create schema language_model;

create table language_model.usage (
    tenant          text    not null,
    day             date    not null,
    purpose         text    not null,
    model           text    not null,
    calls           bigint  not null,
    cached_calls    bigint  not null,
    failed_calls    bigint  not null,
    estimated_calls bigint  not null,
    unpriced_calls  bigint  not null,
    input_tokens    bigint  not null,
    output_tokens   bigint  not null,
    cost            numeric not null,
    primary key (tenant, day, purpose, model)
);
