/**
 * `bun run test:keys [--keys 1000000]`: a bucket of so many known objects. A new one, whose key sorts before most of them, must be in
 * within two listings, in bounded memory. Needs versitygw, whose objects are files: they are written beside it. Not in CI: minutes. The
 * last line is `N passed, N failed`.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { watchMemory } from "../../scripts/bench/watch-memory.ts";
import { createTestDatabase } from "../support/database.ts";
import { objectStoreKind, startObjectStore } from "../support/object-store.ts";
import { projectDir } from "../support/test-server.ts";
import { waitUntil } from "../support/wait-until.ts";

const { values } = parseArgs({ options: { keys: { type: "string", default: "1000000" } } });
const keys = Number(values.keys);
const keysAFolder = 1_000;
const mostMemoryMb = 200;
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
const listing = async () => {
    const [row] = await sql<{ keys: number; seconds: number }[]>`
        select (report -> 'listing' ->> 'keys')::bigint as keys, (report -> 'listing' ->> 'seconds')::float8 as seconds
        from ingest.workers`;
    return row;
};

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

    const child = start("--trigger", "continuous", "--list-every", "10s");
    const memory = watchMemory(child);
    const startedAt = performance.now();
    const deadlineMs = 900_000;
    await waitUntil("the first listing", async () => ((await listing())?.keys ?? 0) >= keys, { deadlineMs });
    const { seconds } = (await listing())!;
    console.log(
        `first listing: ${seconds} s, ${((performance.now() - startedAt) / 1_000).toFixed(1)} s after the start`,
    );
    const putAt = performance.now();
    await client.write("in/0000/0-new.csv", "no,word\n7,new\n");
    const isIn = async () => (await sql`select from numbers where no = 7`).length === 1;
    await waitUntil("the new one", isIn, { deadlineMs });
    const tookSeconds = (performance.now() - putAt) / 1_000;
    const latest = (await listing())!;
    // A listing takes a twentieth of the time: it is repeated after twenty times what it took.
    const twoListings = 2 * Math.max(10, 20 * Math.max(seconds, latest.seconds)) + latest.seconds;
    child.kill("SIGTERM");
    await child.exited;
    const memoryMb = Math.round(memory() / 2 ** 20);
    judge(
        `the new one is in after ${tookSeconds.toFixed(1)} s, two listings are ${twoListings.toFixed(0)} s`,
        tookSeconds <= twoListings,
    );
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
