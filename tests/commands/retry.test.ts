/** `bun run retry`: failed files that look the same as before are taken up again (promise 6). */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { headerLine, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { ingestOnce } from "../support/ingest-process.ts";
import { expectSound, readFileStates } from "../support/read-tables.ts";
import { type Ran, runScript } from "../support/run-script.ts";

const record = (n: number, type = "view") =>
    `00000000-0000-4000-8000-${String(n).padStart(12, "0")},${type},p1,u1,2024-05-01 10:00:00,1,1.00\n`;

const database = useEmptyDatabase(import.meta.path);
const inputDir = useFolder();

const retry = (...args: string[]): Promise<Ran> =>
    runScript("retry", args, { environment: { DATABASE_URL: database.url } });
const states = () => readFileStates(database.sql);

/** As twelve attempts on a file that could not be opened leave it. */
async function giveUp(name: string): Promise<void> {
    writeFileSync(join(inputDir, name), headerLine + record(name.charCodeAt(0)));
    await database.sql`
        select from ingest.register_files(0::smallint, ${JSON.stringify([{ path: name, sizeBytes: 1, mtimeNs: "1", inode: "1" }])}::text::jsonb)`;
    for (let attempt = 0; attempt < 12; attempt += 1) {
        await database.sql`
            select ingest.fail_file(file_id, 'file_unreadable', 'It cannot be opened.', null, null, null, '5 s', null)
            from ingest.files
            where path = ${name}`;
    }
}

describe("a file that was given up", () => {
    test("by its name is read by the next ingest, and the others stay as they are", async () => {
        await giveUp("a.csv");
        await giveUp("b.csv");
        const { exitCode, stdout } = await retry("--file", "a.csv");
        expect({ exitCode, stdout }).toEqual({
            exitCode: 0,
            stdout:
                "a.csv  will be tried again. It failed: It cannot be opened. Given up after 12 attempts; the command retry takes " +
                "it up again.\n1 file: a running ingest takes them now, or the next one does.\n",
        });
        expect(await states()).toEqual({ "a.csv": "pending", "b.csv": "failed file_unreadable" });
    });

    test("with all others is merged in the end", async () => {
        await giveUp("a.csv");
        await giveUp("b.csv");
        const { stdout } = await retry("--all", "--json");
        expect(JSON.parse(stdout).files).toMatchObject([
            { path: "a.csv", problem: "file_unreadable" },
            { path: "b.csv", problem: "file_unreadable" },
        ]);
        expect((await ingestOnce(database.url, inputDir)).exitCode).toBe(0);
        expect(await states()).toEqual({ "a.csv": "merged", "b.csv": "merged" });
        await expectSound(database.sql);
    });
});

test("a chunk that no merge could take is merged once the cause is gone", async () => {
    writeFileSync(join(inputDir, "a.csv"), headerLine + record(1) + record(2));
    await database.sql.unsafe(`
        create function public.refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
        create trigger refuse before insert on ingest.chunk_merges for each row execute function public.refuse();`);
    expect((await ingestOnce(database.url, inputDir)).exitCode).toBe(1);
    expect(await states()).toEqual({ "a.csv": "failed merge_failed" });
    await database.sql.unsafe("drop trigger refuse on ingest.chunk_merges; drop function public.refuse();");
    expect((await ingestOnce(database.url, inputDir)).batches).toEqual([]);

    expect((await retry("--file", "a.csv")).exitCode).toBe(0);
    expect((await ingestOnce(database.url, inputDir)).exitCode).toBe(0);
    expect(await states()).toEqual({ "a.csv": "merged" });
    await expectSound(database.sql);
});

test("with nothing failed there is nothing to do", async () => {
    expect(await retry("--all")).toMatchObject({ exitCode: 0, stdout: "No file has failed.\n" });
});

test("should fail: a file that has not failed", async () => {
    const { exitCode, stderr } = await retry("--file", "a.csv");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("No file a.csv has failed.");
    expect(stderr).toContain("file_not_failed (exit 1)");
});

test("should fail: a file and all", async () => {
    expect((await retry("--all", "--file", "a.csv")).exitCode).toBe(2);
});
