/**
 * A merge that looks for the records that the table refuses, halfway through its trials, when something ends: its backend,
 * its process, the server. What comes after it ends with the tables of an undisturbed run: promises 2, 3, 4, 6 and 8.
 */
import { beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type Sql } from "../../src/database/connect.ts";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import { idOf, shopCsv, useFolder } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { type IngestProcess, ingestOnce, startIngest } from "../support/ingest-process.ts";
import { ask, countRows, useOwnServer } from "../support/own-server.ts";
import { expectSameTables, expectSound, expireLeases, readTables, type Tables } from "../support/read-tables.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

/** Their statement trigger is called by the insert, by two statements of no row, then once a trial: this one waits, midway. */
const heldStatement = 14;
const lock = 4711;
const theirs = `
    create sequence public.statements;
    create function public.hold() returns trigger language plpgsql as $$ begin
        if nextval('public.statements') = ${heldStatement} then perform pg_advisory_xact_lock(${lock}); end if;
        return null;
    end $$;
    create trigger hold before insert on events for each statement execute function public.hold();
    create function public.theirs() returns trigger language plpgsql as $$ begin
        if new.product_id = 'raised' then raise exception 'not this product' using errcode = 'ZZ001'; end if;
        if new.product_id = 'other-id' then new.event_id := gen_random_uuid(); end if;
        return new;
    end $$;
    create trigger theirs before insert on events for each row execute function public.theirs();
    alter table events add constraint theirs check (price < 100)`;

const numbers = Array.from({ length: 600 }, (_, no) => no);
const refused: Record<number, string> = { 77: "p", 310: "raised", 311: "other-id", 599: "raised" };
const record = (no: number) =>
    `${idOf(no)},purchase,${refused[no] ?? "p"},u,2024-01-01 00:00:00,1,${refused[no] === "p" ? 100 : 1}`;

const server = useOwnServer();
let target: DatabaseTarget;
const inputDir = useFolder();
let undisturbed: Tables;
let ingest: IngestProcess;
const flags = ["--trigger", "available-now", "--tail-settle", "0", "--merge-workers", "1"];

const askTarget = <Result>(query: (sql: Sql) => PromiseLike<Result>) => ask(target, query);

async function createTarget(): Promise<void> {
    target = await server.createDatabase();
    await askTarget((sql) => sql.unsafe(theirs));
}

beforeEach(async () => {
    await server.start();
    writeFileSync(join(inputDir, "a.csv"), shopCsv(...numbers.map(record), record(5)));
    if (undisturbed === undefined) {
        await createTarget();
        await ingestOnce(target.url, inputDir, ["--merge-workers", "1"]);
        undisturbed = await askTarget(readTables);
        // By hand: 600 records and one again, four of which the table refuses.
        expect(undisturbed.counts).toMatchObject({ read: 601, inserted: 596, duplicate: 1, conflict: 0, rejected: 4 });
        expect(await countRows(target, `public.statements where last_value > ${heldStatement + 10}`)).toBe(1);
    }
    await createTarget();
});

/** Strikes while a merge waits in the midst of its trials, and then lets it go. */
async function duringTrial(strike: (backend: number) => Promise<unknown>): Promise<IngestProcess> {
    const holder = connect(target, { applicationName: "holder", max: 1 });
    await holder`select pg_advisory_lock(${lock})`;
    ingest = startIngest(target.url, inputDir, flags);
    const backend = await waitUntil("a trial is held", async () => {
        const [waiting] = await askTarget(
            (sql) => sql<{ pid: number }[]>`
                select pid from pg_locks
                where locktype = 'advisory' and objid = ${lock} and not granted`,
        );
        return waiting?.pid ?? null;
    });
    await strike(backend);
    await holder.end({ timeout: 1 });
    return ingest;
}

async function expectUndisturbed(): Promise<void> {
    expectSameTables(await askTarget(readTables), undisturbed);
    await askTarget(expectSound);
    const refusals = await askTarget(
        (sql) => sql`select record_no, refusal ->> 'message' as message from ingest.rejects order by record_no`,
    );
    expect(refusals.map((row) => [row.record_no, row.message])).toEqual([
        [78, 'new row for relation "events" violates check constraint "theirs"'],
        [311, "not this product"],
        [312, "The trigger hold or theirs gave the event another event_id."],
        [600, "not this product"],
    ]);
}

test("its process is killed: nothing of it is there, and the next ingest does it all", async () => {
    await duringTrial(async () => {
        ingest.kill("SIGKILL");
        await ingest.exited;
    });
    const busy = `pg_stat_activity
        where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid()`;
    await waitUntil("the trial is over", async () => (await countRows(target, busy)) === 0);

    await askTarget(expireLeases);
    await ingestOnce(target.url, inputDir, flags);
    await expectUndisturbed();
});

test.each<[string, (backend: number) => Promise<unknown>]>([
    ["its backend is terminated", (backend) => askTarget((sql) => sql`select pg_terminate_backend(${backend})`)],
    ["its backend is killed, and Postgres recovers", async (backend) => server.killBackend(backend)],
    ["the postmaster is killed", () => server.crash()],
    ["the server is restarted", () => server.restart()],
])("%s: the same ingest merges anew", async (_, strike) => {
    const ingest = await duringTrial(strike);
    expect(await ingest.finish()).toMatchObject({ exitCode: 0, summary: { records: undisturbed.counts } });
    await expectUndisturbed();
});
