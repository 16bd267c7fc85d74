/**
 * Of a snapshot's plain records COPY may stage typed values in place of texts. Whether that is tried is a guess, so it must never show:
 * the same files give the same rows, counts and rejects either way.
 */
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import type { TableStream } from "../../src/streams/apply-stream.ts";
import { useDatabase } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { runsOf } from "../support/sample.ts";
import { anyRemoval, snapshotOf } from "../support/snapshots.ts";
import { declare, useSeveralStreams } from "./several-streams.ts";

setDefaultTimeout(testTimeoutMs);

const database = useDatabase(import.meta.path);
const { sql } = database;
/** The same table three times: its files are tried typed, staged as text, or what the ledger says. */
const ways = ["typed", "text", "guessed"] as const;
type Way = (typeof ways)[number];
const maxRejects = { kind: "count", most: 12 } as const;
const snapshot = (way: Way): TableStream => ({
    ...declare(way, `${way}/*.csv`, `${way}.goods`),
    mode: snapshotOf(`${way}.goods`, { ...anyRemoval, maxRejects }).mode,
});
const several = useSeveralStreams(database, () => ways.map(snapshot));
const seed = Number(process.env.SLUICE_SEED || Math.floor(Math.random() * 2 ** 31));
const runs = Number(process.env.SLUICE_RUNS || runsOf(4, 2));

beforeAll(async () => {
    for (const way of ways) {
        await sql.unsafe(`
            create schema ${way};
            create table ${way}.owners (id bigint primary key);
            insert into ${way}.owners values (1), (2);
            create type ${way}.colour as enum ('red', 'Green');
            create table ${way}.goods (
                no bigint primary key,
                "Word short" varchar(5) not null,
                letter char(2),
                colour ${way}.colour default 'red',
                amount integer not null check (amount >= 0),
                price numeric(6, 2),
                at timestamptz,
                is_new boolean,
                owner_id bigint references ${way}.owners,
                drawn_at timestamptz default clock_timestamp()
            )`);
    }
    await sql.unsafe(`
        alter function ingest.wants_text rename to guesses_text;
        create function ingest.wants_text(this_file_id bigint) returns boolean language sql return (
            select case streams.name
                when 'typed' then files.attempts > 0
                when 'text' then true
                else ingest.guesses_text(this_file_id)
            end
            from ingest.files
            inner join ingest.streams using (stream_id)
            where files.file_id = this_file_id
        )`);
});

const often = <Value>(good: readonly Value[], odd: readonly Value[]) =>
    fc.oneof({ weight: 60, arbitrary: fc.constantFrom(...good) }, { weight: 1, arbitrary: fc.constantFrom(...odd) });
const valuesOf = fc.record({
    word: often(["a", "ünïcö", "\\N"], ["too long", " b", "b  ", '"q,q"', '""', "", "a\u00a0"]),
    letter: often(["x", "xy", ""], ["xyz", "x "]),
    colour: often(["red", "Green", ""], ["RED", "blue"]),
    amount: often(["1", "0", "007", "2147483647"], ["-1", "x", "", "2147483648", "1.0"]),
    price: often(["1.50", "1.5", "0", "-9999.99", ""], ["1.505", "12345", "1e2", "NaN"]),
    at: often(["2026-05-01T10:00:00Z", "2026-05-01 12:00:00+02", ""], ["2026-02-30", "soon", "2026-05-01"]),
    isNew: often(["true", "f", "1", ""], ["TRUE", "maybe"]),
    owner: often(["1", "2", ""], ["9"]),
});
const lineOf = fc
    .tuple(fc.integer({ min: 1, max: 40 }), valuesOf)
    .map(([no, values]) => [no, ...Object.values(values)].join(","));
const scheduleOf = fc.record({
    // Each again with what the one before had, so that most rows stay as they are.
    files: fc.array(fc.array(lineOf, { minLength: 1, maxLength: 12 }), { minLength: 2, maxLength: 4 }),
    maxChunkBytes: fc.constantFrom(100, 400, 100_000),
    comma: fc.constantFrom(",", ",", ";"),
});
const header = "no,Word short,letter,colour,amount,price,at,is_new,owner_id";

async function outcomeOf(way: Way) {
    const rows = await sql.unsafe(`
        select no, "Word short", letter, colour::text, amount, price, at, is_new, owner_id from ${way}.goods order by no`);
    const counts = await sql`
        select
            split_part(files.path, '/', 2) as file, files.state, files.problem, files.problem_detail,
            sum(chunk_merges.read)::integer as read,
            sum(chunk_merges.inserted)::integer as inserted,
            sum(chunk_merges.updated)::integer as updated,
            sum(chunk_merges.duplicate)::integer as duplicate,
            sum(chunk_merges.conflict)::integer as conflict,
            sum(chunk_merges.rejected)::integer as rejected,
            sum(chunk_merges.removed)::integer as removed
        from ingest.files
        left join ingest.chunks using (file_id)
        left join ingest.chunk_merges using (chunk_id)
        where files.path like ${`${way}/%`}
        group by files.file_id
        order by files.path`;
    const rejects = await sql`
        select
            split_part(files.path, '/', 2) as file, rejects.record_no, rejects.kind, rejects.reasons, rejects.record,
            rejects.refusal ->> 'constraint' as refused_by
        from ingest.rejects
        inner join ingest.chunks using (chunk_id)
        inner join ingest.files using (file_id)
        where files.path like ${`${way}/%`}
        order by files.path, rejects.record_no, rejects.kind`;
    return { rows: [...rows], counts: [...counts], rejects: [...rejects] };
}

let runNo = 0;

test(`whatever the snapshots, rows, counts and rejects are the same, SLUICE_SEED=${seed}`, async () => {
    await fc.assert(
        fc.asyncProperty(scheduleOf, async ({ files, maxChunkBytes, comma }) => {
            runNo += 1;
            let lines: string[] = [];
            for (const [fileNo, more] of files.entries()) {
                // Those of the file before come behind: of a key that both have, the new record is the first.
                lines = [...more, ...lines.filter((line) => !more.some((other) => keyOf(other) === keyOf(line)))];
                const text = [header, ...lines, ""].map((line) => line.replaceAll(",", comma)).join("\n");
                for (const way of ways) several.put(`${way}/run-${runNo}-${fileNo}.csv`, text);
                await several.ingestOnce({}, { maxChunkBytes, tailSettleMs: 0 });
            }
            const expected = await outcomeOf("text");
            expect(await outcomeOf("typed")).toEqual(expected);
            expect(await outcomeOf("guessed")).toEqual(expected);
        }),
        { seed, numRuns: runs },
    );
});

const keyOf = (line: string) => line.slice(0, line.indexOf(","));
const plainLine = (no: number, word = "a") => `${no},${word},x,red,007,1.5,2026-05-01T10:00:00Z,true,1`;

test("a file of which a record conflicts is read again, as text, and the reject has the text of the file", async () => {
    for (const way of ways)
        several.put(`${way}/conflict.csv`, [header, plainLine(1), plainLine(1, "b"), ""].join("\n"));
    const { lines, stop } = several.start({}, { tailSettleMs: 0 });
    const isMerged = async () =>
        (await outcomeOf("typed")).counts.some(({ file, state }) => file === "conflict.csv" && state === "merged");
    while (!(await isMerged())) await Bun.sleep(50);
    await stop();
    const { rejects } = await outcomeOf("typed");
    expect(rejects.filter(({ file }) => file === "conflict.csv")).toMatchObject([
        { record_no: 2, kind: "conflict", record: { amount: "007", price: "1.5", at: "2026-05-01T10:00:00Z" } },
    ]);
    const again = lines.filter((line) => line.includes("is read again"));
    expect(again.filter((line) => line.includes("typed/conflict.csv"))).toHaveLength(1);
    expect(again.filter((line) => line.includes("text/conflict.csv"))).toHaveLength(0);
});

const isRepeating = [
    ["the key of a row that stays as it is, with other values", [plainLine(1), plainLine(2), plainLine(1, "b")]],
    ["a row that stays as it is", [plainLine(1), plainLine(2), plainLine(2)]],
    ["a row that changes", [plainLine(1), plainLine(2, "b"), plainLine(2, "b")]],
    ["a new row", [plainLine(1), plainLine(2), plainLine(3), plainLine(3)]],
] as const;
const saysNothing = (no: number) => plainLine(no).replace(",red,", ",,");

test.each([
    ...isRepeating.map(([what, lines]) => [`repeats ${what}`, lines] as const),
    ["has invalid records", [plainLine(1), plainLine(2), plainLine(3, "too long")]],
    ["says nothing where the table has a default", [plainLine(1), saysNothing(2), saysNothing(3)]],
])("a typed file that %s does what its text would do", async (name, lines) => {
    runNo += 1;
    // In the order of paths each comes after all before.
    const file = `z-${String(runNo).padStart(4, "0")}`;
    for (const [round, now] of [[plainLine(1), plainLine(2)], lines].entries()) {
        for (const way of ways) several.put(`${way}/${file}-${round}.csv`, [header, ...now, ""].join("\n"));
        await several.ingestOnce({}, { tailSettleMs: 0 });
    }
    const { rows, counts, rejects } = await outcomeOf("typed");
    const expected = await outcomeOf("text");
    expect({ name, rows, counts, rejects }).toEqual({ name, ...expected });
    expect(counts.at(-1)).toMatchObject({ file: `${file}-1.csv`, state: "merged", read: lines.length });
});
