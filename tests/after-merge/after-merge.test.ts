/** Files leave the folder after their merge and never before, and whatever fails on the way, nothing is ingested twice. */
import { expect, test } from "bun:test";
import { appendFileSync, rmSync } from "node:fs";
import { appendFile, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createArchiver } from "../../src/engine/archive/archive-files.ts";
import type { IngestContext } from "../../src/engine/context.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { header, idOf, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";

const line = (n: number) => `${idOf(n)},view,p,u,2024-01-01 00:00:00,,1\n`;
const today = new Date().toISOString().slice(0, 10);

const database = useEmptyDatabase(import.meta.path);
const root = useFolder("input");
const inputDir = join(root, "input");
const archiveDir = join(root, "archive");

const put = (name: string, ...numbers: number[]) =>
    writeFile(join(inputDir, name), `${header}\n${numbers.map(line).join("")}`);
const ingest = (afterMerge: "keep" | "archive" | "delete") =>
    ingestFolder(database.target, inputDir, { afterMerge, archiveDir });
const ledger = async () => [
    ...(await database.sql`
        select path, version, state, archived_at is not null as left, archived_to as "to"
        from ingest.files order by path, version`),
];

/** An archiver of its own, to pass when the test says so, by the test's clock. */
function archiverOf(afterMerge: "archive" | "delete", settleMs = 0, now = () => 0) {
    const lines: string[] = [];
    const log = { info() {}, warn: (text: string) => void lines.push(text), error() {} };
    const config = { inputDir, archiveDir, afterMerge };
    const context = { stream: eventsStream, config, sql: database.sql, log } as unknown as IngestContext;
    return { lines, archiver: createArchiver(context, settleMs, { now }) };
}

test("by default files stay", async () => {
    await put("a.csv", 1);
    await ingest("keep");

    expect(await readdir(inputDir)).toEqual(["a.csv"]);
    expect(await ledger()).toEqual([{ path: "a.csv", version: 1, state: "merged", left: false, to: null }]);
});

test("archive moves merged files and copies of them, by the day of the merge; what failed stays", async () => {
    await put("a.csv", 1);
    await ingest("keep");
    await put("b.csv", 1);
    await writeFile(join(inputDir, "bad.csv"), "foo,bar\n1,2\n");
    await ingest("archive");

    expect(await readdir(inputDir)).toEqual(["bad.csv"]);
    expect(await readFile(join(archiveDir, today, "a.csv"), "utf8")).toBe(`${header}\n${line(1)}`);
    expect(await ledger()).toEqual([
        { path: "a.csv", version: 1, state: "merged", left: true, to: join(archiveDir, today, "a.csv") },
        { path: "b.csv", version: 1, state: "skipped", left: true, to: join(archiveDir, today, "b.csv") },
        { path: "bad.csv", version: 1, state: "failed", left: false, to: null },
    ]);
    expect((await ingest("archive")).records.read).toBe(0);
});

test("delete deletes, and the ledger says when", async () => {
    await put("a.csv", 1);
    await ingest("delete");

    expect(await readdir(inputDir)).toEqual([]);
    expect(await ledger()).toEqual([{ path: "a.csv", version: 1, state: "merged", left: true, to: null }]);
});

test("a file that grew since its merge stays, is continued, and leaves then", async () => {
    await put("a.csv", 1);
    await ingest("keep");
    await appendFile(join(inputDir, "a.csv"), line(2));

    expect(await archiverOf("archive").archiver.pass()).toBe(0);
    expect(await readdir(inputDir)).toEqual(["a.csv"]);
    expect((await ingest("archive")).records).toMatchObject({ read: 1, inserted: 1 });
    expect(await readFile(join(archiveDir, today, "a.csv"), "utf8")).toBe(`${header}\n${line(1)}${line(2)}`);
});

test("a file leaves only when it has been still for long enough", async () => {
    await put("a.csv", 1);
    await ingest("keep");
    let clock = 0;
    const { archiver } = archiverOf("archive", 10_000, () => clock);

    expect(await archiver.pass()).toBe(0);
    clock = 9_999;
    expect(await archiver.pass()).toBe(0);
    clock = 10_000;
    expect(await archiver.pass()).toBe(1);
});

test("another file of the same name and day is archived beside the first", async () => {
    await put("a.csv", 1);
    await ingest("archive");
    await put("a.csv", 2);
    expect((await ingest("archive")).records).toMatchObject({ inserted: 1 });

    const names = (await readdir(join(archiveDir, today))).sort();
    expect(names).toHaveLength(2);
    expect(names[1]).toBe("a.csv");
    expect(names[0]).toMatch(/^a\.\d+\.csv$/);
});

test("a failure is retried, said once, and never causes a second ingest", async () => {
    await put("a.csv", 1);
    await ingest("keep");
    await writeFile(archiveDir, "in the way");
    let clock = 0;
    const { archiver, lines } = archiverOf("archive", 0, () => clock);
    for (clock = 0; clock < 60_000; clock += 1_000) expect(await archiver.pass()).toBe(0);
    expect(lines).toHaveLength(1);
    expect(await readdir(inputDir)).toEqual(["a.csv"]);
    expect((await ingest("keep")).records.read).toBe(0);

    await rm(archiveDir);
    clock += 600_000;
    expect(await archiver.pass()).toBe(1);
    expect((await ingest("archive")).records.read).toBe(0);
    expect((await database.sql`select count(*) from ingest.chunks`)[0]).toEqual({ count: 1 });
});

test.each([
    ["before it was renamed aside", "afterMerge"],
    ["after it was looked at again", "archiveDir"],
] as const)("a file that grows %s is put back and continued", async (_when, setting) => {
    await put("a.csv", 1);
    await ingest("keep");
    const values = { inputDir, archiveDir, afterMerge: "archive" as const };
    let looks = 0;
    // The setting is read at that very moment: the archiver asks for it between two of its steps.
    const config = Object.defineProperty({ ...values }, setting, {
        get() {
            looks += 1;
            const aside = new Bun.Glob(".sluice-leaving-*/a.csv").scanSync({ cwd: inputDir, dot: true });
            const path = [...aside][0] ?? "a.csv";
            if (setting === "archiveDir" || looks === 2) appendFileSync(join(inputDir, path), line(2));
            return values[setting];
        },
    });
    const log = { info() {}, warn() {}, error() {} };
    const archiver = createArchiver(
        { stream: eventsStream, config, sql: database.sql, log } as unknown as IngestContext,
        0,
    );

    expect(await archiver.pass()).toBe(0);
    expect(await readdir(inputDir)).toEqual(["a.csv"]);
    expect(await ledger()).toMatchObject([{ state: "merged", left: false }]);
    expect((await ingest("archive")).records).toMatchObject({ read: 1, inserted: 1 });
    expect(await readdir(inputDir)).toEqual([]);
});

test("one that another worker takes away in that moment leaves no folder behind", async () => {
    await put("a.csv", 1);
    await ingest("keep");
    let looks = 0;
    const config = {
        ...{ inputDir, archiveDir },
        get afterMerge() {
            looks += 1;
            if (looks === 2) rmSync(join(inputDir, "a.csv"));
            return "archive";
        },
    };
    const log = { info() {}, warn() {}, error() {} };
    const context = { stream: eventsStream, config, sql: database.sql, log } as unknown as IngestContext;

    expect(await createArchiver(context, 0).pass()).toBe(0);
    expect(await readdir(inputDir)).toEqual([]);
});

test("what a crash left aside comes back, is not ingested again, and leaves then", async () => {
    await put("a.csv", 1);
    await ingest("keep");
    const inode = (await stat(join(inputDir, "a.csv"))).ino;
    await mkdir(join(inputDir, ".sluice-leaving-7"));
    await rename(join(inputDir, "a.csv"), join(inputDir, ".sluice-leaving-7/a.csv"));

    expect((await ingest("keep")).records.read).toBe(0);
    expect(await readdir(inputDir)).toEqual(["a.csv"]);
    expect((await stat(join(inputDir, "a.csv"))).ino).toBe(inode);
    expect((await ingest("archive")).records.read).toBe(0);
    expect(await readdir(inputDir)).toEqual([]);
});

test("what a crash left aside leaves with the very next run: putting it back changes its ctime, and its bytes are compared", async () => {
    await put("a.csv", 1);
    await ingest("keep");
    await mkdir(join(inputDir, ".sluice-leaving-7"));
    await rename(join(inputDir, "a.csv"), join(inputDir, ".sluice-leaving-7/a.csv"));
    await ingest("archive");

    expect(await readdir(inputDir)).toEqual([]);
    expect(await readdir(join(archiveDir, today))).toEqual(["a.csv"]);
});

test("what a crash left aside never overwrites a file that came meanwhile", async () => {
    await put("a.csv", 1);
    await mkdir(join(inputDir, ".sluice-leaving-7"));
    await rename(join(inputDir, "a.csv"), join(inputDir, ".sluice-leaving-7/a.csv"));
    await put("a.csv", 2);
    await ingest("keep");
    await ingest("keep");

    expect((await readdir(inputDir)).sort()).toEqual(["a.7.csv", "a.csv"]);
    expect((await database.sql`select count(*) from events`)[0]).toEqual({ count: 2 });
});

test("moved, and the ledger missed it: the next pass finds it in the archive", async () => {
    await put("a.csv", 1);
    await ingest("keep");
    await mkdir(join(archiveDir, today), { recursive: true });
    await rename(join(inputDir, "a.csv"), join(archiveDir, today, "a.csv"));

    expect(await archiverOf("archive").archiver.pass()).toBe(1);
    expect((await ledger())[0]).toMatchObject({ left: true, to: join(archiveDir, today, "a.csv") });
});

test("an archived file that is delivered again is no news, and leaves again", async () => {
    await put("a.csv", 1);
    await ingest("archive");
    await put("a.csv", 1);
    expect((await ingest("archive")).records.read).toBe(0);

    expect(await readdir(inputDir)).toEqual([]);
    expect((await ledger())[0]).toMatchObject({ version: 1, state: "merged", left: true });
});

test.each([
    ["of 255 bytes", `${"n".repeat(251)}.csv`],
    ["of 255 bytes that are 84 characters", `${"\u20ac".repeat(83)}ab.csv`],
    ["of 255 bytes, compressed", `${"n".repeat(248)}.csv.gz`],
])("a name %s is archived however often it is delivered", async (_, name) => {
    expect(Buffer.byteLength(name)).toBe(255);
    const bytes = (n: number) => {
        const text = Buffer.from(`${header}\n${line(n)}`);
        return name.endsWith(".gz") ? Bun.gzipSync(text) : text;
    };
    for (const n of [1, 2, 3]) {
        await writeFile(join(inputDir, name), bytes(n));
        await ingest("archive");
        expect(await readdir(inputDir)).toEqual([]);
    }
    const names = await readdir(join(archiveDir, today));
    expect(names).toHaveLength(3);
    for (const archived of names) expect(archived).toMatch(name.endsWith(".gz") ? /\.csv\.gz$/ : /\.csv$/);
    expect(names.join()).not.toContain("\ufffd");
});

test("the same file delivered again and again is archived each time", async () => {
    for (let delivery = 0; delivery < 4; delivery += 1) {
        await put("a.csv", 1);
        await ingest("archive");
        expect(await readdir(inputDir)).toEqual([]);
    }
    const names = (await readdir(join(archiveDir, today))).sort();
    expect(names.map((name) => name.replace(/\d+/, "N"))).toEqual(["a.N-2.csv", "a.N-3.csv", "a.N.csv", "a.csv"]);
});

test("what is put back under another name is a name that is read", async () => {
    await writeFile(join(inputDir, "a.csv.gz"), Bun.gzipSync(Buffer.from(`${header}\n${line(1)}`)));
    await mkdir(join(inputDir, ".sluice-leaving-7"));
    await rename(join(inputDir, "a.csv.gz"), join(inputDir, ".sluice-leaving-7/a.csv.gz"));
    await writeFile(join(inputDir, "a.csv.gz"), Bun.gzipSync(Buffer.from(`${header}\n${line(2)}`)));
    await ingest("keep");
    await ingest("keep");
    expect((await readdir(inputDir)).sort()).toEqual(["a.7.csv.gz", "a.csv.gz"]);
    expect((await database.sql`select count(*) from events`)[0]).toEqual({ count: 2 });
});

test.each([
    ["is the archive's folder of a day", (dir: string) => join(dir, today)],
    ["is the archive", (dir: string) => dir],
    ["is the archive by a link", (dir: string) => `${dir}-link`],
])("should fail: the input folder %s", async (_, folderOf) => {
    await mkdir(join(archiveDir, today), { recursive: true });
    await symlink(archiveDir, `${archiveDir}-link`);
    const overrides = { afterMerge: "archive" as const, archiveDir };
    await expect(ingestFolder(database.target, folderOf(archiveDir), overrides)).rejects.toThrow(
        "archived into the input again",
    );
    await ingestFolder(database.target, folderOf(archiveDir), { ...overrides, afterMerge: "keep" });
});
