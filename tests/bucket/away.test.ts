/** An ingest whose bucket is cut off, slow and answers 503 for longer than a request tries; and where its credentials are not. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { runChecks } from "../../src/operations/run-checks.ts";
import { type CuttingProxy, openCuttingProxy, refusal } from "../support/cutting-proxy.ts";
import { headerLine, idOf, useEmptyDatabase } from "../support/fixture.ts";
import { startIngest } from "../support/ingest-process.ts";
import { isThereObjectStore } from "../support/object-store.ts";
import { readCounts } from "../support/read-tables.ts";
import { startApi } from "../support/service.ts";
import { useBucket } from "../support/use-bucket.ts";
import { waitUntil } from "../support/wait-until.ts";

const csv = (from: number, to: number) =>
    headerLine +
    Array.from({ length: to - from + 1 }, (_, n) => `${idOf(from + n)},view,p,u,2024-01-01 00:00:00,,1\n`).join("");

describe.skipIf(!isThereObjectStore)("a bucket that is away for a while", () => {
    const database = useEmptyDatabase(import.meta.path);
    const bucket = useBucket();
    const { sql } = database;
    let proxy: CuttingProxy;

    beforeAll(async () => {
        proxy = await openCuttingProxy(Number(new URL(bucket.environment.AWS_ENDPOINT_URL_S3!).port));
    });
    afterEach(() => proxy.mend());
    afterAll(() => proxy?.close());

    const secrets = () => [bucket.environment.AWS_SECRET_ACCESS_KEY!, bucket.environment.AWS_ACCESS_KEY_ID!];
    const start = () =>
        startIngest(
            database.url,
            bucket.url,
            ["--trigger", "100ms", "--list-every", "1s", "--max-chunk-bytes", "256KiB"],
            {
                environment: { ...bucket.environment, AWS_ENDPOINT_URL_S3: proxy.endpoint },
            },
        );
    const areIn = (count: number) =>
        waitUntil(`${count} are in`, async () => (await readCounts(sql)).inserted === count, { deadlineMs: 90_000 });

    test("is waited for, with every row in the end, and with its credentials nowhere", async () => {
        await bucket.put("a.csv", csv(1, 10));
        const running = start();
        await areIn(10);
        const api = await startApi(database.url);

        // 503 for longer than a request is tried for, then nobody there at all.
        proxy.each(() => refusal(503, "SlowDown"));
        await bucket.put("b.csv", csv(11, 6_000));
        await waitUntil("it is said", () => /bucket/i.test(running.stderr()), { deadlineMs: 90_000 });
        proxy.takeDown();
        const asked = proxy.requests.length;
        await proxy.mend();
        // Back, and each answer is cut: the first lines of each range arrive.
        proxy.each(() => ({ cutAfter: 60_000 }));
        await waitUntil("it asks again", () => proxy.requests.length > asked + 5, { deadlineMs: 90_000 });
        await proxy.mend();
        await areIn(6_000);

        expect(await readCounts(sql)).toMatchObject({ read: 6_000, inserted: 6_000, duplicate: 0, rejected: 0 });
        const processes = commandLines();
        expect(processes).toContain(bucket.url);
        const answers = await Promise.all(
            ["status", "files", "batches", "streams", "workers"].map(async (name) => {
                const response = await fetch(`${api.url}/v1/${name}`);
                return await response.text();
            }),
        );
        expect(answers[0]).toContain("6000");
        const { stderr } = await running.stop();
        await api.stop();
        const places = { stderr, processes, answers: answers.join(), ledger: await everyText() };
        expect(places.ledger).toContain("b.csv");
        for (const [place, text] of Object.entries(places)) {
            for (const secret of secrets())
                expect({ place, holds: text.includes(secret) }).toEqual({ place, holds: false });
        }
        expect((await runChecks(sql)).filter(({ passed }) => !passed)).toEqual([]);
    });

    /** Every row of every table of the database, as text. */
    async function everyText(): Promise<string> {
        const tables = await sql`
            select format('%I.%I', table_schema, table_name) as name from information_schema.tables
            where table_schema in ('ingest', 'public') and table_type = 'BASE TABLE'`;
        const texts = await Promise.all(
            tables.map(async ({ name }) => {
                const [row] = await sql`select string_agg(t::text, E'\n') as text from ${sql.unsafe(name)} as t`;
                return `${name}\n${row!.text ?? ""}`;
            }),
        );
        return texts.join("\n");
    }
});

/** What any user of the machine sees. */
function commandLines(): string {
    return readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name))
        .map((pid) => {
            try {
                return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
            } catch {
                return "";
            }
        })
        .join("\n");
}
