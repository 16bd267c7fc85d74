-- Whether Postgres reads a text as a value of a type. pg_input_is_valid came with PostgreSQL 16. On 15 the same verdict is
-- reached by trying the cast: slower, never different. The rules call these names on every version.

-- Null when the text can be read, else the name of the CHECK of a domain that it breaks, else 'invalid'. For types whose
-- input raises, and to ask why: it takes some 20 microseconds. A cast cuts what is too long: that is asked before.
create or replace function ingest.input_fault(value text, type_name text)
returns text
language plpgsql
stable
as $$
declare
    broken text;
begin
    execute format('select $1::%s', type_name) using value;
    return null;
exception
    when query_canceled or admin_shutdown or crash_shutdown or out_of_memory or undefined_object then
        raise;
    when others then
        get stacked diagnostics broken = constraint_name;
        return coalesce(nullif(broken, ''), 'invalid');
end
$$;

do $$
begin
    if current_setting('server_version_num')::integer >= 160000 then
        create or replace function ingest.input_is_valid(value text, type_name text)
        returns boolean
        language sql
        stable
        parallel safe
        return pg_input_is_valid(value, type_name);

        -- No object of the document has a key twice, at any depth. As text: 15 could not even parse it.
        execute $native$
            create or replace function ingest.has_unique_keys(value text)
            returns boolean
            language sql
            immutable
            parallel safe
            return value is json with unique keys
        $native$;
    else
        create or replace function ingest.try_input(value text, type_name text)
        returns boolean
        language plpgsql
        stable
        as $shim$
        begin
            if value is null then
                return null;
            end if;
            case type_name
                when 'uuid' then perform value::uuid;
                when 'timestamp' then perform value::timestamp;
                when 'timestamptz' then perform value::timestamptz;
                when 'date' then perform value::date;
                when 'smallint' then perform value::smallint;
                when 'integer' then perform value::integer;
                when 'bigint' then perform value::bigint;
                when 'numeric' then perform value::numeric;
                when 'real' then perform value::real;
                when 'double precision' then perform value::double precision;
                when 'time' then perform value::time;
                when 'json' then perform value::json;
                when 'jsonb' then perform value::jsonb;
                when 'text[]' then perform value::text[];
                else return ingest.input_fault(value, type_name) is null;
            end case;
            return true;
        exception
            when data_exception or program_limit_exceeded then
                return false;
        end
        $shim$;

        -- Short numbers need no trial: it would cost four microseconds.
        create or replace function ingest.input_is_valid(value text, type_name text)
        returns boolean
        language sql
        stable
        return case
            when
                case type_name
                    when 'smallint' then octet_length(value) <= 4
                    when 'integer' then octet_length(value) <= 9
                    when 'bigint' then octet_length(value) <= 18
                    when 'numeric' then octet_length(value) <= 18
                    when 'real' then octet_length(value) <= 18
                    when 'double precision' then octet_length(value) <= 18
                end
                and value <> ''
                and translate(value, '0123456789', '') = ''
            then true
            else ingest.try_input(value, type_name)
        end;

        create or replace function ingest.has_unique_keys(value text)
        returns boolean
        language sql
        immutable
        as $shim$
            with recursive nested_documents as (
                select value::json as document
                union all
                select members.document
                from nested_documents
                cross join lateral (
                    select object_members.value as document
                    from json_each(
                        case when json_typeof(nested_documents.document) = 'object' then nested_documents.document end
                    ) as object_members
                    union all
                    select array_members.value
                    from json_array_elements(
                        case when json_typeof(nested_documents.document) = 'array' then nested_documents.document end
                    ) as array_members
                ) as members
                where json_typeof(members.document) in ('object', 'array')
            )
            select not exists (
                select from nested_documents
                where (
                    select count(*) <> count(distinct object_members.key)
                    from json_each(
                        case when json_typeof(nested_documents.document) = 'object' then nested_documents.document end
                    ) as object_members
                )
            )
        $shim$;
    end if;
end
$$;
