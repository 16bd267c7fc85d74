/**
 * An ingest with `--defer-indexes` that is struck at each step of it: whatever broke, the next run (or the same one, where it lives)
 * ends with the indexes and rows of an undisturbed one. In CI each point is struck by kill -9 of the ingest, and one by the end of
 * its backend; `SLUICE_TEST_LONG=1` strikes all by every action, and by kill -9 more than twenty times.
 */
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
    type FaultAction,
    type FaultPlan,
    type FaultPointName,
    faultActions,
} from "../../src/database/faults/fault-points.ts";
import { createRandom } from "../../src/shop/generator/random.ts";
import { makeOrders, orderCount, readIndexes, writeOrders } from "../support/deferred-indexes.ts";
import { makeFolder } from "../support/fixture.ts";
import { chooseSeed, isLongRun, testTimeoutMs } from "../support/generate-folder.ts";
import { ingestOnce } from "../support/ingest-process.ts";
import { ask, useOwnServer } from "../support/own-server.ts";
import { expectSound, expireLeases } from "../support/read-tables.ts";
import { waitUntil } from "../support/wait-until.ts";
import { strike } from "./strike.ts";

setDefaultTimeout(testTimeoutMs);

const random = createRandom(chooseSeed("deferred indexes"));
const server = useOwnServer();
const inputDir = join(makeFolder(), "input");
const flags = [
    "--trigger",
    "available-now",
    "--tail-settle",
    "0",
    "--table",
    '"Shop".orders',
    "--max-chunk-bytes",
    "2MiB",
];

beforeAll(() => {
    mkdirSync(inputDir);
    writeOrders(inputDir);
});

/** How often a run passes the point at least; in SQL in one of its two sessions. */
const passes: Partial<Record<FaultPointName, number>> = {
    "before-defer-commit": 1,
    "after-defer": 1,
    "before-index-commit": 2,
    "between-indexes": 6,
};
const strikes = (Object.entries(passes) as [FaultPointName, number][]).flatMap(([at, most]): FaultPlan[] => {
    if (!isLongRun) return [{ at, action: "kill", pass: random.between(1, most) }];
    const actions = Object.keys(faultActions) as FaultAction[];
    const kills = Array.from({ length: 6 }, (_, no): FaultPlan => ({ at, action: "kill", pass: 1 + (no % most) }));
    return [...kills, ...actions.map((action) => ({ at, action, pass: random.between(1, most) }))];
});
if (!isLongRun) strikes.push({ ...random.pick(strikes), action: "terminate-backend" });

test.each(
    strikes.map((plan, no): [string, FaultPlan] => [`${no + 1}: ${plan.at}:${plan.pass} by ${plan.action}`, plan]),
)("%s: indexes and rows are as if nothing had been", async (_, plan) => {
    const target = await server.createDatabase();
    await ask(target, (sql) => makeOrders(sql));
    const before = await ask(target, (sql) => readIndexes(sql));
    const runAgain = async () => {
        // Another run may not ask for it: what was left is its own to make.
        const asked = random.between(0, 1) === 1 ? ["--defer-indexes"] : [];
        const { exitCode, stderr } = await ingestOnce(target.url, inputDir, [...flags, ...asked]);
        expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    };
    const args = ["--input", inputDir, "--json", ...flags, "--defer-indexes"];
    const { exitCode, stderr } = await strike({ server, target, script: "ingest", args }, plan, runAgain);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: plan.action === "kill" ? 137 : 0 });
    if (plan.action === "kill") {
        await ask(target, (sql) => expireLeases(sql));
        await runAgain();
    }
    await waitUntil("no backend of it is left", async () => {
        const left = await ask(
            target,
            (sql) => sql`
                    select from pg_stat_activity where datname = current_database() and application_name like 'sluice%'`,
        );
        return left.length === 0;
    });
    expect(await ask(target, (sql) => readIndexes(sql))).toEqual(before);
    const [stored] = await ask(target, (sql) => sql`select count(*) as rows from "Shop".orders`);
    expect(stored!.rows).toBe(orderCount);
    await ask(target, (sql) => expectSound(sql));
});
