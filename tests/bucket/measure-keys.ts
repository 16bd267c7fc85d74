/**
 * `bun run test:keys [--keys 1000000]`: a bucket of so many known objects. A new one, whose key sorts before most of them, must be in
 * after one listing, in bounded memory, and no other is read. Needs versitygw, whose objects are files: they are written beside it.
 * Not in CI: it takes minutes. The last line is `N passed, N failed`.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { watchMemory } from "../../scripts/bench/watch-memory.ts";
import { createTestDatabase } from "../support/database.ts";
import { objectStoreKind, startObjectStore } from "../support/object-store.ts";
import { projectDir } from "../support/test-server.ts";

const { values } = parseArgs({ options: { keys: { type: "string", default: "1000000" } } });
const keys = Number(values.keys);
const keysAFolder = 1_000;
const mostMemoryMb = 300;
const text = "no,word\n1,one\n";

if (objectStoreKind !== "versitygw") {
    console.error("It needs versitygw: bun tests/support/install-object-store.ts --versitygw");
    process.exit(2);
}
const workDir = mkdtempSync(join(tmpdir(), "sluice-keys-"));
const store = await startObjectStore();
const client = await store.makeBucket("drops");
const database = await createTestDatabase(import.meta.path);
const { sql } = database;

const folderOf = (no: number) => String(Math.floor(no / keysAFolder)).padStart(4, "0");
const start = (...flags: string[]) =>
    Bun.spawn([process.execPath, join(projectDir, "scripts/ingest.ts"), "--stream", "known", ...flags], {
        cwd: workDir,
        env: { ...process.env, ...store.environment(), DATABASE_URL: database.url },
        stdout: "ignore",
        stderr: "inherit",
    });
async function timed(): Promise<{ seconds: number; memoryMb: number }> {
    const startedAt = performance.now();
    const child = start("--trigger", "available-now");
    const memory = watchMemory(child);
    if ((await child.exited) !== 0) throw new Error("The ingest failed.");
    return { seconds: (performance.now() - startedAt) / 1_000, memoryMb: Math.round(memory() / 2 ** 20) };
}

let failed = 0;
function judge(what: string, holds: boolean): void {
    if (!holds) failed += 1;
    console.log(`${holds ? "pass" : "fail"}  ${what}`);
}

try {
    mkdirSync(join(workDir, "streams"));
    writeFileSync(
        join(workDir, "streams/known.ts"),
        `export default { files: "s3://drops/in/**/*.csv", table: "public.numbers", key: ["no"] };\n`,
    );
    await sql`create table numbers (no bigint primary key, word text)`;
    await start("--trigger", "available-now").exited;
    for (let no = 0; no < keys; no += keysAFolder)
        mkdirSync(join(store.dataDir, "drops/in", folderOf(no)), { recursive: true });
    for (let no = 0; no < keys; no += 1)
        writeFileSync(join(store.dataDir, "drops/in", folderOf(no), `${no}.csv`), text);
    await sql`
        insert into ingest.files (stream_id, path, state, size_bytes, mtime_ns, inode, version_tag, loaded_bytes, content_hash, merged_at)
        select
            (select stream_id from ingest.streams where name = 'known'),
            's3://drops/in/' || lpad((no / ${keysAFolder}::bigint)::text, 4, '0') || '/' || no || '.csv',
            'merged', ${text.length}::bigint, 0, 0, '', ${text.length}::bigint, no::text, now()
        from generate_series(0, ${keys - 1}::bigint) as numbers (no)`;
    await sql`vacuum (analyze) ingest.files`;
    console.log(`${keys} objects are there, and known`);

    const first = await timed();
    console.log(`a run that finds nothing new: ${first.seconds.toFixed(1)} s, ${first.memoryMb} MB`);
    await client.write("in/0000/0-new.csv", "no,word\n7,new\n");
    const second = await timed();
    const isIn = (await sql`select from numbers where no = 7`).length === 1;
    judge(`the new one is in after one listing, ${second.seconds.toFixed(1)} s`, isIn);
    const memoryMb = Math.max(first.memoryMb, second.memoryMb);
    judge(`${memoryMb} MB at most, below ${mostMemoryMb}`, memoryMb < mostMemoryMb);
    const [row] = await sql<
        { reopened: number }[]
    >`select count(*) as reopened from ingest.files where state <> 'merged'`;
    judge(`${row!.reopened} known objects were read again, none`, row!.reopened === 0);
} finally {
    await database.drop();
    await store.stop();
    rmSync(workDir, { recursive: true, force: true });
}
console.log(`${3 - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
