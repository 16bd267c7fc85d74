-- What is wrong with the elements of an array. The rule of an element is SQL over `element.value` (src/streams/types).

-- The first reason that an element gives; null when all pass. Unless the type keeps them, blanks around it do not count.
create or replace function ingest.element_fault(items text[], keeps_blanks boolean, rule text)
returns text
language plpgsql
stable
as $$
declare
    fault text;
begin
    execute format(
        $query$
            select faults.fault
            from (
                select %s as fault
                from (
                    select case when $2 then item.value else btrim(item.value, E' \t\n\r\f\x0b') end as value
                    from unnest($1) as item (value)
                    where item.value is not null
                    offset 0
                ) as element
            ) as faults
            where faults.fault is not null
            limit 1
        $query$,
        rule
    )
    into fault
    using items, keeps_blanks;
    return fault;
end
$$;

create or replace function ingest.array_fault(value text, type_name text, keeps_blanks boolean, rule text)
returns text
language plpgsql
stable
as $$
declare
    items text[];
begin
    -- PostgreSQL 15 reads [0:0-]={1} as [0:0]={1}.
    if value like '[%' and value !~ '^(\[\s*[+-]?[0-9]+\s*(:\s*[+-]?[0-9]+\s*)?\]\s*)+=' then
        return 'invalid';
    end if;
    begin
        items := value::text[];
    exception
        when data_exception or program_limit_exceeded then
            return 'invalid';
    end;
    -- Postgres makes {} of {{}} too. Null: not read as JSON.
    if items is null or cardinality(items) = 0 and translate(value, E' \t\n\r\f\x0b', '') <> '{}' then
        return 'invalid';
    end if;
    return coalesce(ingest.element_fault(items, keeps_blanks, rule), ingest.input_fault(value, type_name));
end
$$;

-- `["a","b"]` → `{"a","b"}`. Null for what is no JSON array of that kind of elements, nulls and arrays of them. The form with
-- bounds, [0:1]={a,b}, stays.
create or replace function ingest.array_of_json(value text, kind text)
returns text
language plpgsql
immutable
as $$
begin
    if value ~ '^(\[[+-]?[0-9]+(:[+-]?[0-9]+)?\])+\s*=' then
        return value;
    end if;
    return ingest.array_literal(value::json, kind);
exception
    when data_exception or statement_too_complex then
        return null;
end
$$;

create or replace function ingest.array_literal(document json, kind text)
returns text
language plpgsql
immutable
as $$
declare
    element json;
    part text;
    parts text[] := '{}';
begin
    for element in select elements.value from json_array_elements(document) as elements loop
        part := case json_typeof(element)
            when 'null' then 'NULL'
            when 'array' then ingest.array_literal(element, kind)
            when kind then '"' || replace(replace(element #>> '{}', '\', '\\'), '"', '\"') || '"'
        end;
        if part is null then
            return null;
        end if;
        parts := parts || part;
    end loop;
    return '{' || array_to_string(parts, ',') || '}';
end
$$;
