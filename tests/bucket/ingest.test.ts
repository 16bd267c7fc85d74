/** An ingest from a bucket of a real server: the same rules as from a folder, and what only a bucket can do to it. */
import { describe, expect, test } from "bun:test";
import { openInboxes } from "../../src/engine/discover/open-inboxes.ts";
import { runChecks } from "../../src/operations/run-checks.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { streamOfTable } from "../../src/streams/load-streams.ts";
import { failureOf } from "../support/failure-of.ts";
import { headerLine, idOf, useEmptyDatabase } from "../support/fixture.ts";
import type { IngestOverrides } from "../support/ingest-folder.ts";
import { ingestConfig, ingestFolder } from "../support/ingest-folder.ts";
import { ingestOnce, startIngest } from "../support/ingest-process.ts";
import { isThereObjectStore } from "../support/object-store.ts";
import { readCounts } from "../support/read-tables.ts";
import { useBucket } from "../support/use-bucket.ts";
import { waitUntil } from "../support/wait-until.ts";

const line = (no: number) => `${idOf(no)},view,p,u,2024-01-01 00:00:00,,1\n`;
const lines = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => line(from + index)).join("");
const csv = (from: number, to: number) => headerLine + lines(from, to);

describe.skipIf(!isThereObjectStore)("from a bucket", () => {
    const database = useEmptyDatabase(import.meta.path);
    const bucket = useBucket();
    const { sql } = database;
    const ingest = (overrides: IngestOverrides = {}) => ingestFolder(database.target, bucket.url, overrides);
    const files = async () => [
        ...(await sql`select path, version, state, problem from ingest.files order by path collate "C", version`),
    ];
    const failingChecks = async () => (await runChecks(sql)).filter(({ passed }) => !passed);
    const openInbox = () => {
        const log = { info() {}, warn() {}, error() {} };
        return openInboxes({ config: ingestConfig(bucket.url), log, streams: [eventsStream] }).of(eventsStream);
    };

    test("objects are taken in the order of their keys; what is hidden, deeper or no CSV is not", async () => {
        await bucket.put("b.csv", csv(1, 3));
        await bucket.put("a.csv", csv(2, 4));
        await bucket.put("_archive/c.csv", csv(10, 11));
        await bucket.put("deeper/d.csv", csv(10, 11));
        await bucket.put("notes.txt", "x");
        const { records } = await ingest();

        expect(records).toMatchObject({ read: 6, inserted: 4, duplicate: 2 });
        expect(await files()).toEqual([
            { path: "a.csv", version: 1, state: "merged", problem: null },
            { path: "b.csv", version: 1, state: "merged", problem: null },
        ]);
        expect((await ingest()).records.read).toBe(0);
    });

    test("a last line without its end counts at once; a longer object with the same beginning goes on from there", async () => {
        await bucket.put("a.csv", csv(1, 3).trimEnd());
        expect((await ingest({ tailSettleMs: 60_000 })).records).toMatchObject({ read: 3, inserted: 3 });
        await bucket.put("a.csv", csv(1, 5));
        // The last one is read again, with its line end.
        expect((await ingest()).records).toMatchObject({ read: 3, inserted: 2, duplicate: 1 });
        expect(await files()).toEqual([{ path: "a.csv", version: 1, state: "merged", problem: null }]);
        expect(await failingChecks()).toEqual([]);
    });

    test("another content of the same size is another version; one that repeats another object is a copy", async () => {
        await bucket.put("a.csv", csv(1, 3));
        await ingest();
        await bucket.put("a.csv", csv(4, 6));
        expect((await ingest()).records).toMatchObject({ read: 3, inserted: 3 });
        await bucket.put("b.csv", csv(4, 6));
        expect((await ingest()).records).toMatchObject({ read: 0 });
        expect(await files()).toEqual([
            { path: "a.csv", version: 1, state: "replaced", problem: "rewritten" },
            { path: "a.csv", version: 2, state: "merged", problem: null },
            { path: "b.csv", version: 1, state: "skipped", problem: "copy" },
        ]);
    });

    test("where the later record is the newer, an object that repeats an earlier one is read", async () => {
        await sql`create table switches (no bigint primary key, is_on boolean not null)`;
        const mode = { name: "upsert", version: null, deleteWhen: null, keepsHistory: false } as const;
        const stream = await applyStream(database.target, { ...streamOfTable("public.switches"), mode });
        for (const [name, value] of Object.entries({ "1": "off", "2": "on", "3": "off" })) {
            await bucket.put(`${name}.csv`, `no,is_on\n7,${value}\n`);
            await ingestFolder(database.target, bucket.url, {}, stream);
        }
        expect(await sql`select is_on as "isOn" from switches`).toMatchObject([{ isOn: false }]);
        expect(await files()).toMatchObject(Array(3).fill({ state: "merged" }));
    });

    test("the same content written again is nothing new", async () => {
        await bucket.put("a.csv", csv(1, 3));
        await ingest();
        await bucket.put("a.csv", csv(1, 3));
        expect((await ingest()).records.read).toBe(0);
        expect(await files()).toMatchObject([{ version: 1, state: "merged" }]);
    });

    test("what failed and is deleted is forgotten", async () => {
        await bucket.put("a.csv", "foo,bar\n1,2\n");
        await ingest();
        expect(await files()).toMatchObject([{ state: "failed", problem: "header_missing_columns" }]);
        await bucket.remove("a.csv");
        await ingest();
        expect(await files()).toMatchObject([{ state: "replaced", problem: "forgotten" }]);
    });

    test("should fail: an object that is replaced while it is read is never a mixture", async () => {
        const size = 9 * 1024 * 1024;
        await bucket.put("a.csv", "a".repeat(size));
        const inbox = openInbox();
        const file = await inbox.open("a.csv");
        expect((await file.read(0, 10)).toString()).toBe("a".repeat(10));
        await bucket.put("a.csv", "b".repeat(size));
        const error = await failureOf(file.read(size - 10, 10));
        expect(error).toMatchObject({ failure: { problem: "file_changed" } });
        const again = await inbox.open("a.csv");
        expect((await again.read(size - 10, 10)).toString()).toBe("b".repeat(10));
        await file.close();
        await again.close();
    });

    test("a kill in the middle of a large object costs nothing that was committed", async () => {
        const records = 60_000;
        await bucket.put("large.csv", csv(1, records));
        const flags = ["--max-chunk-bytes", "256KiB", "--trigger", "50ms"];
        const environment = { ...bucket.environment, FAULT_AT: "in-copy:8", FAULT_ACTION: "kill" };
        const killed = startIngest(database.url, bucket.url, flags, { environment });
        expect(await killed.exited).toBe(137);
        const before = await sql`select chunk_id, content_hash from ingest.chunks order by chunk_id`;
        expect(before.length).toBeGreaterThan(0);

        const { exitCode, stderr } = await ingestOnce(database.url, bucket.url, ["--max-chunk-bytes", "256KiB"], {
            environment: bucket.environment,
        });
        expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
        expect(await readCounts(sql)).toMatchObject({ read: records, inserted: records, duplicate: 0 });
        const after = await sql`select chunk_id, content_hash from ingest.chunks order by chunk_id`;
        expect(after.slice(0, before.length)).toEqual([...before]);
        expect(await failingChecks()).toEqual([]);
    });

    test("after the merge: deleted, or moved under _archive, copies too; what failed stays", async () => {
        await bucket.put("a.csv", csv(1, 3));
        await bucket.put("bad.csv", "foo,bar\n1,2\n");
        await ingest({ afterMerge: "delete" });
        expect(await bucket.list()).toEqual(["bad.csv"]);

        await bucket.put("b.csv", csv(4, 5));
        await bucket.put("c.csv", csv(1, 3));
        await ingest({ afterMerge: "archive" });
        const day = new Date().toISOString().slice(0, 10);
        const left = await bucket.list();
        expect(left.map((path) => path.replace(/\/\d+\//, "/ID/")).sort()).toEqual([
            `_archive/${day}/ID/b.csv`,
            `_archive/${day}/ID/c.csv`,
            "bad.csv",
        ]);
        const rows = await sql`select path, archived_to from ingest.files where archived_to is not null order by path`;
        expect(rows.map(({ archived_to }) => archived_to).sort()).toEqual(
            left.filter((path) => path !== "bad.csv").map((path) => `${bucket.url}/${path}`),
        );
        expect((await ingest()).records.read).toBe(0);
    });

    test("an object that changed between its merge and its leaving stays, and is read", async () => {
        await bucket.put("a.csv", csv(1, 3));
        await ingest();
        await bucket.put("a.csv", csv(1, 4));
        expect((await ingest({ afterMerge: "delete" })).records).toMatchObject({ read: 1, inserted: 1 });
        expect(await bucket.list()).toEqual([]);
    });

    test("should fail: a bucket that is not there ends a run that ends, with its name", async () => {
        const failed = await ingestOnce(database.url, "s3://nowhere-at-all/x", [], { environment: bucket.environment });
        expect(failed.exitCode).toBe(3);
        expect(failed.stderr).toContain("nowhere-at-all");
    });

    test("an empty object fails, and is read once it is written", async () => {
        await bucket.put("a.csv", "");
        await ingest();
        expect(await files()).toMatchObject([{ path: "a.csv", state: "failed", problem: "empty_file" }]);
        await bucket.put("a.csv", csv(1, 2));
        expect((await ingest()).records).toMatchObject({ read: 2, inserted: 2 });
        expect(await files()).toMatchObject([{ path: "a.csv", state: "merged" }]);
    });

    test("a run that watches finds what comes, what grows, and takes no credentials into its log", async () => {
        const running = startIngest(database.url, bucket.url, ["--trigger", "100ms", "--list-every", "1s"], {
            environment: bucket.environment,
        });
        await bucket.put("a.csv", csv(1, 2));
        await waitUntil("a is in", async () => (await readCounts(sql)).inserted === 2);
        await bucket.put("a.csv", csv(1, 4));
        await bucket.put("0.csv", csv(5, 5));
        await waitUntil("both are in", async () => (await readCounts(sql)).inserted === 5);
        // A worker reports every few seconds, and its first report may have come before its first listing.
        await waitUntil("the worker says what it lists", async () => {
            const [worker] = await sql`select report -> 'listing' ->> 'name' as listed from ingest.workers`;
            return worker?.listed === bucket.url;
        });
        const { stderr } = await running.stop();
        expect(stderr).not.toContain(bucket.environment.AWS_SECRET_ACCESS_KEY!);
    });
});
