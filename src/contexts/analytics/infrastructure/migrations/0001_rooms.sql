-- The rooms that generated SQL runs in: for each tenant a schema with its datasets, and a login that
-- can read that schema and nothing else. Names tell nobody whose they are.
create schema if not exists analytics;

create table analytics.rooms (
    tenant      text        primary key,
    schema_name text        not null unique,
    role_name   text        not null unique,
    -- Goes into the password, so that it can't be told from the role's name alone.
    secret      uuid        not null default gen_random_uuid(),
    made_at     timestamptz not null default clock_timestamp()
);

-- What a login may not do beyond what everybody may: these rights are taken from PUBLIC in this
-- database and given to whoever runs the program. The gate refuses all of it already; this holds
-- where the gate does not. Functions can be closed by a superuser only, the rest by the owner of
-- the database; who is neither leaves it open. May be called again at any time.
create function analytics.close_doors() returns void language plpgsql as $$
declare
    is_superuser boolean := (select rolsuper from pg_roles where rolname = current_user);
    is_owner boolean := (select pg_has_role(datdba, 'usage') from pg_database
                         where datname = current_database());
    door record;
begin
    -- Rights on one thing can't be changed by two at once.
    perform pg_advisory_xact_lock(77001, 4);
    if is_owner and has_database_privilege('public', current_database(), 'temporary') then
        execute format('grant temporary on database %I to %I', current_database(), current_user);
        execute format('revoke temporary on database %I from public', current_database());
    end if;
    -- Where extensions put their functions; some of them talk to other servers.
    if is_owner and has_schema_privilege('public', 'public', 'usage') then
        execute format('grant all on schema public to %I', current_user);
        revoke all on schema public from public;
    end if;
    if not is_superuser then
        return;
    end if;
    for door in
        select oid::regprocedure as name from pg_proc
        where pronamespace = 'pg_catalog'::regnamespace
          and has_function_privilege('public', oid, 'execute')
          and (
              -- Our appenders wait for a lock that anybody could take.
              proname ~ '^pg_(try_)?advisory_'
              -- Large objects belong to whoever makes them, also in a read-only transaction.
              or proname ~ '^lo_' or proname in ('loread', 'lowrite')
              -- Settings are the other half of the wall; ending sessions, holding them, writing WAL.
              or proname in ('set_config', 'pg_cancel_backend', 'pg_terminate_backend',
                             'pg_sleep', 'pg_sleep_for', 'pg_sleep_until',
                             'pg_logical_emit_message', 'pg_export_snapshot')
              -- They run any statement that is handed to them as a text.
              or proname ~ '^(query|table|cursor|schema|database)_to_xml' or proname = 'ts_stat'
              or (proname = 'ts_rewrite' and pronargs = 2)
          )
    loop
        execute format('grant execute on function %s to %I', door.name, current_user);
        execute format('revoke execute on function %s from public', door.name);
    end loop;
    if has_language_privilege('public', 'plpgsql', 'usage') then
        execute format('grant usage on language plpgsql to %I', current_user);
        revoke usage on language plpgsql from public;
    end if;
end
$$;

-- Make the room of a tenant, or put it right: after a restore into another cluster the schema is
-- there and the login is not. Who may not make logins gets MQ403 with what an administrator has to
-- run. `p_verifier` is the SCRAM verifier of the login's password.
create function analytics.make_room(
    p_tenant text, p_verifier text,
    out schema_name text, out role_name text
) language plpgsql as $$
#variable_conflict use_column
declare
    room analytics.rooms;
    setting record;
begin
    perform pg_advisory_xact_lock(77001, 4);
    insert into analytics.rooms (tenant, schema_name, role_name)
    select p_tenant, 'room_' || name, 'marquee_room_' || name
    from substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) as name
    on conflict (tenant) do nothing;
    select * into strict room from analytics.rooms r where r.tenant = p_tenant;
    schema_name := room.schema_name;
    role_name := room.role_name;
    execute format('create schema if not exists %I', schema_name);
    if not exists (select from pg_roles where rolname = role_name) then
        execute format('create role %I', role_name);
    end if;
    -- Its other rights are those of a new role: none. To say so again takes more than CREATEROLE.
    if exists (
        select from pg_roles r where r.rolname = role_name
        and (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls
             or exists (select from pg_auth_members where member = r.oid))
    ) then
        raise exception using errcode = 'MQ403', message = format(
            'the login %I may do more than read; let an administrator run: DROP OWNED BY %1$I; '
            'DROP ROLE %1$I', role_name);
    end if;
    execute format(
        'alter role %I login noinherit connection limit 40 password %L', role_name, p_verifier);
    for setting in
        select s.name, s.value from (values
            ('search_path', schema_name),
            ('default_transaction_read_only', 'on'),
            ('statement_timeout', '30s'),
            ('lock_timeout', '2s'),
            ('idle_in_transaction_session_timeout', '60s'),
            ('client_connection_check_interval', '2s'),
            ('work_mem', '16MB'),
            ('hash_mem_multiplier', '2'),
            ('temp_buffers', '800kB'),
            ('max_parallel_workers_per_gather', '1'),
            ('jit', 'off'),
            ('timezone', 'UTC'),
            ('datestyle', 'ISO, YMD'),
            -- Only a superuser may set these, and then the role can't change them.
            ('temp_file_limit', '1GB'),
            ('log_statement', 'none')
        ) as s(name, value)
    loop
        begin
            execute format('alter role %I set %s = %L', role_name, setting.name, setting.value);
        exception when insufficient_privilege then
            if setting.name not in ('temp_file_limit', 'log_statement') then
                raise;
            end if;
        end;
    end loop;
    execute format('grant connect on database %I to %I', current_database(), role_name);
    execute format('grant usage on schema %I to %I', schema_name, role_name);
    execute format('grant select on all tables in schema %I to %I', schema_name, role_name);
    execute format(
        'alter default privileges in schema %I grant select on tables to %I', schema_name, role_name);
exception when insufficient_privilege then
    raise exception using
        errcode = 'MQ403',
        message = format(
            'the database user %I may not make the login that questions run as (%s); let an '
            'administrator run: %s', current_user, sqlerrm,
            case when exists (select from pg_roles where rolname = role_name)
                then format('GRANT %I TO %I WITH ADMIN OPTION', role_name, current_user)
                else format('ALTER ROLE %I CREATEROLE', current_user) end);
end
$$;

-- The first tenant has a room from the beginning, where that is allowed; its password is set when
-- it is first used.
select analytics.close_doors();
do $$
begin
    perform analytics.make_room('default', null);
exception when sqlstate 'MQ403' then
    raise warning '%', sqlerrm;
end
$$;
