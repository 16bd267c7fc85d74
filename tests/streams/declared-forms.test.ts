/** Dates and times that a source writes in its own way, for columns that keep an offset and those that do not. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { streamOfTable } from "../../src/streams/load-streams.ts";
import { makeFolder, useDatabase } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";

const database = useDatabase(import.meta.path);
const { sql } = database;

test("a date and a local time are as the file writes them; only a column with an offset is moved by a zone", async () => {
    await sql.unsafe(`
        create table public.visits (id integer primary key, on_day date, at_place timestamp, at_moment timestamptz)`);
    const folder = makeFolder();
    writeFileSync(
        join(folder, "visits.csv"),
        `id,on_day,at_place,at_moment
1,03.02.2026,03.02.2026 00:30,03.02.2026 00:30
2,2026-02-03,2026-02-03 00:30:00,2026-02-03 00:30:00
3,31.02.2026,,
4,03.02.2026 11:00,,
5,,2026-02-03 00:30:00+02,
`,
    );
    const declared = streamOfTable("public.visits");
    const timestamps = { format: ["dd.MM.yyyy", "dd.MM.yyyy HH:mm"], zone: "Europe/Berlin" };
    const stream = await applyStream(database.target, { ...declared, source: { ...declared.source, timestamps } });
    await ingestFolder(database.target, folder, {}, stream);
    const rows = await sql`
        select id, on_day::text, at_place::text, (at_moment at time zone 'UTC')::text as moment
        from public.visits order by id`;
    expect(rows.map((row) => Object.values(row))).toEqual([
        [1, "2026-02-03", "2026-02-03 00:30:00", "2026-02-02 23:30:00"],
        [2, "2026-02-03", "2026-02-03 00:30:00", "2026-02-02 23:30:00"],
    ]);
    const rejects = await sql`select record_no::integer as no, reasons from ingest.rejects order by record_no`;
    expect(rejects.map(({ no, reasons }) => [no, reasons])).toEqual([
        [3, ["on_day_invalid"]],
        [4, ["on_day_invalid"]],
        [5, ["at_place_invalid"]],
    ]);
});
