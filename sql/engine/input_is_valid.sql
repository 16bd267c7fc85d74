-- pg_input_is_valid came with PostgreSQL 16. On 15 the same verdict is reached by trying the cast: slower, never
-- different. The rules call this one name on every version.
do $$
begin
    if current_setting('server_version_num')::integer >= 160000 then
        create or replace function ingest.input_is_valid(value text, type_name text)
        returns boolean
        language sql
        stable
        parallel safe
        return pg_input_is_valid(value, type_name);
    else
        create or replace function ingest.input_is_valid(value text, type_name text)
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
            end case;
            return true;
        exception
            when data_exception then
                return false;
        end
        $shim$;
    end if;
end
$$;
