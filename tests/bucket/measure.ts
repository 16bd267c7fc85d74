/**
 * `bun run test:bucket [--objects 10000] [--large-mb 1024] [--rounds 3]`: what a bucket costs beside a folder of the same files, in
 * turns on one machine and one server: files of 100 records, and one large file; seconds, memory, and requests. Not in CI: figures
 * of a machine. The last line is `N passed, N failed`.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { watchMemory } from "../../scripts/bench/watch-memory.ts";
import { openCuttingProxy } from "../support/cutting-proxy.ts";
import { createTestDatabase } from "../support/database.ts";
import { headerLine, idOf } from "../support/fixture.ts";
import { startObjectStore } from "../support/object-store.ts";
import { projectDir } from "../support/test-server.ts";

const { values } = parseArgs({
    options: {
        objects: { type: "string", default: "10000" },
        "large-mb": { type: "string", default: "1024" },
        rounds: { type: "string", default: "3" },
    },
});
const rounds = Number(values.rounds);
const recordsAFile = 100;
const mostRatio = 1.3;
const mostMemoryMb = 200;

const workDir = mkdtempSync(join(tmpdir(), "sluice-measure-"));
const store = await startObjectStore();
const proxy = await openCuttingProxy(store.port);
const client = await store.makeBucket("drops");

const line = (no: number) =>
    `${idOf(no)},view,product-${no % 5_000},user-${no % 100_000},2024-01-01 00:00:00,${no % 9},1.50\n`;

function writeSmall(folder: string, files: number): number {
    for (let file = 0; file < files; file += 1) {
        const lines = Array.from({ length: recordsAFile }, (_, index) => line(file * recordsAFile + index));
        writeFileSync(join(folder, `${String(file).padStart(6, "0")}.csv`), headerLine + lines.join(""));
    }
    return files * recordsAFile;
}

async function writeLarge(folder: string, bytes: number): Promise<number> {
    const writer = Bun.file(join(folder, "large.csv")).writer();
    writer.write(headerLine);
    let no = 0;
    for (let written = 0; written < bytes; no += 1) {
        const text = line(no);
        writer.write(text);
        written += text.length;
        if (no % 50_000 === 0) await writer.flush();
    }
    await writer.end();
    return no;
}

async function upload(folder: string, prefix: string): Promise<void> {
    const names = readdirSync(folder);
    const next = async () => {
        for (let name = names.shift(); name !== undefined; name = names.shift()) {
            await client.write(`${prefix}/${name}`, Bun.file(join(folder, name)));
        }
    };
    await Promise.all(Array.from({ length: 16 }, next));
}

/** Loads it all into an empty database. */
async function load(input: string, records: number, endpoint?: string): Promise<{ seconds: number; memoryMb: number }> {
    const database = await createTestDatabase(import.meta.path);
    try {
        const startedAt = performance.now();
        const child = Bun.spawn(
            [
                process.execPath,
                "scripts/ingest.ts",
                "--input",
                input,
                "--trigger",
                "available-now",
                "--tail-settle",
                "0",
            ],
            {
                cwd: projectDir,
                env: { ...process.env, ...store.environment(endpoint), DATABASE_URL: database.url },
                stdout: "ignore",
                stderr: "pipe",
            },
        );
        const memory = watchMemory(child);
        const exitCode = await child.exited;
        const seconds = (performance.now() - startedAt) / 1_000;
        const [row] = await database.sql`select count(*) as stored from events`;
        if (exitCode !== 0 || row!.stored !== records) {
            throw new Error(
                `${input}: exit code ${exitCode}, ${row!.stored} rows. ${await new Response(child.stderr).text()}`,
            );
        }
        return { seconds, memoryMb: memory() / 2 ** 20 };
    } finally {
        await database.drop();
    }
}

const median = (numbers: number[]) => numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)]!;
const verdicts: boolean[] = [];

function judge(what: string, holds: boolean): void {
    verdicts.push(holds);
    console.log(`${holds ? "pass" : "fail"}  ${what}`);
}

async function compare(
    name: string,
    write: (folder: string) => number | Promise<number>,
    times: number,
): Promise<void> {
    const folder = join(workDir, name);
    mkdirSync(folder);
    const records = await write(folder);
    await upload(folder, name);
    const places = { folder, bucket: `s3://drops/${name}` };
    const found = { folder: [] as number[], bucket: [] as number[] };
    let memoryMb = 0;
    for (let round = 0; round < times; round += 1) {
        for (const place of round % 2 === 0 ? (["folder", "bucket"] as const) : (["bucket", "folder"] as const)) {
            const loaded = await load(places[place], records);
            found[place].push(loaded.seconds);
            if (place === "bucket") memoryMb = Math.max(memoryMb, loaded.memoryMb);
            console.log(`${name}: ${place} ${loaded.seconds.toFixed(1)} s, ${Math.round(loaded.memoryMb)} MB`);
        }
    }
    const ratio = median(found.bucket.map((seconds, round) => seconds / found.folder[round]!));
    judge(
        `${name}, ${records} records: ${ratio.toFixed(2)} of the folder's time, at most ${mostRatio}`,
        ratio <= mostRatio,
    );
    judge(`${name}: ${Math.round(memoryMb)} MB at most, below ${mostMemoryMb}`, memoryMb < mostMemoryMb);
    await load(places.bucket, records, proxy.endpoint);
    const kinds: Record<string, number> = {};
    for (const { method, path } of proxy.requests.splice(0)) {
        const kind = method === "GET" && path.includes("list-type=2") ? "LIST" : method;
        kinds[kind] = (kinds[kind] ?? 0) + 1;
    }
    console.log(`${name}: requests ${JSON.stringify(kinds)}`);
}

try {
    await compare("small", (folder) => writeSmall(folder, Number(values.objects)), rounds);
    const largeBytes = Number(values["large-mb"]) * 2 ** 20;
    if (largeBytes > 0) await compare("large", (folder) => writeLarge(folder, largeBytes), Math.max(1, rounds - 2));
} finally {
    proxy.close();
    await store.stop();
    rmSync(workDir, { recursive: true, force: true });
}
const passed = verdicts.filter(Boolean).length;
console.log(`${passed} passed, ${verdicts.length - passed} failed`);
process.exit(passed === verdicts.length ? 0 : 1);
