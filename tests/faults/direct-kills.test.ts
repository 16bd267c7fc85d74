/**
 * Direct loads (src/engine/load/load-direct.ts) that are struck at each of their fault points: whatever broke, every record is
 * stored once and counted once. In CI each point is struck by kill -9 of the ingest or by the end of its backend;
 * `SLUICE_TEST_LONG=1` strikes all by every action.
 */
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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
import { waitUntil } from "../support/wait-until.ts";
import { strike } from "./strike.ts";

setDefaultTimeout(testTimeoutMs);

const server = useOwnServer();
const inputDir = join(makeFolder(), "input");
const flags = [
    ...["--trigger", "available-now", "--tail-settle", "0", "--table", "shop.entries"],
    ...["--max-chunk-bytes", "2KiB", "--merge-workers", "2"],
];
const count = 1_000;
const expected = { read: count, inserted: count, duplicate: 0, conflict: 0, rejected: 0 };

beforeAll(() => {
    mkdirSync(inputDir);
    const lines = Array.from({ length: count }, (_, no) => `${no},entry ${no},${no % 90}.50\n`);
    writeFileSync(join(inputDir, "entries.csv"), `id,name,amount\n${lines.join("")}`);
});

const points = (Object.keys(faultPoints) as FaultPointName[]).filter((at) => at.includes("-direct-"));
const passes = isLongRun ? [1, 4] : [4];
const actions = isLongRun ? (Object.keys(faultActions) as FaultAction[]) : (["kill", "terminate-backend"] as const);
const strikes: [string, FaultPlan][] = points.flatMap((at) =>
    actions.flatMap((action) =>
        passes.map((pass): [string, FaultPlan] => [`${at}:${pass} by ${action}`, { at, action, pass }]),
    ),
);

test.each(sample(strikes, 4))("at %s: every record is stored and counted once", async (_, plan) => {
    const target = await server.createDatabase();
    await ask(target, async (sql) => {
        await sql`create schema shop`;
        await sql`create table shop.entries (id bigint primary key, name text not null, amount numeric(6, 2))`;
    });
    const runAgain = async () => {
        const { exitCode, stderr } = await ingestOnce(target.url, inputDir, flags);
        expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    };
    const args = ["--input", inputDir, "--json", ...flags];
    const { exitCode, stdout } = await strike({ server, target, script: "ingest", args }, plan, runAgain);
    expect(exitCode).toBe(plan.action === "kill" ? 137 : 0);
    if (plan.action === "kill") {
        await ask(target, (sql) => expireLeases(sql));
        await runAgain();
    } else if (plan.action !== "freeze") {
        // Its own counts are what was committed, lost answers included.
        expect(JSON.parse(stdout.trim().split("\n").at(-1)!).records).toMatchObject(expected);
    }
    await waitUntil("no backend of it is left", async () => {
        const left = await ask(
            target,
            (sql) => sql`
                select from pg_stat_activity where datname = current_database() and application_name like 'sluice%'`,
        );
        return left.length === 0;
    });
    const [found] = await ask(
        target,
        (sql) => sql`
            select
                (select count(*)::integer from shop.entries) as rows,
                sum(read)::integer as read,
                sum(inserted)::integer as inserted,
                count(*) filter (where not duration_ms ? 'choose')::integer as direct
            from ingest.batches`,
    );
    expect(found).toMatchObject({ rows: count, read: count, inserted: count });
    expect(found!.direct).toBeGreaterThan(0);
    await ask(target, (sql) => expectSound(sql));
});
