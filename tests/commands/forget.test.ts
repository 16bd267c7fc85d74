/** A failed file that is gone is forgotten: by name, and by itself when nothing of it got in. It is read anew if it comes back. */
import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createDiscovery } from "../../src/engine/discover/discover-files.ts";
import { createForgetGone } from "../../src/engine/discover/forget-gone.ts";
import { createTailWatch } from "../../src/engine/discover/watch-tails.ts";
import { readStatus } from "../../src/operations/status/read-status.ts";
import { openTestIngest, type TestIngest } from "../ingest/ingest-context.ts";
import { headerLine, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { startIngest } from "../support/ingest-process.ts";
import { expectSound, readFileStates } from "../support/read-tables.ts";
import { type Ran, runScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";

const record = (n: number) =>
    `00000000-0000-4000-8000-${String(n).padStart(12, "0")},view,p1,u1,2024-05-01 10:00:00,1,1.00\n`;
const bad = "foo,bar\n1,2\n";

const database = useEmptyDatabase(import.meta.path);
const folder = useFolder("input");
const inputDir = join(folder, "input");

const at = (name: string) => join(inputDir, name);
const put = (name: string, content: string) => writeFileSync(at(name), content);
const ingest = () => ingestFolder(database.target, inputDir);
const states = () => readFileStates(database.sql);
const forget = (...args: string[]): Promise<Ran> =>
    runScript("files", ["--forget", ...args, "--input", inputDir], { environment: { DATABASE_URL: database.url } });

/** A file of which one record was merged, and one chunk was not. */
async function mergePartly(name: string): Promise<void> {
    put(name, headerLine + record(1));
    await ingest();
    await database.sql`
        with file as (
            update ingest.files set state = 'failed', problem = 'merge_failed', problem_detail = 'It raised.',
                loaded_bytes = loaded_bytes + 10, loaded_records = loaded_records + 1
            where path = ${name} returning file_id, loaded_bytes, loaded_records
        )
        insert into ingest.chunks (
            file_id, first_byte, end_byte, first_record_no, first_line_no, records, content_hash, state, attempts, problem
        )
        select file_id, loaded_bytes - 10, loaded_bytes, loaded_records, 3, 1, 'x', 'failed', 1, 'merge_failed' from file`;
}

describe("files --forget", () => {
    test("clears a failed file that is gone, from the status too, and keeps what became of it", async () => {
        put("bad.csv", bad);
        await ingest();
        rmSync(at("bad.csv"));
        const { exitCode, stdout } = await forget("bad.csv");
        expect({ exitCode, stdout }).toEqual({
            exitCode: 0,
            stdout: "bad.csv  is forgotten (header_missing_columns). If it comes back, it is read as a new file.\n",
        });
        const { files, failedFiles, state } = await readStatus(database.sql);
        expect({ failed: files.failed, failedFiles, state }).toEqual({ failed: 0, failedFiles: [], state: "stopped" });
        const [row] = await database.sql`select state, problem, problem_detail as detail from ingest.files`;
        expect(row).toEqual({
            state: "replaced",
            problem: "forgotten",
            detail: "It had failed (header_missing_columns), and is gone from the folder.",
        });
        await expectSound(database.sql);
    });

    test("a file that comes back is read anew, corrected or not", async () => {
        put("a.csv", bad);
        put("b.csv", bad);
        await ingest();
        renameSync(at("b.csv"), join(folder, "b.csv"));
        rmSync(at("a.csv"));
        await forget("a.csv");
        await forget("b.csv");
        put("a.csv", headerLine + record(1));
        renameSync(join(folder, "b.csv"), at("b.csv"));
        await ingest();
        expect(await states()).toEqual({ "a.csv": "merged", "b.csv": "failed header_missing_columns" });
        await expectSound(database.sql);
    });

    test.each([
        ["is still there", "bad.csv", "file_still_there", 1],
        ["has not failed", "good.csv", "file_not_failed", 1],
        ["nobody knows", "other.csv", "file_unknown", 1],
    ])("should fail: a file that %s", async (_, name, code, expected) => {
        put("bad.csv", bad);
        put("good.csv", headerLine + record(1));
        await ingest();
        const before = await states();
        const { exitCode, stderr } = await forget(name);
        expect(exitCode).toBe(expected);
        expect(stderr).toContain(code);
        expect(await states()).toEqual(before);
    });

    test("should fail: without a name", async () => {
        const { exitCode, stderr } = await forget();
        expect(exitCode).toBe(2);
        expect(stderr).toContain("missing_argument");
    });

    test("should fail: where the folder is away nobody can say what is gone", async () => {
        put("bad.csv", bad);
        await ingest();
        renameSync(inputDir, join(folder, "away"));
        const { exitCode, stderr } = await forget("bad.csv");
        expect({ exitCode, stderr }).toMatchObject({
            exitCode: 3,
            stderr: expect.stringContaining("input_folder_missing"),
        });
    });

    test("should fail: another folder than the one that an ingest watches", async () => {
        put("bad.csv", bad);
        await ingest();
        const child = startIngest(database.url, inputDir);
        await waitUntil("it runs", async () => (await database.sql`select from ingest.workers`).length > 0);
        const { stderr } = await runScript("files", ["--forget", "bad.csv", "--input", folder], {
            environment: { DATABASE_URL: database.url },
        });
        expect(stderr).toContain("other_folder_in_use");
        child.kill("SIGTERM");
        await child.finish();
        expect(await states()).toEqual({ "bad.csv": "failed header_missing_columns" });
    });

    test("of which part got in needs --yes; what got in stays, and comes back as duplicates", async () => {
        await mergePartly("half.csv");
        renameSync(at("half.csv"), join(folder, "half.csv"));
        const refused = await forget("half.csv");
        expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("file_partly_in") });
        const { stdout } = await forget("half.csv", "--yes");
        expect(stdout).toContain("What got in stays: 1 record.");
        expect((await readStatus(database.sql)).files.failed).toBe(0);
        expect(await database.sql`select from public.events`).toHaveLength(1);
        renameSync(join(folder, "half.csv"), at("half.csv"));
        expect((await ingest()).records).toMatchObject({ read: 1, duplicate: 1 });
        expect(await states()).toEqual({ "half.csv": "merged" });
    });
});

describe("by itself", () => {
    let watched: TestIngest | null = null;
    afterEach(() => watched?.close());
    /** An ingest to be driven step by step: it holds the loader's lease from then on. */
    const watch = async () => {
        watched = await openTestIngest(database, { inputDir });
        return watched;
    };
    const look = async () => {
        const { context } = await watch();
        await createDiscovery(context, createTailWatch(0)).look({ names: new Set(), isOverflow: true });
    };

    test("a failed file that is gone is forgotten, and the log says so; one that is there is not", async () => {
        put("a.csv", bad);
        put("b.csv", bad);
        await ingest();
        rmSync(at("a.csv"));
        await look();
        expect(await states()).toEqual({ "b.csv": "failed header_missing_columns" });
        expect(watched!.lines).toEqual([
            "info: a.csv had failed (header_missing_columns) and has left the folder. Sluice forgets it.",
        ]);
    });

    test("the next run that ends is done, and a run that watches clears it", async () => {
        put("a.csv", bad);
        await ingest();
        rmSync(at("a.csv"));
        expect((await ingest()).files).toMatchObject({ failed: 0 });
        expect(await states()).toEqual({});
        put("b.csv", bad);
        const child = startIngest(database.url, inputDir, ["--trigger", "50ms"]);
        await waitUntil("it failed", async () => "b.csv" in (await states()));
        rmSync(at("b.csv"));
        await waitUntil("it is forgotten", async () => !("b.csv" in (await states())));
        child.kill("SIGTERM");
        await child.finish();
    });

    test("not one of which part got in, nor one whose staged records were lost with it", async () => {
        await mergePartly("half.csv");
        put("lost.csv", bad);
        await ingest();
        await database.sql`
            update ingest.files set problem = 'file_vanished', loaded_bytes = 10 where path = 'lost.csv'`;
        rmSync(at("half.csv"));
        rmSync(at("lost.csv"));
        await look();
        expect(Object.keys(await states())).toEqual(["half.csv", "lost.csv"]);
    });

    test.each([
        ["is away", () => renameSync(inputDir, join(folder, "away"))],
        ["cannot be listed", () => chmodSync(inputDir, 0o000)],
        [
            "is a link to nothing",
            () => {
                renameSync(inputDir, join(folder, "away"));
                symlinkSync(join(folder, "nothing"), inputDir);
            },
        ],
    ])("nothing is forgotten while the folder %s", async (_, hide) => {
        put("a.csv", bad);
        await ingest();
        const discovery = createDiscovery((await watch()).context, createTailWatch(0));
        await discovery.look({ names: new Set(), isOverflow: true });
        hide();
        await discovery.look({ names: new Set(), isOverflow: true }).catch(() => {});
        expect(await states()).toEqual({ "a.csv": "failed header_missing_columns" });
    });

    test("nothing is forgotten by an empty folder in the place of the one that was watched: a mount that is away", async () => {
        put("a.csv", bad);
        await ingest();
        let clock = 0;
        const forgetGone = createForgetGone((await watch()).context, () => clock);
        await forgetGone.after(new Set(["a.csv"]));
        renameSync(inputDir, join(folder, "away"));
        mkdirSync(inputDir);
        clock += 60_000;
        await forgetGone.after(new Set());
        expect(await states()).toEqual({ "a.csv": "failed header_missing_columns" });
        rmSync(inputDir, { recursive: true });
        renameSync(join(folder, "away"), inputDir);
        rmSync(at("a.csv"));
        clock += 60_000;
        await forgetGone.after(new Set());
        expect(await states()).toEqual({});
    });
});
