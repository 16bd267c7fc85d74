/** The tables of streams that Sluice did not make: nothing of theirs is ever deleted. */
import type { Sql } from "../database/connect.ts";
import { type KnownStream, readStreams } from "./streams/read-streams.ts";

export interface KeptTable {
    stream: string;
    table: string;
    rows: number;
    /** Of its stream. */
    mode: string;
    /** Not counted but estimated, because it is large. */
    isEstimate: boolean;
}

/** To count so many takes a second or two. */
const mostCounted = 5_000_000;

/** Of this stream, or of all; without those whose table is gone. */
export async function keptTables(sql: Sql, stream: KnownStream | null): Promise<KeptTable[]> {
    const streams = stream === null ? await readStreams(sql) : [stream];
    const kept: KeptTable[] = [];
    for (const { name, table, mode } of streams.filter(({ home }) => home !== "ingest")) {
        const [known] = await sql<{ estimate: number }[]>`
            select reltuples::float8 as estimate from pg_class where oid = to_regclass(${table})`;
        if (known === undefined) continue;
        const isEstimate = known.estimate > mostCounted;
        const [counted] = isEstimate
            ? []
            : await sql.unsafe<{ rows: number }[]>(`select count(*)::float8 as rows from ${table}`);
        kept.push({ stream: name, table, mode, rows: counted?.rows ?? known.estimate, isEstimate });
    }
    return kept;
}
