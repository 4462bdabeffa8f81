-- What was answered to commands that carried an Idempotency-Key. A row is written in the transaction
-- of the events that the command led to: both are there, or neither.
create table event_store.idempotency_keys (
    tenant      text        not null,
    principal   text        not null,
    key         text        not null,
    fingerprint bytea       not null,
    route       text,
    status      smallint    not null,
    headers     json        not null,
    body        bytea       not null,
    position    bigint,
    created_at  timestamptz not null default clock_timestamp(),
    expires_at  timestamptz not null,
    primary key (tenant, principal, key)
);
create index idempotency_keys_by_expiry on event_store.idempotency_keys (expires_at);

-- What is kept under a key, or else the right to work on it: a lock of this session, which goes with
-- it when its process is killed. Nothing kept and no right: somebody else is at work.
create function event_store.claim_key(
    p_tenant text, p_principal text, p_key text, p_lock bigint,
    out claimed boolean, out kept event_store.idempotency_keys
) language plpgsql as $$
begin
    claimed := false;
    for look in 1..2 loop
        select * into kept from event_store.idempotency_keys k
        where k.tenant = p_tenant and k.principal = p_principal and k.key = p_key
          and k.expires_at > clock_timestamp();
        if found then
            if claimed then
                perform pg_advisory_unlock(p_lock);
                claimed := false;
            end if;
            return;
        end if;
        -- Whoever held the lock until now may have kept an answer after our first look.
        if not claimed then
            claimed := pg_try_advisory_lock(p_lock);
            if not claimed then
                return;
            end if;
        end if;
    end loop;
end
$$;
