/**
 * All that a stream needs in the database whose table Sluice found: its staging and functions, in a schema of their own. The
 * templates write the schema of the built-in stream; what they define is moved.
 */

import { showText } from "./hidden-text.ts";
import { renderFoundTrace } from "./render-found-trace.ts";
import { renderMerge } from "./render-merge.ts";
import { renderPrune } from "./render-prune.ts";
import { renderRefuse } from "./render-refuse.ts";
import { renderReplay } from "./render-replay.ts";
import { renderStaging } from "./render-staging.ts";
import { renderTry } from "./render-try.ts";
import { literal, sql } from "./sql-text.ts";
import type { StreamSql } from "./stream-sql.ts";

/** In one transaction with what makes the schema. Applied over itself it changes nothing. */
export function renderTable(stream: StreamSql, home: string): string {
    const text = [
        facts(stream),
        renderStaging(stream),
        renderMerge(stream),
        renderRefuse(stream),
        renderReplay(stream),
        renderTry(),
        renderPrune(stream),
        renderFoundTrace(stream),
        answers(stream),
    ].join("\n");
    return showText(rehome(text, home));
}

/** Gives what the text defines in `ingest` another schema. */
export function rehome(text: string, home: string): string {
    const defined = [...text.matchAll(/\bcreate (?:or replace function|type|table) ingest\.(\w+)/g)].map(
        ([, name]) => name!,
    );
    const names = new RegExp(`\\bingest\\.(?=(?:${[...new Set(defined), "staging_"].join("|")})(?:\\b|%))`, "g");
    return text.replace(names, `${home}.`);
}

const facts = (stream: StreamSql) => sql`
drop type if exists ${stream.facts} cascade;
-- Whether the conditions over a whole row are asked: one that raises is left to the table, record by record.
create type ${stream.facts} as (asks_conditions boolean);

create or replace function ${stream.facts}()
returns ${stream.facts}
language sql
stable
return row(coalesce(current_setting('sluice.conditions', true), '') <> 'off')::${stream.facts};
`;

const answers = (stream: StreamSql) => sql`
-- Its table is not Sluice's: nothing here empties it.
create or replace function ingest.stream_tables()
returns table (table_name text, holds text)
language sql
immutable
return (${literal(stream.table)}::text, 'theirs'::text);

create or replace function ingest.count_rows()
returns bigint
language sql
stable
as $$
select count(*) from ${stream.table}
$$;

create or replace function ingest.update_rollups()
returns void
language sql
as $$
select
$$;
`;
