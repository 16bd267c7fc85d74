/** The connection of a load and of its COPY is one, or none: promise 5. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { isConnectionFault } from "../../src/database/sql-states.ts";
import { takeLoaderLease } from "../../src/engine/ledger/worker-leases.ts";
import { type CopyConnection, createCopyConnection } from "../../src/engine/stage/copy-connection.ts";
import { useDatabase } from "../support/fixture.ts";
import { waitUntil } from "../support/wait-until.ts";

const database = useDatabase(import.meta.path);
let copyConnection: CopyConnection;
const workerId = randomUUID();
beforeAll(async () => {
    await takeLoaderLease(database.sql, 0, workerId, 3_600_000);
});
beforeEach(() => {
    copyConnection = createCopyConnection(database.target, "test copy");
});
afterEach(() => copyConnection.discard());

async function* oneRow(loadId: number, chunkId: number) {
    yield Buffer.from(`${loadId},${chunkId},1,0\n`);
}
const copyOneRow = ({ loadId, chunkIds, lane }: Awaited<ReturnType<CopyConnection["beginLoad"]>>) =>
    copyConnection.copy(
        `copy ingest.staging_${lane} (load_id, chunk_id, record_no, slice_no) from stdin with (format csv)`,
        oneRow(loadId, chunkIds[0]!),
    );
const backends = () => database.sql<{ pid: number }[]>`
    select pid from pg_stat_activity where application_name = 'test copy' and datname = current_database()`;
const countStaged = async () => (await database.sql`select from ingest.staging`).length;

test("a load is copied by the backend that the ledger names", async () => {
    await copyOneRow(await copyConnection.beginLoad(0, workerId, "verbatim", 1));
    const [load] = await database.sql`select backend_pid as pid from ingest.loads order by load_id desc limit 1`;
    expect([...(await backends())]).toEqual([{ pid: load!.pid }]);
    expect(await countStaged()).toBe(1);
    await database.sql`truncate ingest.staging`;
});

describe("a load whose backend was ended before its COPY", () => {
    test("at once, or some time ago, fails and leaves no row", async () => {
        for (const pauseMs of [0, 200]) {
            const load = await copyConnection.beginLoad(0, workerId, "verbatim", 1);
            await database.sql`
                select pg_terminate_backend(pid, 5000)
                from pg_stat_activity
                where application_name = 'test copy' and datname = current_database()`;
            await waitUntil("it is gone", async () => (await backends()).length === 0);
            await Bun.sleep(pauseMs);
            const failure = await copyOneRow(load).catch((error: unknown) => error);
            expect(isConnectionFault(failure)).toBe(true);
            expect(await countStaged()).toBe(0);
            await copyConnection.discard();
        }
    });

    test("is followed by one that works", async () => {
        await copyConnection.beginLoad(0, workerId, "verbatim", 1);
        await database.sql`
            select pg_terminate_backend(pid, 5000)
            from pg_stat_activity
            where application_name = 'test copy' and datname = current_database()`;
        // Without discard(): whoever begins a load anew may find its connection gone.
        const failure = await copyConnection.beginLoad(0, workerId, "verbatim", 1).catch((error: unknown) => error);
        expect(isConnectionFault(failure)).toBe(true);
        await copyOneRow(await copyConnection.beginLoad(0, workerId, "verbatim", 1));
        expect(await countStaged()).toBe(1);
    });
});
