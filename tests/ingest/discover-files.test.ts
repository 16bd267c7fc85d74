import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
    appendFileSync,
    mkdirSync,
    renameSync,
    rmSync,
    symlinkSync,
    unlinkSync,
    utimesSync,
    writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { connect } from "../../src/database/connect.ts";
import { createDiscovery, type Discovery } from "../../src/engine/discover/discover-files.ts";
import { createTailWatch, type TailWatch } from "../../src/engine/discover/watch-tails.ts";
import { failFile } from "../../src/engine/ledger/files.ts";
import { makeFolder, useEmptyDatabase } from "../support/fixture.ts";
import { waitUntil } from "../support/wait-until.ts";
import { openTestIngest, type TestIngest } from "./ingest-context.ts";

const database = useEmptyDatabase(import.meta.path);
let ingest: TestIngest;
let tails: TailWatch;
let discovery: Discovery;

beforeEach(async () => {
    ingest = await openTestIngest(database);
    tails = createTailWatch(10_000, { now: () => 0 });
    discovery = createDiscovery(ingest.context, tails);
});
afterEach(() => ingest.close());

const put = (name: string, content = "x\n") => writeFileSync(join(ingest.inputDir, name), content);
/** Looks at every file. */
const lookAtAll = () => discovery.look({ names: new Set(), isOverflow: true });
/** Looks at new names, and at those that the watch reported. */
const lookAt = (...names: string[]) => discovery.look({ names: new Set(names), isOverflow: false });

async function ledger() {
    return await database.sql<{ path: string; state: string; size: number; problem: string | null }[]>`
        select path, state, size_bytes as size, problem from ingest.files order by file_id`;
}
const paths = async () => (await ledger()).map(({ path }) => path);
const states = async () => Object.fromEntries((await ledger()).map(({ path, state }) => [path, state]));
const setState = (path: string, state: string) =>
    database.sql`update ingest.files set state = ${state} where path = ${path}`;
const fileIdOf = async (path: string) =>
    (await database.sql<{ fileId: number }[]>`select file_id as "fileId" from ingest.files where path = ${path}`)[0]!
        .fileId;

describe("files of other endings", () => {
    const told = () => ingest.lines.filter((text) => text.includes("not read because"));

    test("are told of once for each ending, with what to do, and not again at each look", async () => {
        for (const name of [
            "b.tsv",
            "a.tsv",
            "c.TSV.gz",
            "d.tsv",
            "notes.txt",
            "good.csv",
            ".hidden.txt",
            "x.csv.part",
        ])
            put(name);
        mkdirSync(join(ingest.inputDir, "folder.d"));
        for (let look = 0; look < 3; look += 1) await lookAtAll();
        put("later.tsv");
        await lookAtAll();
        expect(await paths()).toEqual(["good.csv"]);
        expect(told()).toHaveLength(2);
        expect(told().find((text) => text.includes(".tsv"))).toMatch(/ and 1 more: not read.*match: "\*\.tsv"/);
        expect(told().find((text) => text.includes(".txt"))).toStartWith("info: notes.txt: not read");
    });

    test("are bounded when there are thousands of them, with an ending each", async () => {
        for (let n = 0; n < 1_500; n += 1) put(`file.e${n}`);
        await lookAtAll();
        await lookAtAll();
        expect(told().length).toBe(20);
    });

    test("are read when a source names them", async () => {
        ingest.context.config = { ...ingest.context.config, sources: [{ match: "*.tsv" }] };
        discovery = createDiscovery(ingest.context, tails);
        for (const name of ["a.tsv", "b.TSV.gz", "c.txt", "d.csv"]) put(name);
        await lookAtAll();
        expect((await paths()).sort()).toEqual(["a.tsv", "b.TSV.gz", "d.csv"]);
        expect(told()).toHaveLength(1);
        put("e.tsv");
        expect(await lookAt("e.tsv")).toBe(1);
    });
});

describe("new files", () => {
    test("get a row each, in the order of the bytes of their names, and are found once", async () => {
        for (const name of ["b.csv", "a.csv", "Z.csv", "é.csv", "a-1.csv", "a1.csv", "\u{1f642}.csv", "\uffff.csv"])
            put(name);
        expect(await lookAtAll()).toBe(8);
        expect(await paths()).toEqual([
            "Z.csv",
            "a-1.csv",
            "a.csv",
            "a1.csv",
            "b.csv",
            "é.csv",
            "\uffff.csv",
            "\u{1f642}.csv",
        ]);
        expect(await lookAtAll()).toBe(0);
        put("a0.csv");
        expect([await lookAt(), await lookAt()]).toEqual([1, 0]);
        expect((await paths()).at(-1)).toBe("a0.csv");
    });

    test("with names that are not ready are left alone until they are renamed", async () => {
        put("_events.csv");
        put("events.csv.tmp");
        expect(await lookAtAll()).toBe(0);
        renameSync(join(ingest.inputDir, "events.csv.tmp"), join(ingest.inputDir, "events.csv"));
        expect(await lookAt()).toBe(1);
        expect(await paths()).toEqual(["events.csv"]);
    });

    test("may have any name that a file can have", async () => {
        const names = ['it\'s "q".csv', "back\\slash.csv", "new\nline.csv", "tab\t$1 {}.csv", "%s;drop.csv"];
        for (const name of names) put(name);
        await lookAtAll();
        expect((await paths()).sort()).toEqual(names.sort());
    });

    test("of no bytes, symbolic links and FIFOs are in the ledger, to fail visibly there; directories are none of ours", async () => {
        put("empty.csv", "");
        put("target.txt");
        symlinkSync("target.txt", join(ingest.inputDir, "link.csv"));
        symlinkSync("nowhere", join(ingest.inputDir, "dangling.csv"));
        Bun.spawnSync(["mkfifo", join(ingest.inputDir, "fifo.csv")]);
        mkdirSync(join(ingest.inputDir, "directory.csv"));
        expect(await lookAtAll()).toBe(4);
        expect(await paths()).toEqual(["dangling.csv", "empty.csv", "fifo.csv", "link.csv"]);
        expect((await ledger())[1]).toMatchObject({ size: 0, state: "pending" });
    });

    test("by the thousand are registered whole", async () => {
        for (let no = 0; no < 4_500; no += 1) put(`${no}.csv`);
        expect(await lookAtAll()).toBe(4_500);
        expect(await paths()).toHaveLength(4_500);
    });

    test("that another process has registered already are taken over, not doubled", async () => {
        put("a.csv");
        await lookAtAll();
        const other = createDiscovery(ingest.context, createTailWatch(0));
        expect(await other.look({ names: new Set(), isOverflow: true })).toBe(1);
        expect(await paths()).toEqual(["a.csv"]);
    });
});

describe("what the ledger may have forgotten", () => {
    test.each([
        ["small", 5_000],
        ["large, where looks wait for no pass", 1],
    ])("is looked up again at once, and nothing else with it, in a folder that is %s", async (_, largeFrom) => {
        discovery = createDiscovery(ingest.context, tails, largeFrom);
        const { proof } = ingest.context;
        const found = { previousMark: null, serverStartedAt: "noon", outages: 0 };
        const first = proof.nextMark();
        proof.renewed(first, found);
        put("a.csv");
        await lookAtAll();
        const second = proof.nextMark();
        proof.renewed(second, { ...found, previousMark: first });
        put("b.csv");
        await lookAt("b.csv");
        // A standby took over that lacked what came after the second mark; and of a.csv nothing is asked.
        await database.sql`delete from ingest.files`;
        proof.renewed(proof.nextMark(), { ...found, previousMark: second, serverStartedAt: "one" });
        expect(await lookAt()).toBe(1);
        expect(await paths()).toEqual(["b.csv"]);
    });
});

describe("a file that has changed", () => {
    test.each(["loaded", "merged", "skipped", "failed"])("is read again when it was %s", async (state) => {
        put("a.csv");
        await lookAtAll();
        await setState("a.csv", state);
        appendFileSync(join(ingest.inputDir, "a.csv"), "more\n");
        expect(await lookAt("a.csv")).toBe(1);
        expect(await states()).toEqual({ "a.csv": "pending" });
    });

    test("is found by a full look without the watch's help", async () => {
        put("a.csv");
        await lookAtAll();
        await setState("a.csv", "merged");
        utimesSync(join(ingest.inputDir, "a.csv"), 1, 1);
        expect(await lookAtAll()).toBe(1);
        expect(await states()).toEqual({ "a.csv": "pending" });
    });

    test("is found after a restart, by what the ledger remembers of it", async () => {
        put("same.csv");
        put("changed.csv");
        put("replaced.csv");
        await lookAtAll();
        for (const path of await paths()) await setState(path, "merged");
        put("changed.csv", "other content\n");
        put("replaced.tmp");
        renameSync(join(ingest.inputDir, "replaced.tmp"), join(ingest.inputDir, "replaced.csv"));
        discovery = createDiscovery(ingest.context, tails);
        await lookAtAll();
        expect(await states()).toEqual({ "same.csv": "merged", "changed.csv": "pending", "replaced.csv": "pending" });
    });

    test("gives its failed chunks another try", async () => {
        put("a.csv");
        await lookAtAll();
        const fileId = await fileIdOf("a.csv");
        await database.sql`
            insert into ingest.chunks
                (file_id, first_byte, end_byte, first_record_no, first_line_no, records, content_hash, state, attempts, problem)
            values (${fileId}, 0, 1, 1, 1, 1, 'x', 'failed', 3, 'merge_failed')`;
        await setState("a.csv", "failed");
        appendFileSync(join(ingest.inputDir, "a.csv"), "more\n");
        await lookAt("a.csv");
        const chunks = await database.sql`select state, attempts, problem from ingest.chunks`;
        expect([...chunks]).toEqual([{ state: "pending", attempts: 0, problem: null }]);
    });

    test("no longer waits for its tail to settle: it is looked at again", async () => {
        put("a.csv", "x");
        await lookAtAll();
        const fileId = await fileIdOf("a.csv");
        tails.wait({ fileId, path: "a.csv" }, { sizeBytes: 1, mtimeNs: "1", inode: "1" });
        expect(tails.waiting()).toEqual([fileId]);
        appendFileSync(join(ingest.inputDir, "a.csv"), "y");
        await lookAt("a.csv");
        expect(tails.waiting()).toEqual([]);
    });

    test("and was replaced by a newer version in the ledger stays replaced; the newer version is the one", async () => {
        put("a.csv");
        await lookAtAll();
        const fileId = await fileIdOf("a.csv");
        await database.sql`select ingest.replace_file(${fileId}, 3, 5, 7, 'rewritten')`;
        put("a.csv", "once more\n");
        await lookAt("a.csv");
        const versions = await database.sql`select version, state from ingest.files order by version`;
        expect([...versions]).toEqual([
            { version: 1, state: "replaced" },
            { version: 2, state: "pending" },
        ]);
    });
});

describe("a file that has not changed", () => {
    test("stays what it is, however often it is looked at", async () => {
        for (const name of ["merged", "skipped", "failed", "loaded"]) put(`${name}.csv`);
        await lookAtAll();
        for (const name of ["merged", "skipped", "failed", "loaded"]) await setState(`${name}.csv`, name);
        await lookAtAll();
        discovery = createDiscovery(ingest.context, tails);
        await lookAtAll();
        expect(await states()).toEqual({
            "merged.csv": "merged",
            "skipped.csv": "skipped",
            "failed.csv": "failed",
            "loaded.csv": "loaded",
        });
    });
});

describe("promise 8: a file that was gone when it was to be read, and came back the same,", () => {
    const away = () => renameSync(join(ingest.inputDir, "a.csv"), join(ingest.inputDir, "a.away"));
    const back = () => renameSync(join(ingest.inputDir, "a.away"), join(ingest.inputDir, "a.csv"));
    const vanish = async () =>
        failFile(ingest.context.sql, await fileIdOf("a.csv"), null, {
            problem: "file_vanished",
            detail: "It has disappeared.",
            retryAfterMs: null,
        });

    beforeEach(async () => {
        put("a.csv");
        await lookAtAll();
    });

    test("is read when it was seen to be away", async () => {
        away();
        await vanish();
        await lookAtAll();
        expect(await states()).toEqual({ "a.csv": "failed" });
        back();
        await lookAt();
        expect(await states()).toEqual({ "a.csv": "pending" });
    });

    test("is read when the watch reports it, though no look has missed it", async () => {
        away();
        await vanish();
        back();
        await lookAt("a.csv");
        expect(await states()).toEqual({ "a.csv": "pending" });
    });

    test("is read after a restart", async () => {
        await vanish();
        discovery = createDiscovery(ingest.context, tails);
        await lookAtAll();
        expect(await states()).toEqual({ "a.csv": "pending" });
    });
});

describe("in a large folder", () => {
    beforeEach(async () => {
        discovery = createDiscovery(ingest.context, tails, 1);
        put("a.csv");
        put("b.csv");
        await lookAt();
    });

    test("a file that the watch reports is found by that very look, new or changed", async () => {
        await setState("a.csv", "merged");
        await setState("b.csv", "merged");
        put("c.csv");
        appendFileSync(join(ingest.inputDir, "a.csv"), "more\n");
        expect(await lookAt("c.csv", "a.csv")).toBe(2);
        expect(await states()).toEqual({ "a.csv": "pending", "b.csv": "merged", "c.csv": "pending" });
    });

    test("a file that the watch missed is found by a later look, though none waits for a pass over the folder", async () => {
        put("c.csv");
        await waitUntil("a pass has found it", async () => (await lookAt()) === 1);
        expect(await paths()).toEqual(["a.csv", "b.csv", "c.csv"]);
    });

    test("a change that the watch missed is found by a later look", async () => {
        await setState("a.csv", "merged");
        await setState("b.csv", "merged");
        appendFileSync(join(ingest.inputDir, "b.csv"), "more\n");
        await waitUntil("a full pass has found it", async () => (await lookAt()) === 1);
        expect(await states()).toEqual({ "a.csv": "merged", "b.csv": "pending" });
    });

    test("a reported file that could not be written into the ledger is found by a later look", async () => {
        const unreachable = connect({ ...database.target, port: 1 }, { applicationName: "test", max: 1 });
        const reachable = ingest.context.sql;
        ingest.context.sql = unreachable;
        put("c.csv");
        await expect(lookAt("c.csv")).rejects.toThrow();
        ingest.context.sql = reachable;
        await waitUntil("a pass has found it", async () => (await lookAt()) === 1);
        await unreachable.end({ timeout: 0 });
    });

    test("should fail, at a later look: the folder is gone", async () => {
        rmSync(ingest.inputDir, { recursive: true });
        await waitUntil("a look throws", () =>
            lookAt().then(
                () => null,
                (error: { code?: string }) => error.code === "input_folder_missing",
            ),
        );
        mkdirSync(ingest.inputDir);
    });
});

describe("a look that fails", () => {
    test("should fail: the folder is gone, is a file", async () => {
        discovery = createDiscovery(
            { ...ingest.context, config: { ...ingest.context.config, inputDir: join(ingest.inputDir, "nowhere") } },
            tails,
        );
        await expect(lookAtAll()).rejects.toMatchObject({ code: "input_folder_missing" });
        put("file.csv");
        discovery = createDiscovery(
            { ...ingest.context, config: { ...ingest.context.config, inputDir: join(ingest.inputDir, "file.csv") } },
            tails,
        );
        await expect(lookAtAll()).rejects.toMatchObject({ code: "input_folder_unreadable" });
    });

    test("forgets nothing: what it could not write into the ledger is found by the next", async () => {
        const unreachable = connect({ ...database.target, port: 1 }, { applicationName: "test", max: 1 });
        const context = { ...ingest.context, sql: unreachable };
        discovery = createDiscovery(context, tails);
        put("a.csv");
        await expect(lookAtAll()).rejects.toThrow();
        context.sql = ingest.context.sql;
        expect(await lookAt()).toBe(1);
        expect(await paths()).toEqual(["a.csv"]);
        await unreachable.end({ timeout: 0 });
    });

    test("a file that goes between the look at names and the look at it is not there", async () => {
        put("a.csv");
        put("b.csv");
        const looking = lookAtAll();
        unlinkSync(join(ingest.inputDir, "a.csv"));
        await looking;
        expect(await lookAtAll()).toBe(0);
        expect(await paths()).toContain("b.csv");
    });
});

test("a folder is found to be empty", async () => {
    const empty = makeFolder();
    const context = { ...ingest.context, config: { ...ingest.context.config, inputDir: empty } };
    expect(await createDiscovery(context, tails).look({ names: new Set(["gone.csv"]), isOverflow: true })).toBe(0);
});
