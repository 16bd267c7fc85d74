/**
 * A snapshot that is struck at every fault point of its way, while a reader looks all the time: it sees the old table or the new one,
 * never another, and the next run ends with the new one. In CI each point is struck by kill -9 of the ingest and those of a
 * merge also by one of its backend; `SLUICE_TEST_LONG=1` strikes all by every action.
 */
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sql } from "../../src/database/connect.ts";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import {
    type FaultAction,
    type FaultPlan,
    type FaultPointName,
    faultActions,
    faultPoints,
} from "../../src/database/faults/fault-points.ts";
import { makeFolder } from "../support/fixture.ts";
import { isLongRun, testTimeoutMs } from "../support/generate-folder.ts";
import { ingestOnce } from "../support/ingest-process.ts";
import { ask, useOwnServer } from "../support/own-server.ts";
import { expectSound, expireLeases } from "../support/read-tables.ts";
import { sample } from "../support/sample.ts";
import { makeProducts, writeProducts } from "../support/snapshots.ts";
import { waitUntil } from "../support/wait-until.ts";
import { strike } from "./strike.ts";

setDefaultTimeout(testTimeoutMs);

const server = useOwnServer();
const cwd = makeFolder();
const oldDir = join(cwd, "old");
const newDir = join(cwd, "new");
const flags = [
    ...["--trigger", "available-now", "--tail-settle", "0", "--stream", "products"],
    ...["--max-chunk-bytes", "4KiB", "--max-batch-records", "100", "--merge-workers", "2"],
];

beforeAll(() => {
    for (const folder of [oldDir, newDir, join(cwd, "streams")]) mkdirSync(folder);
    writeFileSync(
        join(cwd, "streams/products.ts"),
        'export default { files: "*.csv", table: "shop.products", mode: "snapshot" };\n',
    );
    const records = Array.from({ length: 1000 }, (_, n) => `${n},product ${n},${n % 7}`);
    writeProducts(oldDir, "1.csv", records);
    writeProducts(newDir, "1.csv", records);
    // 100 go, 300 change, 600 stay, 50 come.
    const changed = records.slice(100).map((record, n) => (n % 3 === 0 ? `${record}5` : record));
    writeProducts(newDir, "2.csv", [...changed, ...Array.from({ length: 50 }, (_, n) => `${5000 + n},new ${n},1`)]);
});

/** What a reader sees at one moment. */
async function look(sql: Sql): Promise<string> {
    const [row] = await sql<{ seen: string }[]>`
        select concat_ws(' ', count(*), sum(price), md5(string_agg(concat_ws(',', id, name, price), ';' order by id))) as seen
        from shop.products`;
    return row!.seen;
}

/** Looks until it is stopped, whatever happens to the server meanwhile. */
function keepLooking(target: DatabaseTarget) {
    const seen = new Set<string>();
    let looks = 0;
    let isStopped = false;
    const done = (async () => {
        while (!isStopped) {
            await ask(target, async (sql) => {
                while (!isStopped) {
                    seen.add(await look(sql));
                    looks += 1;
                }
            }).catch(() => Bun.sleep(100));
        }
    })();
    return {
        async stop(): Promise<{ seen: Set<string>; looks: number }> {
            isStopped = true;
            await done;
            return { seen, looks };
        },
    };
}

const isOfMerge = (at: FaultPointName) => at.includes("merge");
const points = (Object.keys(faultPoints) as FaultPointName[]).filter(
    (at) => !/archive|notification|migration|prune|reset|direct|defer|index/.test(at),
);
const actionsAt = (at: FaultPointName): FaultAction[] => {
    if (isLongRun) return Object.keys(faultActions) as FaultAction[];
    return isOfMerge(at) ? ["kill", "terminate-backend"] : ["kill"];
};
const strikes: [string, FaultPlan][] = points.flatMap((at) =>
    actionsAt(at).map((action): [string, FaultPlan] => [`${at} by ${action}`, { at, action, pass: 1 }]),
);

test.each(sample(strikes, 4))("at %s: a reader sees the old table or the new one", async (_, plan) => {
    const target = await server.createDatabase();
    await ask(target, makeProducts);
    expect((await ingestOnce(target.url, oldDir, flags, { cwd })).exitCode).toBe(0);
    const before = await ask(target, look);
    const reader = keepLooking(target);
    const runAgain = async () => {
        const { exitCode, stderr } = await ingestOnce(target.url, newDir, flags, { cwd });
        expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    };
    const args = ["--input", newDir, "--json", ...flags];
    const { exitCode } = await strike({ server, target, script: "ingest", args, cwd }, plan, runAgain);
    expect(exitCode).toBe(plan.action === "kill" ? 137 : 0);
    if (plan.action === "kill") {
        await ask(target, (sql) => expireLeases(sql));
        await runAgain();
    }
    const after = await ask(target, look);
    const { seen, looks } = await reader.stop();
    expect(after).toStartWith("950 ");
    expect(looks).toBeGreaterThan(10);
    expect([...seen].filter((one) => one !== before && one !== after)).toEqual([]);
    const [batch] = await ask(
        target,
        (sql) => sql`
            select read::integer, inserted::integer, updated::integer, duplicate::integer, removed::integer, rows_after::integer as rows
            from ingest.batches
            order by batch_id desc
            limit 1`,
    );
    expect({ ...batch }).toEqual({ read: 950, inserted: 50, updated: 300, duplicate: 600, removed: 100, rows: 950 });
    await waitUntil("no backend of it is left", async () => {
        const left = await ask(
            target,
            (sql) => sql`
                select from pg_stat_activity where datname = current_database() and application_name like 'sluice%'`,
        );
        return left.length === 0;
    });
    await ask(target, (sql) => expectSound(sql));
});
