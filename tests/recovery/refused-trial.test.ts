/**
 * A merge that looks for the records that the table refuses, halfway through its trials, when something ends: its backend,
 * its process, the server. What comes after it ends with the tables of an undisturbed run: promises 2, 3, 4, 6 and 8.
 */
import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type Sql } from "../../src/database/connect.ts";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import { idOf, shopCsv, useFolder } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { ingestOnce, startIngest } from "../support/ingest-process.ts";
import { ask, type OwnServer, openOwnServer } from "../support/own-server.ts";
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

let server: OwnServer;
let target: DatabaseTarget;
const inputDir = useFolder();
let undisturbed: Tables;
const flags = ["--trigger", "available-now", "--tail-settle", "0", "--merge-workers", "1"];

const askTarget = <Result>(query: (sql: Sql) => PromiseLike<Result>) => ask(target, query);

async function createTarget(): Promise<void> {
    target = await server.createDatabase();
    await askTarget((sql) => sql.unsafe(theirs));
}

beforeAll(async () => {
    server = await openOwnServer();
});
afterAll(() => server.close());
beforeEach(async () => {
    await server.start();
    writeFileSync(join(inputDir, "a.csv"), shopCsv(...numbers.map(record), record(5)));
    if (undisturbed === undefined) {
        await createTarget();
        await ingestOnce(target.url, inputDir, ["--merge-workers", "1"]);
        undisturbed = await askTarget(readTables);
        // By hand: 600 records and one again, four of which the table refuses.
        expect(undisturbed.counts).toEqual({ read: 601, inserted: 596, duplicate: 1, conflict: 0, rejected: 4 });
        const [row] = await askTarget(
            (sql) => sql<{ statements: number }[]>`
            select last_value::int as statements from public.statements`,
        );
        expect(row!.statements).toBeGreaterThan(heldStatement + 10);
    }
    await createTarget();
});

/** The backend of a merge that waits in the midst of its trials, and what lets it go. */
async function holdTrial(): Promise<{ pid: () => Promise<number>; release: () => Promise<void> }> {
    const holder = connect(target, { applicationName: "holder", max: 1 });
    await holder`select pg_advisory_lock(${lock})`;
    const waiting = () =>
        askTarget(
            (sql) => sql<{ pid: number }[]>`
                select pid from pg_locks
                where locktype = 'advisory' and objid = ${lock} and not granted`,
        );
    return {
        async pid() {
            let pid: number | undefined;
            await waitUntil("a trial is held", async () => {
                pid = (await waiting())[0]?.pid;
                return pid !== undefined;
            });
            return pid!;
        },
        release: () => holder.end({ timeout: 1 }),
    };
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

test("its backend is terminated: the same ingest merges anew", async () => {
    const trial = await holdTrial();
    const ingest = startIngest(target.url, inputDir, flags);
    const pid = await trial.pid();
    await askTarget((sql) => sql`select pg_terminate_backend(${pid})`);
    await trial.release();

    expect(await ingest.finish()).toMatchObject({ exitCode: 0, summary: { records: undisturbed.counts } });
    await expectUndisturbed();
});

test("its process is killed: nothing of it is there, and the next ingest does it all", async () => {
    const trial = await holdTrial();
    const ingest = startIngest(target.url, inputDir, flags);
    await trial.pid();
    ingest.kill("SIGKILL");
    await ingest.exited;
    await trial.release();
    await waitUntil("the trial is over", async () => {
        const [row] = await askTarget(
            (sql) => sql<{ busy: number }[]>`
            select count(*) as busy from pg_stat_activity
            where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid()`,
        );
        return row!.busy === 0;
    });

    await askTarget(expireLeases);
    await ingestOnce(target.url, inputDir, flags);
    await expectUndisturbed();
});

test.each([
    ["its backend is killed, and Postgres recovers", async (pid: number) => server.killBackend(pid)],
    [
        "the postmaster is killed",
        async () => {
            await server.killPostmaster();
            await server.start();
        },
    ],
    [
        "the server is restarted",
        async () => {
            await server.stop();
            await server.start();
        },
    ],
])("%s: the same ingest goes on", async (_, crash) => {
    const trial = await holdTrial();
    const ingest = startIngest(target.url, inputDir, flags);
    await crash(await trial.pid());
    await trial.release();

    expect(await ingest.finish()).toMatchObject({ exitCode: 0 });
    await expectUndisturbed();
});
