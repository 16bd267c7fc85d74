/** A dry run says what an ingest would do, and leaves nothing, killed or not. */
import { expect, test } from "bun:test";
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readConfigFile } from "../../src/config/read-config-file.ts";
import { type TryOptions, tryFiles } from "../../src/operations/try/try-files.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { readCases } from "../cases/read-case.ts";
import { header, idOf, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { expectChecksToPass } from "../support/read-tables.ts";
import { runScript, spawnScript } from "../support/run-script.ts";
import { sample } from "../support/sample.ts";
import { whenWaiting } from "../support/sessions.ts";
import { waitUntil } from "../support/wait-until.ts";

const config = { maxRecordBytes: 1024 * 1024, maxChunkBytes: 16 * 1024 * 1024 };

const database = useEmptyDatabase(import.meta.path);
const dir = useFolder();

const write = async (name: string, lines: string[], columns = header) => {
    const path = join(dir, name);
    await writeFile(path, `${[columns, ...lines].join("\n")}\n`);
    return path;
};
const view = (no: number, price = "1") => `${idOf(no)},view,p,u,2024-01-01 00:00:00,,${price}`;
const tryWith = (more: Partial<TryOptions["config"]>, ...files: string[]) =>
    tryFiles({ stream: eventsStream, target: database.target, config: { ...config, ...more }, files });
const tryThem = (...files: string[]) => tryWith({}, ...files);

/** Every row of every table, counted, and who holds what. */
async function whatIsThere(): Promise<unknown> {
    const [row] = await database.sql`
        select
            (select count(*) from events) as events,
            (select count(*) from ingest.rejects) as rejects,
            (select count(*) from ingest.staging) as staging,
            (select json_agg(files order by file_id) from ingest.files) as files,
            (select count(*) from ingest.loads) as loads,
            (select count(*) from ingest.chunks) as chunks,
            (select count(*) from ingest.batches) as batches,
            (select json_agg(event_stats order by grain, bucket, event_type) from ingest.event_stats) as stats,
            (
                select count(*) from pg_stat_activity
                where datname = current_database() and application_name = 'sluice try'
            ) as sessions`;
    return row;
}

/** The end of a session takes the server a moment. */
async function expectToSettleAt(before: unknown): Promise<void> {
    const asText = JSON.stringify(before);
    await waitUntil("all is as before", async () => JSON.stringify(await whatIsThere()) === asText);
    expect(await whatIsThere()).toEqual(before);
}

test("says what would be inserted, duplicate, in conflict and rejected, and why, with samples", async () => {
    await write("stored.csv", [view(1), view(2, "2")]);
    await ingestFolder(database.target, dir);
    const before = await whatIsThere();
    const file = await write(
        "new.csv",
        [
            `${view(1)},`,
            `${view(2, "9")},`,
            `${view(3, "")},red`,
            `${view(3, "")},red`,
            `${idOf(4)},buy,,u,2024-01-01 00:00:00,,,`,
            "only,two",
        ],
        `${header},colour`,
    );

    const [tried] = await tryThem(file);

    expect(tried).toMatchObject({
        file,
        problem: null,
        copyOf: null,
        extraColumns: ["colour"],
        way: "verbatim",
        records: { read: 6, inserted: 1, duplicate: 2, conflict: 1, rejected: 2 },
        insertedSamples: [{ recordNo: 3, record: { event_id: idOf(3), colour: "red" } }],
    });
    expect(tried!.reasons.map(({ reason, records }) => [reason, records])).toEqual([
        ["event_id_conflict", 1],
        ["event_type_unknown", 1],
        ["product_id_missing", 1],
        ["too_few_fields", 1],
    ]);
    expect(tried!.reasons[0]!.samples).toMatchObject([
        { recordNo: 2, record: { price: "9" }, stored: { event_id: idOf(2), price: "2.00" } },
    ]);
    expect(tried!.reasons[3]!.samples).toMatchObject([{ recordNo: 6, lineNo: 7, rawText: "only,two" }]);
    await expectToSettleAt(before);
});

test("several files are tried as one ingest: the first record of an id wins", async () => {
    const first = await write("b.csv", [view(1)]);
    const second = await write("a.csv", [view(1, "2")]);

    const tried = await tryThem(first, second);

    expect(tried.map(({ records }) => records)).toMatchObject([
        { read: 1, inserted: 1, duplicate: 0, conflict: 0, rejected: 0 },
        { read: 1, inserted: 0, duplicate: 0, conflict: 1, rejected: 0 },
    ]);
});

test("a file that would fail says so, and the others are tried", async () => {
    const bad = await write("bad.csv", ["1,2"], "foo,bar");
    const good = await write("good.csv", [view(1)]);

    const tried = await tryThem(bad, join(dir, "missing.csv"), good);

    expect(tried.map(({ problem }) => problem)).toEqual(["header_missing_columns", "file_vanished", null]);
    expect(tried[2]!.records.inserted).toBe(1);
});

test("a file above its reject budget would fail, and its reasons are told", async () => {
    const file = await write("a.csv", [view(1), "only,two"]);
    const within = async (most: number) => (await tryWith({ maxRejects: { kind: "ratio", most } }, file))[0];

    expect(await within(0.5)).toMatchObject({ problem: null });
    expect(await within(0.4)).toMatchObject({
        problem: "too_many_rejects",
        records: { read: 2, rejected: 1 },
        reasons: [{ reason: "too_few_fields" }],
    });
});

test("a file whose content is merged already would be skipped", async () => {
    await write("a.csv", [view(1)]);
    await ingestFolder(database.target, dir);
    await copyFile(join(dir, "a.csv"), join(dir, "b.csv"));

    expect((await tryThem(join(dir, "b.csv")))[0]).toMatchObject({
        copyOf: "a.csv",
        records: { read: 1, duplicate: 1 },
    });
});

test("a running ingest goes on: a dry run locks one slice at a time, and never the ledger", async () => {
    const lines = [5, 6, 7].map((n) => view(n));
    const file = await write("a.csv", lines);
    const release = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    // A merge that holds slice 7 for long: the dry run waits for it with no other slice in its hands.
    const holder = database.sql.begin(async (transaction) => {
        await transaction`select from ingest.slices where slice_no = 7 for update`;
        held.resolve();
        await release.promise;
    });
    await held.promise;
    const trying = tryThem(file);
    await whenWaiting(database.sql);
    const [free] = await database.sql`
        select count(*) as slices from (select from ingest.slices for update skip locked) as free_slices`;

    expect(free).toEqual({ slices: 15 });
    release.resolve();
    await holder;
    expect((await trying)[0]!.records.inserted).toBe(3);
});

test("killed while it waits or works, it leaves nothing", async () => {
    const lines = Array.from({ length: 60_000 }, (_, n) => view(n));
    const file = await write("a.csv", lines);
    const before = await whatIsThere();
    for (const afterMs of [700, 1000, 1300]) {
        const child = spawnScript("try", [file, "--database-url", database.url]);
        await Bun.sleep(afterMs);
        child.kill("SIGKILL");
        await child.exited;
        await expectToSettleAt(before);
    }
    await expectChecksToPass(database.sql);
}, 90_000);

test("the command: samples on one screen, nothing raw reaches the terminal, 1 when a file would fail", async () => {
    const file = await write("a.csv", [`${idOf(1)},view,p\u001b[31m,u,2024-01-01 00:00:00,,1`, "x\u001b[2J,y"]);
    const good = await runScript("try", [file, "--database-url", database.url]);

    expect(good).toMatchObject({ exitCode: 0, stderr: "" });
    expect(good.stdout).toContain("2 read = 1 inserted + 0 duplicate + 0 conflict + 1 rejected");
    expect(good.stdout).toContain("too_few_fields  1 record\n    record 2, line 3: x\\x1b[2J,y");
    expect(good.stdout).not.toContain("\u001b");

    await writeFile(join(dir, "other.csv"), "this,is,another\n1,2,3\n");
    const bad = await runScript("try", [join(dir, "other.csv"), "--json", "--database-url", database.url]);
    expect(bad.exitCode).toBe(1);
    expect(JSON.parse(bad.stdout)[0]).toMatchObject({ problem: "header_missing_columns" });
});

/** The hand-written cases of one step: what the dry run foretells is what the case expects. */
const oneStepCases = readCases(join(import.meta.dir, "../cases")).filter(
    ({ steps, overrides, files }) =>
        steps.length === 1 && Object.keys(overrides).length === 0 && files.every(({ state }) => state === "merged"),
);

test.each(sample(oneStepCases, 30).map((testCase) => [testCase.name, testCase] as const))(
    "foretells the case %s",
    async (_name, { steps, counts, configFile, files: expected }) => {
        const names = expected.map(({ path }) => path).sort();
        const sources = configFile ? await readConfigFile(configFile, eventsStream) : [];
        const files = names.map((name) => join(steps[0]!, name));
        const tried = await tryWith({ sources }, ...files);
        const total = { read: 0, inserted: 0, duplicate: 0, conflict: 0, rejected: 0 };
        for (const { records } of tried) {
            for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += records[name];
        }

        expect(total).toEqual(counts);
    },
);

test("notes that an ingest does not read a file of such a name", async () => {
    const path = await write("a.tsv", [view(1)]);
    const tryAs = async (sources: { match: string }[]) => (await tryWith({ sources }, path))[0]!.notes;
    expect((await tryAs([])).join()).toContain("does not read a file with this name");
    expect(await tryAs([{ match: "*.tsv" }])).toEqual([]);
});

test("notes what an ingest would still wait for: a last record, a compressed file that changed just now", async () => {
    const whole = await write("whole.csv", [view(1)]);
    const tail = join(dir, "tail.csv");
    await writeFile(tail, `${header}\n${idOf(2)},view,p,u,2024-01-01 00:00:00,,1`);
    const packed = join(dir, "packed.csv.gz");
    await writeFile(packed, Bun.gzipSync(await Bun.file(whole).bytes()));
    const tried = await tryWith({ tailSettleMs: 10_000 }, whole, tail, packed);
    const notes = tried.map((file) => file.notes.join());
    expect(notes).toEqual(["", expect.stringContaining("its last record"), expect.stringContaining("compressed file")]);
    expect((await tryThem(whole, tail, packed)).flatMap((tried) => tried.notes)).toEqual([]);
});
