/** One round: `merge into` from a ready table, and an ingest of the same records in the mode upsert, into equal tables. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type Sql } from "../../src/database/connect.ts";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import { runIngest } from "../../src/engine/run/run-ingest.ts";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { withFreshDatabase } from "./bench-databases.ts";
import { watchServer, yardstickName } from "./watch-server.ts";
import type { Bench } from "./with-bench.ts";

export interface UpsertRound {
    merge: { seconds: number; cpuSeconds: number };
    sluice: { seconds: number; mergeCpuSeconds: number; copyCpuSeconds: number };
    ratio: number;
}

const columns = "id, version, name, amount, changed_at, note";

export async function measureUpsert(bench: Bench, records: number, round: number): Promise<UpsertRound> {
    const both: { merge?: UpsertRound["merge"]; sluice?: UpsertRound["sluice"]; tables: string[] } = { tables: [] };
    for (const turn of round % 2 === 0 ? (["merge", "sluice"] as const) : (["sluice", "merge"] as const)) {
        await withFreshDatabase(bench.server, bench.admin, async (target) => {
            const sql = connect(target, { applicationName: yardstickName, max: 1 });
            try {
                await makeTable(sql, records);
                if (turn === "merge") both.merge = await runMerge(bench, target, sql);
                else both.sluice = await runUpsert(bench, target, sql, records);
                both.tables.push(await digest(sql));
            } finally {
                await sql.end();
            }
        });
    }
    if (both.tables[0] !== both.tables[1]) throw new Error(`The tables differ: ${both.tables.join(" and ")}`);
    const { merge, sluice } = both as Required<typeof both>;
    return { merge, sluice, ratio: sluice.mergeCpuSeconds / merge.cpuSeconds };
}

/** Has every second number. The records have all numbers of the first half, in another order. */
async function makeTable(sql: Sql, records: number): Promise<void> {
    await sql.unsafe(`
        create table items (
            id bigint primary key, version integer not null, name text not null, amount numeric(12, 2), changed_at timestamptz, note text
        );
        insert into items
        select 2 * no, 1, 'item ' || no, ((no % 10000) / 100.0)::numeric(12, 2), timestamptz '2026-01-01 00:00Z' + no * interval '1 second', 'the note of ' || no
        from generate_series(1, ${records}) as numbers (no);
        create index on items (changed_at);
        create unlogged table ready as
        select
            no as id,
            case when no % 4 = 0 then 2 else 1 end as version,
            'item ' || no / 2 as name,
            (((no / 2) % 10000) / 100.0)::numeric(12, 2) as amount,
            timestamptz '2026-01-01 00:00Z' + (no / 2 + case when no % 4 = 0 then 86400 else 0 end) * interval '1 second' as changed_at,
            'the note of ' || no / 2 as note
        from generate_series(1, ${records}) as numbers (no)
        order by hashint4(no)`);
    await sql`vacuum analyze items`;
    await sql`analyze ready`;
}

async function runMerge({ admin }: Bench, target: DatabaseTarget, sql: Sql): Promise<UpsertRound["merge"]> {
    await sql`set work_mem = '512MB'`;
    await sql`checkpoint`;
    const watch = await watchServer(admin, target.database);
    const startedAt = performance.now();
    await sql.unsafe(`
        merge into items using ready on items.id = ready.id
        when matched and ready.version > items.version then update
        set version = ready.version, name = ready.name, amount = ready.amount, changed_at = ready.changed_at, note = ready.note
        when not matched then insert (${columns}) values (${columns.replaceAll(/\w+/g, "ready.$&")})`);
    const seconds = (performance.now() - startedAt) / 1000;
    const { cpu } = await watch.stop();
    return { seconds, cpuSeconds: cpu?.yardstick ?? Number.NaN };
}

async function runUpsert(
    { admin, workDir }: Bench,
    target: DatabaseTarget,
    sql: Sql,
    records: number,
): Promise<UpsertRound["sluice"]> {
    const inputDir = join(mkdtempSync(join(workDir, "upsert-")), "input");
    mkdirSync(inputDir);
    const source = { match: "*.csv", newColumns: "reject-file" as const };
    const stream = await applyStream(target, {
        ...{
            name: "items",
            table: "public.items",
            files: "*.csv",
            source,
            key: null,
            allowsTriggers: false,
            isFile: true,
        },
        mode: { name: "upsert", version: "version", deleteWhen: null, keepsHistory: false },
    });
    await writeRecords(sql, join(inputDir, "items.csv"), records);
    await sql`checkpoint`;
    const watch = await watchServer(admin, target.database);
    const startedAt = performance.now();
    const log = { info() {}, warn() {}, error() {} };
    await runIngest({
        ...{ target, streams: [stream], sourcesOf: () => [source], log },
        config: {
            ...{ inputDir, trigger: { kind: "available-now" }, tailSettleMs: 0, maxChunkBytes: 16 * 1024 * 1024 },
            ...{ maxRecordBytes: 1024 * 1024, mergeWorkers: 1, maxBatchRecords: 500_000, maxRejects: null },
            ...{ afterMerge: "keep", archiveDir: `${inputDir}-archive` },
        },
    });
    const seconds = (performance.now() - startedAt) / 1000;
    const { cpu } = await watch.stop();
    rmSync(inputDir, { recursive: true });
    return { seconds, mergeCpuSeconds: cpu?.merge ?? Number.NaN, copyCpuSeconds: cpu?.copy ?? Number.NaN };
}

async function writeRecords(sql: Sql, path: string, records: number): Promise<void> {
    const lines = await sql<{ line: string }[]>`
        select concat_ws(',', id, version, name, amount, to_char(changed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), note) as line
        from ready`;
    if (lines.length !== records) throw new Error(`${lines.length} records, not ${records}`);
    writeFileSync(path, `${columns.replaceAll(" ", "")}\n${lines.map(({ line }) => line).join("\n")}\n`);
}

async function digest(sql: Sql): Promise<string> {
    const [row] = await sql<{ digest: string }[]>`
        select concat_ws(' ', count(*), sum(hashtextextended(items::text, 0))) as digest from items`;
    return row!.digest;
}
