/**
 * Values that COPY has made typed (src/engine/stage/stage-records.ts): a staged record has its texts, or its typed values alone. Where
 * its texts are needed after all, as a reject keeps them, the file is staged again.
 */
import { sql } from "./sql-text.ts";
import type { ColumnSql, StreamSql } from "./stream-sql.ts";

/** The typed value of a staged record, from whichever it has. */
export function typedValue({ cast, ident, typed }: ColumnSql, record: string): string {
    const ofText = cast(`${record}.${ident}`);
    return typed === null ? ofText : `coalesce(${record}.${typed}, ${ofText})`;
}

/** The same, of a scan that knows whether all of them have typed values. */
export function scannedValue(column: ColumnSql, record: string): string {
    const { typed, steady } = column;
    const value = typedValue(column, record);
    if (typed === null) return value;
    const ofTyped = steady === null ? `${record}.${typed}` : `coalesce(${record}.${typed}, ${steady})`;
    return `case when scan.is_typed then ${ofTyped} else ${value} end`;
}

/** Whether a staged record has typed values; null where none has. A key is never null. */
export function isTyped(stream: StreamSql, record: string): string | null {
    const typed = stream.keys[0]?.typed ?? null;
    return typed === null ? null : `${record}.${typed} is not null`;
}

/** None where every staged record has its text. */
export function requireText(stream: StreamSql): string[] {
    const isOfTyped = isTyped(stream, "staged");
    if (isOfTyped === null) return [];
    const text = sql`
-- Raises SL011 where the batch has a record without its text. Called before a trial: what that finds is rejected, and needs its text.
create or replace function ingest.require_text()
returns void
language plpgsql
set plan_cache_mode = 'force_custom_plan'
as $$
declare
    scan constant ingest.merge_scan := ingest.plan_scan();
begin
    if exists (
        select from ingest.staged_values(scan, null) as staged
        where ${isOfTyped}
    ) then
        perform ingest.text_needed();
    end if;
end
$$;
`;
    return [text];
}
