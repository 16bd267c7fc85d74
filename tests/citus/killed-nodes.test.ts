/**
 * A node of a Citus cluster is killed: whatever moment it is, all nodes agree afterwards, and the tables are those of an undisturbed run.
 * Needs CITUS_PG_CONFIG (`bun run test:citus`): these servers are killed, so they are the test's own.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import { runChecks } from "../../src/operations/run-checks.ts";
import { type CitusCluster, openCitusCluster } from "../support/citus-cluster.ts";
import { useGeneratedFolder, useOpened } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { type IngestProcess, startIngest } from "../support/ingest-process.ts";
import { ask } from "../support/own-server.ts";
import { expectOracle } from "../support/read-tables.ts";
import { openSession, whenWaiting } from "../support/sessions.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs * 4);

describe.skipIf(!process.env.CITUS_PG_CONFIG)("promises 2, 4 and 8 on Citus", () => {
    const cluster: CitusCluster = useOpened(openCitusCluster, ({ close }) => close());
    const { inputDir, oracle } = useGeneratedFolder({
        files: 12,
        seed: 19,
        maxRecords: 400,
        dirty: 0.05,
        duplicates: 0.1,
    });
    const flags = [
        "--max-chunk-bytes",
        "16KiB",
        "--max-batch-records",
        "500",
        "--trigger",
        "available-now",
        "--tail-settle",
        "0",
    ];

    test("a worker is killed while batches are merged, and is away for a while", async () => {
        const target = await cluster.createDatabase("worker_killed");
        const ingest = startIngest(target.url, inputDir, flags);
        await waitUntil("a batch is in", () => ingest.batches().length > 0);
        await cluster.workers[0]!.killPostmaster();
        await Bun.sleep(2_000);
        await cluster.workers[0]!.start();
        await expectUndisturbed(ingest, target);
    });

    test("the coordinator is killed after it has committed, and before its workers know", async () => {
        const target = await cluster.createDatabase("coordinator_killed");
        const ingest = startIngest(target.url, inputDir, flags);
        await waitUntil("a batch is in", () => ingest.batches().length > 0);
        // A commit is then written, and waits for a standby that never comes before anybody hears of it.
        await waitForStandbys("nobody");
        await waitUntil("a worker has prepared", async () => (await countPrepared(target)) > 0);
        await cluster.coordinator.killPostmaster();
        expect(await countPrepared(target)).toBeGreaterThan(0);
        await cluster.coordinator.start();
        await waitForStandbys("");
        await expectUndisturbed(ingest, target);
    });

    test("the coordinator is killed while a worker still prepares", async () => {
        const target = await cluster.createDatabase("unprepared");
        const ingest = startIngest(target.url, inputDir, [...flags, "--merge-workers", "1"]);
        await waitUntil("a batch is in", () => ingest.batches().length > 0);
        // A merge that has written to both waits for the sums; then one of the workers is frozen, and the other prepares.
        const holder = openSession({ target }, "holds the sums");
        await holder`begin`;
        await holder`select from ingest.totals for update`;
        await whenWaiting(openSession({ target }));
        const frozen = await freezeBackends(target);
        await holder`rollback`;
        await waitUntil("the other worker has prepared", async () => (await countPrepared(target, 1)) > 0);
        await cluster.coordinator.killPostmaster();
        for (const pid of frozen) signal(pid, "SIGCONT");
        await cluster.coordinator.start();
        await expectUndisturbed(ingest, target);
    });

    async function expectUndisturbed(ingest: IngestProcess, target: DatabaseTarget): Promise<void> {
        const { exitCode, stderr } = await ingest.finish({ deadlineMs: 300_000 });
        expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
        const sql = openSession({ target }, "after the fault");
        await expectOracle(sql, oracle);
        expect((await runChecks(sql)).filter(({ passed }) => !passed)).toEqual([]);
        expect(await countPrepared(target)).toBe(0);
    }

    async function waitForStandbys(names: string): Promise<void> {
        const { admin } = cluster.coordinator;
        await ask(admin, (sql) => sql.unsafe(`alter system set synchronous_standby_names = '${names}'`));
        await ask(admin, (sql) => sql`select pg_reload_conf()`);
    }

    /** Of the database, on its workers but the first so many. */
    async function countPrepared({ database }: DatabaseTarget, skipped = 0): Promise<number> {
        let prepared = 0;
        for (const { admin } of cluster.workers.slice(skipped)) {
            const [row] = await ask(
                admin,
                (sql) => sql<{ count: number }[]>`select count(*) from pg_prepared_xacts where database = ${database}`,
            );
            prepared += row!.count;
        }
        return prepared;
    }

    /** Those of the first worker that have written. */
    async function freezeBackends({ database }: DatabaseTarget): Promise<number[]> {
        const rows = await ask(
            cluster.workers[0]!.admin,
            (sql) => sql<{ pid: number }[]>`
                select pid from pg_stat_activity where datname = ${database} and backend_xid is not null`,
        );
        for (const { pid } of rows) signal(pid, "SIGSTOP");
        expect(rows).not.toEqual([]);
        return rows.map(({ pid }) => pid);
    }
});

function signal(pid: number, name: NodeJS.Signals): void {
    process.kill(pid, name);
}
