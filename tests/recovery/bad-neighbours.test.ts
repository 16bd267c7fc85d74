/** Promise 6: what cannot be read fails or is rejected where it stands, visibly, and the rest of the folder is ingested. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { headerLine, idOf, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { ingestOnce, startIngest } from "../support/ingest-process.ts";
import { holdSlices } from "../support/own-server.ts";
import { expectSound, expireLeases, readCounts, readFileStates } from "../support/read-tables.ts";
import { runScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const isRoot = process.getuid?.() === 0;
const record = (n: number, rest = "view,p1,u1,2024-05-01 10:00:00,0,0") => `${idOf(n)},${rest}\n`;

const database = useEmptyDatabase(import.meta.path);
const folder = useFolder("input");
const inputDir = join(folder, "input");

const put = (name: string, content: string | Buffer) => writeFileSync(join(inputDir, name), content);

test("records that cannot be split or read are rejected where they stand, and no file fails for them", async () => {
    put("a-good.csv", headerLine + record(1));
    put("b-ragged.csv", [headerLine, record(2), `${idOf(3)},view\n`, record(4)].join(""));
    put("c-nul.csv", headerLine + record(5) + record(6, "view,p\0,u1,2024-05-01 10:00:00,0,0") + record(7));
    put(
        "d-utf8.csv",
        Buffer.concat([
            Buffer.from(headerLine + record(8) + idOf(9)),
            Buffer.from([0x2c, 0xff, 0x0a]),
            Buffer.from(record(10)),
        ]),
    );
    put("e-unclosed.csv", headerLine + record(11) + record(12, 'view,"p,u1,2024-05-01 10:00:00,0,0') + record(13));
    put("z-good.csv", headerLine + record(14));
    const { exitCode, summary } = await ingestOnce(database.url, inputDir);
    expect(exitCode).toBe(0);
    expect(summary!.files).toEqual({ merged: 6, skipped: 0, failed: 0 });
    expect(summary!.records).toMatchObject({ read: 14, inserted: 10, duplicate: 0, conflict: 0, rejected: 4 });
    const rejects = await database.sql`
        select files.path, rejects.record_no as "recordNo", rejects.reasons
        from ingest.rejects
        inner join ingest.chunks on chunks.chunk_id = rejects.chunk_id
        inner join ingest.files on files.file_id = chunks.file_id
        order by files.path`;
    expect([...rejects]).toEqual([
        { path: "b-ragged.csv", recordNo: 2, reasons: ["too_few_fields"] },
        { path: "c-nul.csv", recordNo: 2, reasons: ["nul_byte"] },
        { path: "d-utf8.csv", recordNo: 2, reasons: ["invalid_utf8"] },
        { path: "e-unclosed.csv", recordNo: 2, reasons: ["unclosed_quote"] },
    ]);
    await expectSound(database.sql);
});

test("files that are none fail visibly, directories are none of ours, and the run ends with exit code 1", async () => {
    put("a-good.csv", headerLine + record(1));
    put("b-header.csv", "id,type,product\n1,view,p\n");
    mkdirSync(join(inputDir, "c-directory.csv"));
    writeFileSync(join(inputDir, "c-directory.csv", "inner.csv"), headerLine + record(99));
    writeFileSync(join(folder, "secret.csv"), headerLine + record(98));
    symlinkSync(join(folder, "secret.csv"), join(inputDir, "d-symlink.csv"));
    symlinkSync(join(folder, "nowhere.csv"), join(inputDir, "e-dangling.csv"));
    expect(Bun.spawnSync(["mkfifo", join(inputDir, "f-fifo.csv")]).exitCode).toBe(0);
    put("g-empty.csv", "");
    put("z-good.csv", headerLine + record(2));
    const { exitCode, summary, stderr } = await ingestOnce(database.url, inputDir);
    expect(exitCode).toBe(1);
    expect(summary!.files).toEqual({ merged: 2, skipped: 0, failed: 5 });
    expect(await readFileStates(database.sql)).toEqual({
        "a-good.csv": "merged",
        "b-header.csv": "failed header_missing_columns",
        "d-symlink.csv": "failed not_a_regular_file",
        "e-dangling.csv": "failed not_a_regular_file",
        "f-fifo.csv": "failed not_a_regular_file",
        "g-empty.csv": "failed empty_file",
        "z-good.csv": "merged",
    });
    for (const name of ["b-header", "d-symlink", "e-dangling", "f-fifo", "g-empty"]) expect(stderr).toContain(name);
    expect(await readCounts(database.sql)).toMatchObject({ read: 2, inserted: 2 });
    await expectSound(database.sql);

    // Mended, they are taken; what was done is not done again.
    put("b-header.csv", headerLine + record(3));
    rmSync(join(inputDir, "d-symlink.csv"));
    put("d-symlink.csv", headerLine + record(4));
    for (const name of ["e-dangling.csv", "f-fifo.csv", "g-empty.csv"]) {
        rmSync(join(inputDir, name));
        put(name, headerLine);
    }
    const again = await ingestOnce(database.url, inputDir);
    expect(again.exitCode).toBe(0);
    expect(again.summary!.records).toMatchObject({ read: 2, inserted: 2 });
    await expectSound(database.sql);
});

test("a record that the table refuses is rejected alone, with its constraint, and replayed when that is gone", async () => {
    const prices = (from: number, poison: number | null) =>
        Array.from({ length: 40 }, (_, index) =>
            record(from + index, `purchase,p1,u1,2024-05-01 10:00:00,1,${index === poison ? "666.00" : "1.00"}`),
        ).join("");
    put("a-good.csv", headerLine + prices(1, null));
    put("b-poisoned.csv", headerLine + prices(101, 20));
    put("c-good.csv", headerLine + prices(201, null));
    await database.sql`alter table public.events add constraint no_devil check (price <> 666)`;
    const { exitCode, stderr } = await ingestOnce(database.url, inputDir, ["--max-chunk-bytes", "1KiB"]);
    expect(exitCode).toBe(0);
    expect(stderr).not.toContain("666");
    expect(await readFileStates(database.sql)).toEqual({
        "a-good.csv": "merged",
        "b-poisoned.csv": "merged",
        "c-good.csv": "merged",
    });
    expect(await readCounts(database.sql)).toMatchObject({ read: 120, inserted: 119, rejected: 1 });
    const [reject] = await database.sql`select record_no as no, refusal ->> 'constraint' as name from ingest.rejects`;
    expect(reject).toEqual({ no: 21, name: "no_devil" });

    await database.sql`alter table public.events drop constraint no_devil`;
    expect((await runScript("replay", [], { environment: { DATABASE_URL: database.url } })).exitCode).toBe(0);
    const [events] = await database.sql`select count(*) as count from events`;
    expect(events).toEqual({ count: 120 });
    await expectSound(database.sql);
});

test("a chunk that waits for its next attempt does not keep an available-now run from ending, with exit code 1", async () => {
    put("a.csv", headerLine + record(1));
    const slices = await holdSlices(database.target);
    const child = startIngest(database.url, inputDir, ["--trigger", "available-now"]);
    await waitUntil("it is staged", async () => (await database.sql`select from ingest.chunks`).length > 0);
    child.kill("SIGKILL");
    await child.exited;
    await slices.end({ timeout: 1 });
    await database.sql`
        update ingest.chunks
        set state = 'pending', load_id = null, attempts = 3, next_attempt_at = clock_timestamp() + interval '1 hour'`;
    await expireLeases(database.sql);
    const { exitCode, summary } = await ingestOnce(database.url, inputDir);
    expect({ exitCode, failed: summary!.files!.failed }).toEqual({ exitCode: 1, failed: 1 });

    await database.sql`update ingest.chunks set next_attempt_at = clock_timestamp()`;
    expect((await ingestOnce(database.url, inputDir)).exitCode).toBe(0);
    expect(await readCounts(database.sql)).toMatchObject({ read: 1, inserted: 1 });
    await expectSound(database.sql);
});

test.skipIf(isRoot)("a file that may not be read fails, says so, and is taken once it may", async () => {
    put("a-good.csv", headerLine + record(1));
    put("b-closed.csv", headerLine + record(2));
    chmodSync(join(inputDir, "b-closed.csv"), 0o000);
    put("z-good.csv", headerLine + record(3));
    const { exitCode, stderr } = await ingestOnce(database.url, inputDir);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("b-closed.csv failed: Permission denied");
    chmodSync(join(inputDir, "b-closed.csv"), 0o600);
    // A change of mode changes neither size nor time: its next attempt finds it readable.
    await database.sql`update ingest.files set next_attempt_at = clock_timestamp() where path = 'b-closed.csv'`;
    expect((await ingestOnce(database.url, inputDir)).exitCode).toBe(0);
    expect(await readCounts(database.sql)).toMatchObject({ read: 3, inserted: 3 });
});
