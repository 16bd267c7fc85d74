/** Messages from the ledger to a real receiver: told once, kept until delivered, by one of several processes. */
import { describe, expect, test } from "bun:test";
import type { LogFacts } from "../../src/engine/context.ts";
import { hourMs } from "../../src/operations/notify/decide-changes.ts";
import { writeDecisions } from "../../src/operations/notify/notification-ledger.ts";
import { openNotifier } from "../../src/operations/notify/open-notifier.ts";
import { readStatus } from "../../src/operations/status/read-status.ts";
import { insertFile, insertWorker } from "../api/seed-ledger.ts";
import { afterTest } from "../support/at-end.ts";
import { openDatabaseProxy } from "../support/database-proxy.ts";
import { useEmptyDatabase } from "../support/fixture.ts";
import { expectSigned, openReceiver, secret } from "../support/receiver.ts";
import { waitUntil } from "../support/wait-until.ts";

const database = useEmptyDatabase(import.meta.path);
const told = ["stream.problem events ok failing"];
const toldBoth = [...told, "stream.recovered events failing ok"];

/** One that looks all the time, and waits for nothing. It is stopped with the test. */
function start(webhook: string, { target = database.target, leaseMs = 30_000 } = {}) {
    const lines: { line: string; facts: LogFacts }[] = [];
    const say = (line: string, facts: LogFacts) => void lines.push({ line, facts });
    const notifier = openNotifier({
        target,
        config: {
            notifyWebhook: webhook,
            notifyAfterMs: 0,
            notifySecret: secret,
            pageUrl: "https://sluice.example.com",
        },
        log: { info: say, warn: say, error: say },
        part: "ingest",
        rules: { afterMs: 0, recoveryMs: 0, repeatMs: hourMs },
        everyMs: 20,
        leaseMs,
    });
    afterTest(notifier.stop);
    return { ...notifier, lines, events: () => lines.map(({ facts }) => facts.event) };
}

/** An ingest is at work, and a file has failed. */
async function fail(name = "orders <1>.csv"): Promise<number> {
    await insertWorker(database.sql, { trigger: { kind: "interval", ms: 1000 } });
    const fileId = await insertFile(database.sql, name, "failed");
    await database.sql`
        update ingest.files set problem = 'header_missing_columns', problem_detail = 'no column price'
        where file_id = ${fileId}`;
    return fileId;
}

const mend = (fileId: number) => database.sql`update ingest.files set state = 'merged' where file_id = ${fileId}`;
const makeDue = () => database.sql`update ingest.notifications set next_attempt_at = clock_timestamp()`;
const readPending = async () => [...(await database.sql`select * from ingest.notifications order by notification_id`)];

/** Until whoever holds the lease has looked so many times more. */
async function rounds(count: number): Promise<void> {
    const read = async () => (await database.sql`select lease_until::text as until from ingest.notifier`)[0]!.until;
    for (let round = 0; round < count; round += 1) {
        const before = await read();
        await waitUntil("the next round", async () => (await read()) !== before);
    }
}

const whenTaken = ({ taken }: { taken: () => string[] }, count: number) =>
    waitUntil(`${count} messages are taken`, () => taken().length >= count);

test("a problem and its end are told once each, signed, in words with the remedy", async () => {
    const receiver = openReceiver();
    const { events } = start(receiver.url);
    const fileId = await fail();
    await whenTaken(receiver, 1);
    await rounds(3);
    await mend(fileId);
    await whenTaken(receiver, 2);
    await rounds(3);

    expect(receiver.taken()).toEqual(toldBoth);
    for (const received of receiver.received) expectSigned(received);
    const [problem, recovered] = receiver.received.map(({ message }) => message);
    expect(problem).toMatchObject({
        type: "stream.problem",
        id: receiver.received[0]!.headers["webhook-id"],
        database: database.target.database,
        stream: "events",
        table: "public.events",
        from: "ok",
        to: "failing",
        tone: "bad",
        since: expect.stringMatching(/^\d{4}-.*Z$/),
        numbers: { failedFiles: 1, waitingFiles: 0, workers: 1, standingRejects: 0 },
        url: "https://sluice.example.com/streams/events",
    });
    expect(problem!.summary).toStartWith("events is failing. 1 file failed");
    expect(problem!.summary).toContain("orders <1>.csv: header_missing_columns: no column price.");
    expect(problem!.text).toContain("orders ‹1›.csv");
    expect(recovered!.summary).toStartWith("events is no longer failing, after ");
    expect(events()).toEqual(["notified", "notified"]);
    const { notifications } = await readStatus(database.sql);
    expect(notifications).toMatchObject({ pending: 0, oldestPendingAt: null, lastDeliveredAt: expect.any(String) });
});

test("of several processes one tells, and another goes on when it has gone", async () => {
    const receiver = openReceiver();
    const processes = [start(receiver.url), start(receiver.url), start(receiver.url)];
    const fileId = await fail();
    await whenTaken(receiver, 1);
    await rounds(10);
    expect(receiver.taken()).toEqual(told);

    const busy = processes.findIndex(({ events }) => events().length > 0);
    await processes[busy]!.stop();
    await mend(fileId);
    await whenTaken(receiver, 2);
    await rounds(5);
    expect(receiver.taken()).toEqual(toldBoth);
    expect(processes[busy]!.events()).toEqual(["notified"]);
});

test("of two that decide at once, one does", async () => {
    const decision = (messageId: string) => ({
        ...{ stream: "events", version: 0, told: "failing" as const, toldSince: null, toldAt: null },
        ...{ seen: "failing" as const, seenSince: new Date().toISOString(), troubledSince: null, isWatched: true },
        messageId,
        body: "{}",
    });
    const written = await Promise.all(["a", "b", "c", "d"].map((id) => writeDecisions(database.sql, [decision(id)])));
    expect(written.flat()).toHaveLength(1);
    expect(await readPending()).toHaveLength(1);
    expect(await writeDecisions(database.sql, [decision("e")])).toEqual([]);
});

describe("a receiver that does not take a message", () => {
    test("gets it again, the same bytes under the same id, until it does", async () => {
        let answers = 0;
        const receiver = openReceiver({ answer: () => new Response(null, { status: ++answers < 3 ? 500 : 204 }) });
        const { events } = start(receiver.url);
        const before = (await readStatus(database.sql)).notifications;
        await fail();
        for (const attempt of [1, 2]) {
            await waitUntil("it is tried", async () => (await readPending())[0]?.attempts === attempt);
            await makeDue();
        }
        await whenTaken(receiver, 1);

        expect(receiver.received.map(({ status }) => status)).toEqual([500, 500, 204]);
        expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
        expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
        for (const received of receiver.received) expectSigned(received);
        await waitUntil("it is noted", async () => (await readPending()).length === 0);
        const after = (await readStatus(database.sql)).notifications;
        expect(after.failedAttempts - before.failedAttempts).toBe(2);
        expect(after.delivered - before.delivered).toBe(1);
        expect(after.lastFailure).toBe("HTTP 500");
        await waitUntil("it is said", () => events().includes("notified"));
        expect(events()).toEqual(["notification_failed", "notification_failed", "notified"]);
    });

    test("is waited for: one that is down hears of it when it is back", async () => {
        const down = openReceiver();
        await down.close();
        start(down.url);
        await fail();
        await waitUntil("it is tried", async () => (await readPending())[0]?.attempts === 1);
        const receiver = openReceiver({ port: down.port });
        await makeDue();
        await whenTaken(receiver, 1);
        expect(receiver.taken()).toEqual(told);
    });

    test("hears of the end after the problem, never before", async () => {
        const receiver = openReceiver({ answer: () => new Response(null, { status: 503 }) });
        start(receiver.url);
        const fileId = await fail();
        await waitUntil("it is tried", async () => (await readPending())[0]?.attempts === 1);
        await mend(fileId);
        await waitUntil("the end waits", async () => (await readPending()).length === 2);
        receiver.answerWith(() => new Response(null, { status: 204 }));
        await rounds(3);
        expect(receiver.taken()).toEqual([]);
        await makeDue();
        await whenTaken(receiver, 2);
        expect(receiver.taken()).toEqual(toldBoth);
    });

    test("and says that it is gone gets no second attempt", async () => {
        const receiver = openReceiver({ answer: () => new Response(null, { status: 410 }) });
        const { lines } = start(receiver.url);
        await fail();
        const given = () => lines.find(({ facts }) => facts.event === "notification_given_up");
        await waitUntil("it is given up", given);
        expect(given()!.facts).toMatchObject({ code: "HTTP 410", stream: "events" });
        expect(await readPending()).toEqual([]);
        expect(receiver.received).toHaveLength(1);
    });

    test("for a day is given up", async () => {
        const receiver = openReceiver({ answer: () => new Response(null, { status: 500 }) });
        const { events } = start(receiver.url);
        const before = (await readStatus(database.sql)).notifications.givenUp;
        await fail();
        await waitUntil("it is tried", async () => (await readPending())[0]?.attempts === 1);
        await database.sql`
            update ingest.notifications
            set created_at = created_at - interval '1 day', next_attempt_at = clock_timestamp()`;
        await waitUntil("it is given up", () => events().includes("notification_given_up"));
        expect((await readStatus(database.sql)).notifications.givenUp).toBe(before + 1);
    });
});

test("a problem that lasts is told again when an hour is over, and not before", async () => {
    const receiver = openReceiver();
    start(receiver.url);
    await fail();
    await whenTaken(receiver, 1);
    const age = (minutes: number) =>
        database.sql`update ingest.told_states set told_at = told_at - ${minutes} * interval '1 minute'`;
    await age(59);
    await rounds(5);
    expect(receiver.taken()).toEqual(told);
    await age(1);
    await whenTaken(receiver, 2);
    await rounds(5);
    expect(receiver.taken()).toEqual([...told, "stream.problem_lasts events failing failing"]);
    expect(receiver.received[1]!.message.summary).toContain(" now)");
});

test("a stopped ingest is told of where one was to run for ever", async () => {
    const receiver = openReceiver();
    start(receiver.url);
    await insertWorker(database.sql, { trigger: { kind: "interval", ms: 1000 } });
    await insertFile(database.sql, "a.csv", "merged");
    await waitUntil("it was seen", async () => {
        const [state] = await database.sql`select is_watched from ingest.told_states where stream_id = 0`;
        return state?.is_watched;
    });
    await database.sql`update ingest.workers set lease_until = clock_timestamp()`;
    await whenTaken(receiver, 1);
    expect(receiver.taken()).toEqual(["stream.problem events ok stopped"]);
    expect(receiver.received[0]!.message.summary).toStartWith("events is stopped. No ingest is running.");
});

describe("a database that is unreachable", () => {
    test("is told of by the process that cannot reach it, once, and that it is back", async () => {
        const receiver = openReceiver();
        const proxy = await openDatabaseProxy(database.target);
        afterTest(proxy.close);
        const { lines } = start(receiver.url, { target: proxy.target });
        await rounds(1);
        proxy.takeDown();
        await whenTaken(receiver, 1);
        // What is told in vain in between would be a second message.
        await waitUntil("some time has gone by", () => Bun.sleep(300).then(() => true));
        await proxy.mend();
        await whenTaken(receiver, 2);
        await rounds(3);

        expect(receiver.taken()).toEqual(["database.unreachable ok unreachable", "database.recovered unreachable ok"]);
        for (const received of receiver.received) expectSigned(received);
        const [{ message }] = receiver.received as [(typeof receiver.received)[number]];
        expect(message.summary).toMatch(new RegExp(`\\(pid ${process.pid}\\): [A-Z_]+, for`));
        expect(message).toMatchObject({ database: database.target.database, tone: "bad" });
        expect(JSON.stringify([receiver.received, lines])).not.toContain(database.target.password);
    });

    test("and a receiver that is down too: nothing is told late", async () => {
        const receiver = openReceiver({ answer: () => new Response(null, { status: 500 }) });
        const proxy = await openDatabaseProxy(database.target);
        afterTest(proxy.close);
        start(receiver.url, { target: proxy.target });
        await rounds(1);
        proxy.takeDown();
        await waitUntil("it is tried", () => receiver.received.length > 0);
        await proxy.mend();
        await rounds(3);
        expect(receiver.taken()).toEqual([]);
        expect(await readPending()).toEqual([]);
    });
});

test("the end of a run tells what has changed, also where another process has the lease, which delivers it", async () => {
    const receiver = openReceiver();
    start(receiver.url);
    await rounds(1);
    const ending = openNotifier({
        target: database.target,
        config: { notifyWebhook: receiver.url, notifyAfterMs: 60_000, notifySecret: secret, pageUrl: undefined },
        log: { info: () => {}, warn: () => {}, error: () => {} },
        part: "ingest",
    });
    await fail();
    await ending.settle("events");
    await ending.stop();
    await whenTaken(receiver, 1);
    await rounds(3);
    expect(receiver.taken()).toEqual(told);
});

test("neither the secret nor the key in the address is in a log, a message or the ledger", async () => {
    const refusing = openReceiver({ answer: () => new Response(null, { status: 500 }) });
    const { lines } = start(refusing.url);
    await fail();
    await waitUntil("it is tried", async () => (await readPending())[0]?.attempts === 1);
    await refusing.close();
    await makeDue();
    await waitUntil("it is tried in vain", async () => (await readPending())[0]?.attempts === 2);
    const rows = await database.sql`select to_jsonb(notifier) as notifier from ingest.notifier`;
    const everything = JSON.stringify([lines, refusing.received.map(({ body }) => body), rows, await readPending()]);
    expect(everything).toContain("HTTP 500");
    expect(everything).not.toContain(secret.slice(6));
    expect(everything).not.toContain("key-of-the-path");
});

test("a reset forgets what was told", async () => {
    const receiver = openReceiver({ answer: () => new Response(null, { status: 500 }) });
    const { stop } = start(receiver.url);
    await fail();
    await waitUntil("it is tried", async () => (await readPending())[0]?.attempts === 1);
    await stop();
    await database.sql`delete from ingest.workers`;
    await database.sql`select * from ingest.reset()`;
    expect(await readPending()).toEqual([]);
    expect([...(await database.sql`select * from ingest.told_states`)]).toEqual([]);
});
