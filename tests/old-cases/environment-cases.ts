/** Cases 1 to 6: what has to be there before anything runs, and the files that the generator writes. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { connect, connectForCopy } from "../../src/database/connect.ts";
import { copyRows } from "../../src/database/copy-rows.ts";
import { openDatabase } from "../../src/database/open-database.ts";
import { generateFolder } from "../support/generate-folder.ts";
import { splitRecords } from "../support/oracle/split-records.ts";
import { projectDir } from "../support/test-server.ts";
import { headerColumns, type OldCase } from "./old-case.ts";

export const environmentCases: OldCase[] = [
    {
        name: "PostgreSQL connectivity",
        done: "connect as every command does, ask for a sum",
        expected: "version 15 or later, 1 + 1 = 2",
        async run({ database, inputDir }) {
            const opened = await openDatabase({ databaseUrl: database.url, dataDir: inputDir, log: () => {} });
            const sql = connect(opened.target, { applicationName: "old case", max: 1 });
            const [row] = await sql<{ sum: number }[]>`select 1 + 1 as sum`;
            await sql.end();
            await opened.close();
            return {
                seen: `version ${opened.serverVersion}, 1 + 1 = ${row!.sum}`,
                passed: Number.parseInt(opened.serverVersion, 10) >= 15 && row!.sum === 2,
            };
        },
    },
    {
        name: "Dependencies",
        done: "compare what is installed with package.json",
        expected: "every package, in the version that is named",
        async run() {
            const { devDependencies = {} } = readManifest(projectDir);
            // Those without the aliases, `npm:NAME@VERSION`.
            const names = Object.keys(devDependencies).filter((name) => /^\d/.test(devDependencies[name]!));
            const wrong = names.filter(
                (name) => readManifest(join(projectDir, "node_modules", name)).version !== devDependencies[name],
            );
            return {
                seen: wrong.length === 0 ? `${names.length} of ${names.length}` : `not so: ${wrong.join(", ")}`,
                passed: names.length > 0 && wrong.length === 0,
            };
        },
    },
    {
        name: "Driver",
        done: "values of events' types there and back; a COPY of 1,000 rows",
        expected: "the same values, 1,000 rows",
        async run({ database: { sql, target } }) {
            const values = { n: "12345678.90", t: "2024-05-01T12:00:00.123456Z", j: '{"a": "é\\""}' };
            const [row] = await sql<{ n: string; t: string; j: string }[]>`
                select
                    ${values.n}::text::numeric(10, 2)::text as n,
                    to_char(${values.t}::text::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as t,
                    ${values.j}::text::jsonb::text as j`;
            await sql`drop table if exists public.driver_rows`;
            await sql`create table public.driver_rows (n bigint)`;
            const copySql = connectForCopy(target, { applicationName: "old case" });
            await copyRows(copySql, "copy public.driver_rows from stdin", thousandRows());
            await copySql.close();
            const [copied] = await sql<{ rows: number }[]>`select count(*)::int as rows from public.driver_rows`;
            await sql`drop table public.driver_rows`;
            const isSame = JSON.stringify({ ...row }) === JSON.stringify(values);
            return {
                seen: `${isSame ? "the same" : JSON.stringify(row)}, ${copied!.rows.toLocaleString("en-US")} rows`,
                passed: isSame && copied!.rows === 1_000,
            };
        },
    },
    {
        name: "CSV creation",
        done: "generate three files",
        expected: "3 files named events_<seconds>_<n>.csv, nothing else",
        async run({ inputDir }) {
            await generateThree(inputDir);
            const names = readdirSync(inputDir);
            const fitting = names.filter((name) => /^events_\d{10}_\d+\.csv$/.test(name));
            return {
                seen: `${fitting.length} files, ${names.length - fitting.length} others`,
                passed: fitting.length === 3 && names.length === 3,
            };
        },
    },
    {
        name: "Columns",
        done: "split every line of three generated files",
        expected: "the header's seven columns, seven values in every record",
        async run({ inputDir }) {
            const files = await generateThree(inputDir);
            const headers = new Set(files.map(([header]) => header!.join(",")));
            const widths = new Set(files.flatMap((records) => records.map((values) => values.length)));
            return {
                seen: `${headers.size} header, widths ${[...widths].join(" and ")}`,
                passed: headers.size === 1 && headers.has(headerColumns.join(",")) && [...widths].join() === "7",
            };
        },
    },
    {
        name: "Record counts",
        done: "count the records of three files of 10 to 100",
        expected: "10 to 100 in each",
        async run({ inputDir }) {
            const counts = (await generateThree(inputDir)).map((records) => records.length - 1);
            return {
                seen: counts.join(", "),
                passed: counts.length === 3 && counts.every((count) => count >= 10 && count <= 100),
            };
        },
    },
];

async function* thousandRows(): AsyncGenerator<Uint8Array> {
    for (let row = 1; row <= 1_000; row += 1) yield Buffer.from(`${row}\n`);
}

function readManifest(dir: string): { version: string; devDependencies?: Record<string, string> } {
    return JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
}

/** Three files of the generator, split by the oracle: records of values, the header first. */
async function generateThree(inputDir: string): Promise<string[][][]> {
    await generateFolder(inputDir, { files: 3, seed: 16 });
    return readdirSync(inputDir).map((name) => {
        const text = readFileSync(join(inputDir, name), "latin1");
        return [...splitRecords(text, { delimiter: ",", maxRecordBytes: 10_000 })].map(({ values }) => values ?? []);
    });
}
