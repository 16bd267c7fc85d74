/**
 * The clock of a process is three days ahead, three days behind, or set from the one to the other while it runs; the
 * database's is right, and decides: leases, which timestamps lie in the future, when what failed is tried again. What a
 * process times by itself, it times by a clock that nobody sets. Promises 2, 8, 9 and 10.
 */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { countFolder } from "../support/count-records.ts";
import { headerLine, idOf, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { chooseSeed, generateFolder, isLongRun, testTimeoutMs } from "../support/generate-folder.ts";
import { type IngestProcess, startIngest } from "../support/ingest-process.ts";
import { expectOracle, expectSound, expireLeases, readFileStates } from "../support/read-tables.ts";
import { startApi } from "../support/service.ts";
import { waitUntil } from "../support/wait-until.ts";
import { createWrongClock, daysAhead, findFaketime } from "../support/wrong-clock.ts";
import { expectOrderly } from "./expect-orderly.ts";

setDefaultTimeout(testTimeoutMs);

const faketime = await findFaketime();
if ("missing" in faketime) console.error(`The tests of a wrong clock are skipped: ${faketime.missing}.`);

const seed = chooseSeed("wrong clock");
const hourMs = 3_600_000;
const record = (n: number, at = "2024-05-01 10:00:00") => `${idOf(n)},view,p1,u1,${at},,\n`;
const fromNow = (ms: number) => new Date(Date.now() + ms).toISOString().slice(0, 19).replace("T", " ");
const directions: [string, number][] = [
    ["three days ahead", 3],
    ["three days behind", -3],
];

describe.skipIf("missing" in faketime)("a clock that is wrong", () => {
    const database = useEmptyDatabase(import.meta.path);
    const folder = useFolder("input");
    const inputDir = join(folder, "input");
    const running: IngestProcess[] = [];

    afterEach(() => {
        for (const child of running.splice(0)) child.kill("SIGKILL");
    });

    const wrongBy = (days: number) =>
        createWrongClock((faketime as { path: string }).path, join(folder, `clock-${days}`), days);
    const start = (clock: { environment: Record<string, string> }, flags: string[]) => {
        const child = startIngest(database.url, inputDir, flags, { environment: clock.environment });
        running.push(child);
        return child;
    };
    const writeInput = (name: string, content: string) => writeFileSync(join(inputDir, name), content);
    const isIn = async (name: string) => (await readFileStates(database.sql))[name] === "merged";

    /** Stopped as a person would, it ends in good order. */
    async function stop(child: IngestProcess): Promise<void> {
        child.kill("SIGTERM");
        const ended = await child.finish();
        expectOrderly(ended);
        expect(ended.exitCode).toBe(143);
    }

    test.each(directions)(
        "%s judges no timestamp: what lies in the future is the database's to say",
        async (_, days) => {
            const clock = wrongBy(days);
            expect(daysAhead(clock.environment)).toBe(days);
            await generateFolder(inputDir, { files: 5, seed, maxRecords: 200, dirty: 0.1, duplicates: 0.1 });
            // The rule allows a day from now. By a clock three days off, two of these would be judged otherwise.
            const times = [-hourMs, hourMs, 23 * hourMs, 25 * hourMs, 71 * hourMs].map(fromNow);
            writeInput("now.csv", headerLine + times.map((time, index) => record(index, time)).join(""));
            const ended = await start(clock, ["--trigger", "available-now", "--max-chunk-bytes", "16KiB"]).finish();
            expectOrderly(ended);
            expect(ended.exitCode).toBe(0);
            await expectOracle(database.sql, countFolder(inputDir));
            const late =
                await database.sql`select record_no, reasons from ingest.rejects where record ->> 'user_id' = 'u1'`;
            expect(late.map(({ record_no }) => record_no).sort()).toEqual([4, 5]);
            await expectSound(database.sql);
        },
    );

    test.each(directions)("%s moves no retry and no settling of a tail", async (_, days) => {
        writeInput("good.csv", headerLine + record(1));
        writeInput("tail.csv", headerLine + record(2) + record(3).trimEnd());
        // Refused for good, until it changes; and one that cannot be opened, which is tried again in five seconds.
        symlinkSync("/etc/hostname", join(inputDir, "link.csv"));
        const child = start(wrongBy(days), ["--trigger", "100ms", "--tail-settle", "700ms"]);
        await waitUntil("the tail has settled", async () => {
            const [row] = await database.sql<{ events: number }[]>`select count(*) as events from public.events`;
            return row!.events === 3;
        });
        const { "link.csv": link } = await readFileStates(database.sql);
        expect(link).toBe("failed not_a_regular_file");
        // As ingest.fail_file leaves a file that time may mend: only the database's clock says when.
        writeInput("again.csv", headerLine + record(4));
        await waitUntil("it is in", () => isIn("again.csv"));
        await database.sql`
            update ingest.files
            set state = 'failed', problem = 'file_unreadable', next_attempt_at = clock_timestamp() + interval '1 hour'
            where path = 'again.csv'`;
        writeInput("more.csv", headerLine + record(5));
        await waitUntil("more is in", () => isIn("more.csv"));
        expect((await readFileStates(database.sql))["again.csv"]).toBe("failed file_unreadable");
        await database.sql`update ingest.files set next_attempt_at = clock_timestamp() where path = 'again.csv'`;
        await waitUntil("it is taken up again", () => isIn("again.csv"));
        await stop(child);
    });

    test.each(directions)("%s neither lengthens a lease nor takes one early", async (_, days) => {
        const loader = start(wrongBy(days), ["--trigger", "100ms"]);
        await waitUntil("it loads", () => leaseOf(loader));
        // Its rival's clock is wrong the other way.
        const rival = start(wrongBy(-days), ["--trigger", "100ms"]);
        await waitUntil("its rival is at work, too", async () => {
            const workers = await database.sql`select from ingest.workers where lease_until > clock_timestamp()`;
            return workers.length === 2;
        });
        for (const n of [1, 2, 3]) {
            writeInput(`${n}.csv`, headerLine + record(n));
            await waitUntil(`file ${n} is in`, () => isIn(`${n}.csv`));
            const left = await leaseOf(loader);
            expect(left, "the lease is still its own").not.toBeNull();
            expect(left!).toBeLessThanOrEqual(10);
        }
        loader.kill("SIGKILL");
        if (!isLongRun) await expireLeases(database.sql);
        writeInput("4.csv", headerLine + record(4));
        await waitUntil("the rival has taken over", () => isIn("4.csv"));
        await waitUntil("the lease is the rival's", async () => (await leaseOf(rival)) !== null);
        await stop(rival);
        await expectOracle(database.sql, countFolder(inputDir));
    });

    test("set back and forth while it runs, by six days each time, neither stops an ingest nor its renewals", async () => {
        const clock = wrongBy(3);
        const child = start(clock, ["--trigger", "100ms", "--tail-settle", "500ms"]);
        await waitUntil("it loads", () => leaseOf(child));
        for (const [index, days] of [-3, 3, -3].entries()) {
            clock.set(days);
            // The library looks once in a second.
            await waitUntil("it has seen it", async () => (await Bun.sleep(1_100)) === undefined);
            const before = await leaseEnd();
            writeInput(`${index}.csv`, headerLine + record(index * 2) + record(index * 2 + 1).trimEnd());
            await waitUntil("its file and its tail are in", async () => {
                const [row] = await database.sql<{ events: number }[]>`select count(*) as events from public.events`;
                return row!.events === 2 * (index + 1);
            });
            await waitUntil("its lease is renewed", async () => (await leaseEnd()) > before);
        }
        await stop(child);
        expect((await start(wrongBy(0), ["--trigger", "available-now"]).finish()).exitCode).toBe(0);
        await expectSound(database.sql);
    });

    test("set back while the API runs, makes no old number new", async () => {
        writeInput("a.csv", headerLine + record(1));
        await start(wrongBy(0), ["--trigger", "available-now"]).finish();
        const clock = wrongBy(3);
        const api = await startApi(database.url, clock.environment);
        try {
            const read = async () =>
                (await (await fetch(`${api.url.replace(/\/$/, "")}/v1/status`)).json()).totals.read;
            expect(await read()).toBe(1);
            clock.set(-3);
            await Bun.sleep(1_100);
            expect(await read()).toBe(1);
            writeInput("b.csv", headerLine + record(2));
            await start(wrongBy(0), ["--trigger", "available-now"]).finish();
            await waitUntil("the API has seen it", async () => (await read()) === 2);
        } finally {
            await api.stop();
        }
    });

    /** Seconds that its lease as the loader still runs, by the database's clock; null when it has none. */
    async function leaseOf({ pid }: IngestProcess): Promise<number | null> {
        const [lease] = await database.sql<{ seconds: number }[]>`
            select extract(epoch from loader_lease.lease_until - clock_timestamp())::float8 as seconds
            from ingest.loader_lease
            inner join ingest.workers on workers.worker_id = loader_lease.worker_id
            where workers.pid = ${pid} and loader_lease.lease_until > clock_timestamp()`;
        return lease?.seconds ?? null;
    }

    async function leaseEnd(): Promise<number> {
        const [lease] = await database.sql<{ at: Date }[]>`select lease_until as at from ingest.loader_lease`;
        return lease!.at.getTime();
    }
});
