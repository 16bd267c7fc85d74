/**
 * Tables of public projects' shapes, adopted by `--table` alone: what their files bring gets in, and whatever the table
 * can refuse is a reject by name, with its neighbours in.
 */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sql } from "../../src/database/connect.ts";
import { useFolder } from "../support/fixture.ts";
import { ingestOnce } from "../support/ingest-process.ts";
import { readCounts } from "../support/read-tables.ts";
import { runScript } from "../support/run-script.ts";
import { sample } from "../support/sample.ts";
import { ordered, readRows } from "./read-rows.ts";
import { deliverAgain, type ExpectedReject, readTableCases, type TableCase } from "./read-table-case.ts";
import { useTable } from "./use-table.ts";

const cases = readTableCases(import.meta.dir).map((tableCase) => [tableCase.name, tableCase] as const);
const inputDir = useFolder();
const createTable = useTable(import.meta.path);

describe.each(sample(cases, 5))("%s", (_name, tableCase: TableCase) => {
    test(tableCase.about, async () => {
        const { url, sql } = await createTable(tableCase);
        await deliver(url, tableCase, "delivery.csv", tableCase.delivery);
        expect(await readRejects(sql, "delivery.csv", tableCase)).toEqual(comparable(tableCase));
        expect(await readRows(sql, tableCase)).toEqual(ordered(tableCase.rows));
        expect(await readCounts(sql)).toEqual(tableCase.counts);

        await deliver(url, tableCase, "again.csv", deliverAgain(tableCase));
        const { read, inserted, duplicate, conflict, rejected } = tableCase.counts;
        expect(await readRejects(sql, "again.csv", tableCase)).toEqual(comparable(tableCase));
        expect(await readRows(sql, tableCase)).toEqual(ordered(tableCase.rows));
        expect(await readCounts(sql)).toEqual({
            read: 2 * read + 1,
            inserted,
            duplicate: inserted + 2 * duplicate + 1,
            conflict: 2 * conflict,
            rejected: 2 * rejected,
        });

        for (const [query, value] of Object.entries(tableCase.also ?? {})) {
            const [answer] = await sql.unsafe(query).values();
            expect({ [query]: String(answer![0]) }).toEqual({ [query]: value });
        }
        expect(await findUnbalancedChunks(sql)).toEqual([]);
        const check = await runScript("check", [], { environment: { DATABASE_URL: url } });
        expect({ ...check, stdout: check.exitCode === 0 ? "" : check.stdout }).toEqual({
            exitCode: 0,
            stdout: "",
            stderr: expect.any(String),
        });
    });
});

/** 5: more than half of a file's records did not get in. */
async function deliver(url: string, { table }: TableCase, name: string, text: string): Promise<void> {
    writeFileSync(join(inputDir, name), text);
    const { exitCode, stderr } = await ingestOnce(url, inputDir, ["--table", table]);
    expect({ exitCode, stderr }).toEqual({ exitCode: exitCode === 5 ? 5 : 0, stderr: expect.any(String) });
}

/** With what the table said of it where that is expected. */
async function readRejects(sql: Sql, path: string, { rejects: expected }: TableCase): Promise<ExpectedReject[]> {
    const rejects = await sql<(ExpectedReject & { refusal: Record<string, string> | null })[]>`
        select rejects.record_no as record, rejects.kind, rejects.reasons, rejects.refusal
        from ingest.rejects
        inner join ingest.chunks on chunks.chunk_id = rejects.chunk_id
        inner join ingest.files on files.file_id = chunks.file_id
        where files.path = ${path}
        order by rejects.record_no`;
    return rejects.map(({ refusal, ...reject }) => {
        const said = expected.find(({ record }) => record === reject.record)?.refusal;
        if (said === undefined) return reject;
        const names = Object.keys(said) as (keyof typeof said)[];
        return { ...reject, refusal: Object.fromEntries(names.map((name) => [name, refusal?.[name]])) };
    });
}

function comparable({ rejects }: TableCase): ExpectedReject[] {
    return rejects.toSorted((a, b) => a.record - b.record);
}

/** Promise 1, chunk by chunk. */
async function findUnbalancedChunks(sql: Sql): Promise<unknown[]> {
    const chunks = await sql`
        select
            chunks.chunk_id, chunks.state, chunks.records,
            sum(merges.read) as read,
            sum(merges.inserted + merges.duplicate + merges.conflict + merges.rejected) as accounted
        from ingest.chunks
        left join ingest.chunk_merges as merges on merges.chunk_id = chunks.chunk_id
        group by chunks.chunk_id
        having
            chunks.state <> 'merged'
            or chunks.records is distinct from sum(merges.read)
            or chunks.records is distinct from
            sum(merges.inserted + merges.duplicate + merges.conflict + merges.rejected)`;
    return [...chunks];
}
