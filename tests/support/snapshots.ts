/** A table whose files are snapshots of it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sql } from "../../src/database/connect.ts";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import type { IngestSummary } from "../../src/engine/run/progress.ts";
import { applyStream, type TableStream } from "../../src/streams/apply-stream.ts";
import { streamOfTable } from "../../src/streams/load-streams.ts";
import type { Mode } from "../../src/streams/mode.ts";
import { type IngestOverrides, ingestFolder } from "./ingest-folder.ts";

export type SnapshotMode = Extract<Mode, { name: "snapshot" }>;

/** As a declaration has it that says nothing more than `mode: "snapshot"`. */
export const snapshotMode: SnapshotMode = {
    name: "snapshot",
    by: [],
    maxRejects: { kind: "count", most: 0 },
    maxRemoved: { kind: "ratio", most: 0.2 },
};

export const anyRemoval = { maxRemoved: { kind: "ratio", most: 1 } } as const;

export const snapshotOf = (table: string, mode: Partial<SnapshotMode> = {}): TableStream => ({
    ...streamOfTable(table),
    mode: { ...snapshotMode, ...mode },
});

/** Products by number, with a day, a name and a price that must not be negative. */
export async function makeProducts(sql: Sql): Promise<void> {
    await sql.unsafe(`
        create schema if not exists shop;
        create table shop.products (
            id bigint primary key,
            day date not null default '2026-01-01',
            name text not null,
            price numeric(10,2) constraint price_positive check (price >= 0)
        )`);
}

/** Lines `id,name,price`. */
export function writeProducts(folder: string, name: string, records: readonly string[]): void {
    writeFileSync(join(folder, name), ["id,name,price", ...records, ""].join("\n"));
}

/** Lines `id,day,name,price`. */
export function writeDays(folder: string, name: string, records: readonly string[]): void {
    writeFileSync(join(folder, name), ["id,day,name,price", ...records, ""].join("\n"));
}

export async function ingestProducts(
    target: DatabaseTarget,
    folder: string,
    mode: Partial<SnapshotMode> = {},
    overrides: IngestOverrides = {},
): Promise<IngestSummary> {
    return await ingestFolder(target, folder, overrides, await applyStream(target, snapshotOf("shop.products", mode)));
}

/** `id name price` of each row, in the order of their keys. */
export async function readProducts(sql: Sql): Promise<string[]> {
    const rows = await sql<{ line: string }[]>`
        select concat_ws(' ', id, name, price) as line from shop.products order by id`;
    return rows.map(({ line }) => line);
}

/** `path state problem` of each version, in the order of paths. */
export async function readFiles(sql: Sql): Promise<string[]> {
    const rows = await sql<{ line: string }[]>`
        select concat_ws(' ', path || case when version > 1 then '#' || version else '' end, state, problem) as line
        from ingest.files
        order by path collate "C", version`;
    return rows.map(({ line }) => line);
}

/** The outcomes of each merge, in their order: only those that are not 0. */
export async function readOutcomes(sql: Sql): Promise<Record<string, number>[]> {
    const rows = await sql<Record<string, number | null>[]>`
        select read, inserted, updated, duplicate, conflict, rejected, removed, rows_after as "rowsAfter"
        from ingest.batches
        order by batch_id`;
    return rows.map(
        (row) => Object.fromEntries(Object.entries(row).filter(([, count]) => count)) as Record<string, number>,
    );
}
