/** Cases 7 to 12: the job, from its start to the rows. */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { countFolder } from "../support/count-records.ts";
import { shopCsv } from "../support/fixture.ts";
import { generateFolder } from "../support/generate-folder.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { startIngest } from "../support/ingest-process.ts";
import { expectOracle } from "../support/read-tables.ts";
import { waitUntil } from "../support/wait-until.ts";
import { equation, type OldCase, recordOf } from "./old-case.ts";

/** As the old project's table was to be, by PostgreSQL's own names. */
const promisedColumns: [string, string][] = [
    ["event_id", "uuid"],
    ["event_type", "character varying(50)"],
    ["product_id", "character varying(100)"],
    ["user_id", "character varying(100)"],
    ["event_timestamp", "timestamp with time zone"],
    ["quantity", "integer"],
    ["price", "numeric(10,2)"],
];

export const pipelineCases: OldCase[] = [
    {
        name: "Job start",
        done: "start bun run ingest on an empty folder, wait for its sign of life, send SIGTERM",
        expected: "registered, running, exit 143, no longer registered",
        async run({ database: { sql, url }, inputDir }) {
            const job = startIngest(url, inputDir);
            const isRegistered = async () =>
                (await sql`select from ingest.workers where pid = ${job.pid} and lease_until > now()`).length === 1;
            await waitUntil("the job is registered", isRegistered);
            const wasRunning = job.isRunning();
            job.kill("SIGTERM");
            const { exitCode } = await job.finish();
            const isGone = !(await isRegistered());
            return {
                seen: `registered, ${wasRunning ? "running" : "ended"}, exit ${exitCode}, ${isGone ? "gone" : "registered"}`,
                passed: wasRunning && exitCode === 143 && isGone,
            };
        },
    },
    {
        name: "Schema validation",
        done: "read the types of events from the catalogue",
        expected: "the seven columns in the promised types, event_id the primary key",
        async run({ database: { sql } }) {
            const columns = await sql<{ name: string; type: string }[]>`
                select attname as name, format_type(atttypid, atttypmod) as type
                from pg_attribute
                where attrelid = 'public.events'::regclass and attnum > 0 and not attisdropped`;
            const keys = await sql<{ name: string }[]>`
                select pg_attribute.attname as name
                from pg_index
                inner join pg_attribute on attrelid = indrelid and attnum = any(indkey)
                where indrelid = 'public.events'::regclass and indisprimary`;
            const types = new Map(columns.map(({ name, type }) => [name, type]));
            const fitting = promisedColumns.filter(([name, type]) => types.get(name) === type).length;
            const key = keys.map(({ name }) => name).join();
            return { seen: `${fitting} of 7, key ${key}`, passed: fitting === 7 && key === "event_id" };
        },
    },
    {
        name: "File detection",
        done: "rename a file into the folder of a running ingest, another with an ending that is not ready",
        expected: "the first is found and merged, the other is not touched",
        async run({ database: { sql, url }, inputDir }) {
            const job = startIngest(url, inputDir);
            await waitUntil("the job is registered", async () => (await sql`select from ingest.workers`).length === 1);
            deliver(inputDir, "late.csv.part", [recordOf(2)]);
            deliver(inputDir, "now.csv", [recordOf(1)]);
            await waitUntil("it is merged", async () => (await sql`select from events`).length > 0);
            job.kill("SIGTERM");
            await job.finish();
            const files = await sql<{ path: string; state: string }[]>`select path, state from ingest.files`;
            const seen = files.map(({ path, state }) => `${path} ${state}`).join(", ");
            return { seen, passed: seen === "now.csv merged" };
        },
    },
    {
        name: "Insertion",
        done: "ingest five generated files, compare every value with an independent reader's",
        expected: "the same rows, from the same records",
        async run({ database: { sql, target }, inputDir }) {
            await generateFolder(inputDir, { files: 5, seed: 17 });
            const { records } = await ingestFolder(target, inputDir);
            await expectOracle(sql, countFolder(inputDir));
            return { seen: `${records.inserted} rows, the same`, passed: records.inserted > 0 };
        },
    },
    {
        name: "Duplicates",
        done: "a record twice in one file, again in another, then the first file once more; and one that differs",
        expected: "1 row; 4 = 1 + 2 + 1 + 0; the file again: skipped",
        async run({ database: { sql, target }, inputDir }) {
            deliver(inputDir, "a.csv", [recordOf(1), recordOf(1)]);
            deliver(inputDir, "b.csv", [recordOf(1), recordOf(1, { price: "20.00" })]);
            const { records } = await ingestFolder(target, inputDir);
            deliver(inputDir, "c.csv", [recordOf(1), recordOf(1)]);
            const { files } = await ingestFolder(target, inputDir);
            const rows = await sql<{ price: string }[]>`select price::text as price from events`;
            const skipped = files?.skipped === 1 && files.merged === 0;
            return {
                seen: `${rows.length} row; ${equation(records)}; the file again: ${skipped ? "skipped" : "read"}`,
                passed:
                    rows.length === 1 &&
                    rows[0]!.price === "19.99" &&
                    equation(records) === "4 = 1 + 2 + 1 + 0" &&
                    skipped,
            };
        },
    },
    {
        name: "Null filtering",
        done: "a good record, and one without each of the five required columns, one without the two others",
        expected: "2 rows, 5 rejects that name their column",
        async run({ database: { sql, target }, inputDir }) {
            const required = ["event_id", "event_type", "product_id", "user_id", "event_timestamp"];
            const incomplete = required.map((column, index) => recordOf(10 + index, { [column]: "" }));
            deliver(inputDir, "a.csv", [recordOf(1), ...incomplete, recordOf(2, { quantity: "", price: "" })]);
            const { records } = await ingestFolder(target, inputDir);
            const rejects = await sql<{ reasons: string[] }[]>`
                select reasons from ingest.rejects order by record_no`;
            const named = rejects.filter(
                ({ reasons }, index) => reasons.join() === `${required[index]}_missing`,
            ).length;
            return {
                seen: `${records.inserted} rows, ${named} of ${rejects.length} rejects name it`,
                passed: records.inserted === 2 && named === 5 && rejects.length === 5,
            };
        },
    },
];

/** Written aside and renamed, as files should come. */
export function deliver(inputDir: string, name: string, lines: readonly string[]): void {
    writeFileSync(join(inputDir, `.${name}`), shopCsv(...lines));
    renameSync(join(inputDir, `.${name}`), join(inputDir, name));
}
