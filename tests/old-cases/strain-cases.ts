/** Cases 13 to 16: how soon, how fast, and what happens when something breaks. Times are measured and shown, not judged. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runChecks } from "../../src/operations/run-checks.ts";
import { countFolder } from "../support/count-records.ts";
import { openDatabaseProxy } from "../support/database-proxy.ts";
import { shopCsv } from "../support/fixture.ts";
import { generateFolder } from "../support/generate-folder.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { startIngest } from "../support/ingest-process.ts";
import { expectOracle } from "../support/read-tables.ts";
import { waitUntil } from "../support/wait-until.ts";
import { equation, type OldCase, recordOf } from "./old-case.ts";
import { deliver } from "./pipeline-cases.ts";

const throughputRecords = 20_000;

export const strainCases: OldCase[] = [
    {
        name: "Latency",
        done: "rename five files, one after the other, into the folder of a continuous ingest; wait for each one's row",
        expected: "every row is there; the longest wait is shown",
        async run({ database: { sql, url }, inputDir }) {
            const job = startIngest(url, inputDir, ["--trigger", "continuous"]);
            await waitUntil("the job is registered", async () => (await sql`select from ingest.workers`).length === 1);
            const waits: number[] = [];
            for (let file = 1; file <= 5; file += 1) {
                const startMs = performance.now();
                deliver(inputDir, `${file}.csv`, [recordOf(file)]);
                await waitUntil("the row", async () => (await sql`select from events`).length === file);
                waits.push(performance.now() - startMs);
            }
            job.kill("SIGTERM");
            await job.finish();
            return { seen: `5 rows, at most ${Math.round(Math.max(...waits))} ms`, passed: waits.length === 5 };
        },
    },
    {
        name: "Throughput",
        done: `one file of ${throughputRecords.toLocaleString("en-US")} records`,
        expected: "every record is in; the rate is shown",
        async run({ database: { target }, inputDir }) {
            const count = throughputRecords;
            await generateFolder(inputDir, { files: 1, seed: 18, minRecords: count, maxRecords: count });
            const { records, seconds } = await ingestFolder(target, inputDir);
            const rate = Math.round(records.read / seconds).toLocaleString("en-US");
            return {
                seen: `${equation(records)}, ${rate} records/s`,
                passed: records.read === count && records.inserted === count,
            };
        },
    },
    {
        name: "Connection recovery",
        done: "cut every connection to the database again and again while 30 files are read",
        expected: "it continues automatically; the rows of an undisturbed run; all checks pass",
        async run({ database: { sql, target }, inputDir }) {
            await generateFolder(inputDir, { files: 30, seed: 19, minRecords: 50, maxRecords: 200, duplicates: 0.1 });
            const proxy = await openDatabaseProxy(target);
            const flags = ["--trigger", "available-now", "--max-chunk-bytes", "4KiB", "--max-batch-records", "200"];
            const job = startIngest(proxy.target.url, inputDir, flags);
            let cuts = 0;
            for (let turn = 1; turn <= 4 && job.isRunning(); turn += 1) {
                const hasBegun = async () => !job.isRunning() || (await countBatches()) >= turn;
                await waitUntil("it is at work", hasBegun);
                if (proxy.cut() > 0) cuts += 1;
            }
            const { exitCode } = await job.finish();
            await proxy.close();
            await expectOracle(sql, countFolder(inputDir));
            const broken = (await runChecks(sql)).filter(({ passed }) => !passed).length;
            return {
                seen: `cut ${cuts} times, exit ${exitCode}, the same rows, ${broken} checks fail`,
                passed: cuts > 0 && exitCode === 0 && broken === 0,
            };

            async function countBatches(): Promise<number> {
                const [row] = await sql<{ batches: number }[]>`select count(*)::int as batches from ingest.batches`;
                return row!.batches;
            }
        },
    },
    {
        name: "Malformed CSV",
        done: "short, long, unquoted, unclosed, NUL and foreign bytes among five good records; a file without a header",
        expected: "11 = 5 + 0 + 0 + 6, each reject with its reason; the file failed, the other one merged",
        async run({ database: { sql, target }, inputDir }) {
            const bad: [string, string][] = [
                ["only,two", "too_few_fields"],
                [`${recordOf(21)},more`, "too_many_fields"],
                [recordOf(22, { product_id: 'p"1' }), "stray_quote"],
                [recordOf(23, { product_id: "p\0" }), "nul_byte"],
                [recordOf(24, { product_id: "\xff" }), "invalid_utf8"],
                [recordOf(25, { product_id: '"p' }), "unclosed_quote"],
            ];
            const lines = [1, 2, 3, 4, 5].map((number) => recordOf(number));
            for (const [index, [line]] of bad.entries()) lines.splice(index * 2, 0, line);
            writeFileSync(join(inputDir, "a.csv"), shopCsv(...lines), "latin1");
            writeFileSync(join(inputDir, "b.csv"), `${recordOf(31)}\n`);
            const { records, files } = await ingestFolder(target, inputDir);
            const rejects = await sql<{ reason: string }[]>`
                select reasons[1] as reason from ingest.rejects order by record_no`;
            const reasons = rejects.map(({ reason }) => reason).join(", ");
            return {
                seen: `${equation(records)}: ${reasons}; ${files?.failed} failed, ${files?.merged} merged`,
                passed:
                    equation(records) === "11 = 5 + 0 + 0 + 6" &&
                    reasons === bad.map(([, reason]) => reason).join(", ") &&
                    files?.failed === 1 &&
                    files.merged === 1,
            };
        },
    },
];
