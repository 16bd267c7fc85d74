import { beforeAll, describe, expect, test } from "bun:test";
import type { Sql } from "../../src/database/connect.ts";
import { failedFiles } from "../../src/engine/discover/forget-gone.ts";
import { chunksToStageAgain } from "../../src/engine/ledger/chunks.ts";
import { filesWithContent } from "../../src/engine/ledger/copies.ts";
import { nextFiles, registerFiles, waitingFiles } from "../../src/engine/ledger/files.ts";
import { sweepStaging } from "../../src/engine/ledger/loads.ts";
import {
    countFilesSince,
    countWaitingFiles,
    hasWork,
    readBacklog,
    readClock,
} from "../../src/engine/ledger/read-backlog.ts";
import { validateHeldFiles } from "../../src/engine/load/apply-reject-budget.ts";
import { readStatus } from "../../src/operations/status/read-status.ts";
import { useDatabase } from "../support/fixture.ts";
import { event, stageFile, takeLease, worker } from "./ledger.ts";

const historyFiles = 20_000;
/** The most rows that a statement may read of a ledger in which nothing, or one small file, is open. */
const mostRows = 2_000;

const database = useDatabase(import.meta.path);
const { sql } = database;
let begunAt: string;

beforeAll(async () => {
    await sql`
        insert into ingest.loads (worker_id, backend_pid, backend_start, way, state, records, bytes)
        select ${worker}, 1, now(), 'verbatim', 'swept', 100, 1000
        from generate_series(1, ${historyFiles}::integer)`;
    await sql`
        insert into ingest.files (
            path, state, size_bytes, mtime_ns, inode, loaded_bytes, loaded_records, content_hash, merged_at, updated_at,
            archived_at
        )
        select 'old-' || no, 'merged', 1000, 1, no, 1000, 1, md5(no::text), now() - age, now() - age, now() - age
        from generate_series(1, ${historyFiles}::integer) as numbers (no), (select interval '1 day' as age) as past`;
    await sql`
        insert into ingest.chunks (
            file_id, first_byte, end_byte, first_record_no, first_line_no, records, content_hash, load_id, state,
            merged_slices, merged_at
        )
        select file_id, 0, 1000, 1, 2, 1, content_hash, file_id, 'merged', 65535, merged_at
        from ingest.files`;
    await sql`delete from ingest.file_changes`;
    await sql`select ingest.rebuild_totals()`;
    // As autovacuum would have done by then.
    await sql`vacuum analyze ingest.loads, ingest.files, ingest.chunks`;
    begunAt = await readClock(sql);
    await takeLease(sql);
});

/** Rows of the ledger's tables that this session has read, by whatever way, and its functions too. */
async function rowsSoFar(within: Sql, tables: string[]): Promise<number> {
    const [row] = await within<{ rows: number }[]>`
        select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint as rows
        from pg_stat_xact_user_tables
        where schemaname = 'ingest' and relname = any(${tables}::text[])`;
    return row!.rows;
}

/** In one transaction: only between two of them does a session give away what it has counted, and counts from zero. */
async function rowsRead(work: (sql: Sql) => Promise<unknown>, tables = ["files", "chunks", "loads"]): Promise<number> {
    return await sql.begin(async (transaction) => {
        const within = transaction as unknown as Sql;
        // Reads of parallel workers would not be counted here.
        await within`set local max_parallel_workers_per_gather = 0`;
        const rowsBefore = await rowsSoFar(within, tables);
        await work(within);
        return (await rowsSoFar(within, tables)) - rowsBefore;
    });
}

describe("promise 7: the ledger's statements read nothing of the history", () => {
    test("should fail: a statement that looks for two states at once reads all of it", async () => {
        const rows = await rowsRead(
            (within) => within`select count(*) from ingest.chunks where state in ('staged', 'held')`,
        );
        expect(rows).toBeGreaterThanOrEqual(historyFiles);
    });

    const seen = { sizeBytes: 10, mtimeNs: "1", inode: "1" };
    const statements: Record<string, (sql: Sql) => Promise<unknown>> = {
        readBacklog: (within) => readBacklog(within, 0),
        hasWork: (within) => hasWork(within, 0),
        chunksToStageAgain: (within) => chunksToStageAgain(within, 0, 500),
        nextFiles: (within) => nextFiles(within, 0, 500, [1, 2, 3]),
        countWaitingFiles: (within) => countWaitingFiles(within, 0),
        waitingFiles: (within) => waitingFiles(within, 0),
        failedFiles: (within) => failedFiles(within, 0, 1_000, ""),
        filesWithContent: (within) => filesWithContent(within, 0, ["a", "b"]),
        validateHeldFiles: (within) => validateHeldFiles(within, 0, [], null),
        sweepStaging: (within) => sweepStaging(within, 0, worker),
        countFilesSince: (within) => countFilesSince(within, 0, begunAt),
        registerFiles: (within) => registerFiles(within, 0, [{ ...seen, path: "new.csv" }]),
        "a load": (within) => stageFile(within, [event(1), event(2)]),
    };
    test.each(Object.keys(statements))("%s, when nothing is open", async (name) => {
        expect(await rowsRead(statements[name]!)).toBeLessThan(mostRows);
    });

    describe("when a file is staged:", () => {
        beforeAll(() => stageFile(sql, [event(3)]));

        test.each(Object.keys(statements))("%s", async (name) => {
            expect(await rowsRead(statements[name]!)).toBeLessThan(mostRows);
        });
    });

    test("the status reads the latest chunks, of which it tells the pace, and the open ones", async () => {
        expect(await rowsRead(readStatus, ["chunks"])).toBeLessThan(2_000 + mostRows);
    });

    test("a load reads its own files, however many wait, and whatever the statistics of a quiet moment say", async () => {
        await sql`
            insert into ingest.files (path, size_bytes, mtime_ns, inode)
            select 'waiting-' || no, 1000, 1, no
            from generate_series(1, ${historyFiles}::integer) as numbers (no)`;
        expect(await rowsRead((within) => stageFile(within, [event(4)]))).toBeLessThan(mostRows);
    });
});
