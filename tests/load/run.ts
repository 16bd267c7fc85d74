/**
 * `bun run test:load [--minutes 10] [--streams 200] [--pollers 50] [--stalled 10] [--pairs 9]`: what many viewers cost
 * the ingest and the API's memory. Exits with 1 when it is more than promised.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import { generateFolder } from "../support/generate-folder.ts";
import { type OwnServer, openOwnServer } from "../support/own-server.ts";
import { runScript, spawnScript } from "../support/run-script.ts";
import { startApi } from "../support/service.ts";
import { openViewers } from "./viewers.ts";

const { values } = parseArgs({
    options: {
        minutes: { type: "string", default: "10" },
        streams: { type: "string", default: "200" },
        pollers: { type: "string", default: "50" },
        stalled: { type: "string", default: "10" },
        pairs: { type: "string", default: "9" },
    },
});
const crowd = { streams: Number(values.streams), pollers: Number(values.pollers), stalled: Number(values.stalled) };
const mostSlowdown = 1.1;
/** "Flat", of a garbage-collected process. */
const mostGrowthMb = 20;

const say = (line: string) => process.stdout.write(`${line}\n`);
// As shipped: what is measured is durable.
const server = await openOwnServer({ settings: { fsync: "on" } });
const folder = mkdtempSync(join(tmpdir(), "sluice-load-"));
let isKept = true;
try {
    const [pairs, minutes] = [Number(values.pairs), Number(values.minutes)];
    if (pairs > 0) isKept = check("ingest", await measureIngest(server, pairs)) && isKept;
    if (minutes > 0) isKept = check("memory", await measureMemory(server, minutes)) && isKept;
} finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
}
process.exit(isKept ? 0 : 1);

function check(what: string, { holds, words }: { holds: boolean; words: string }): boolean {
    say(`${holds ? "holds " : "BROKEN"} ${what}: ${words}`);
    return holds;
}

/**
 * The same files into a fresh database, with and without viewers, in pairs; the median of the pairs' ratios. Which comes
 * first alternates: on a machine that slows down or warms up, the second of a pair would bear it every time.
 */
async function measureIngest({ createDatabase }: OwnServer, pairs: number) {
    const input = join(folder, "backlog");
    mkdirSync(input);
    await generateFolder(input, { files: 24, seed: 11, minRecords: 20_000, maxRecords: 20_000 });
    const timeOf = async (isWatched: boolean) => {
        const target = await createDatabase();
        const api = await startApi(target.url);
        const viewers = openViewers({ port: portOf(api.url), ...(isWatched ? crowd : { streams: 1, pollers: 0 }) });
        await Bun.sleep(2000);
        const began = performance.now();
        await ingestAll(target, input);
        const seconds = (performance.now() - began) / 1000;
        await viewers.close();
        await api.stop();
        return seconds;
    };
    const times: Record<"alone" | "watched", number[]> = { alone: [], watched: [] };
    for (let pair = 0; pair < pairs; pair++) {
        const order = pair % 2 === 0 ? [false, true] : [true, false];
        for (const isWatched of order) times[isWatched ? "watched" : "alone"].push(await timeOf(isWatched));
        say(
            `       pair ${pair + 1}: ${times.alone.at(-1)!.toFixed(1)} s alone, ${times.watched.at(-1)!.toFixed(1)} s watched`,
        );
    }
    const slowdown = median(times.watched.map((watched, pair) => watched / times.alone[pair]!));
    const [alone, watched] = [median(times.alone), median(times.watched)];
    const words = `480,000 records in ${alone.toFixed(1)} s with one viewer, in ${watched.toFixed(1)} s with the crowd: by pairs ${(100 * (slowdown - 1)).toFixed(1)} % slower`;
    return { holds: slowdown <= mostSlowdown, words };
}

async function ingestAll(target: DatabaseTarget, input: string): Promise<void> {
    const environment = { DATABASE_URL: target.url };
    const { exitCode, stderr } = await runScript("ingest", ["--input", input, "--trigger", "available-now"], {
        environment,
    });
    if (exitCode !== 0) throw new Error(`The ingest ended with ${exitCode}: ${stderr}`);
}

/** The crowd beside a steady stream of files: the API's memory at the beginning and at the end. */
async function measureMemory({ createDatabase }: OwnServer, minutes: number) {
    const target = await createDatabase();
    const input = join(folder, "stream");
    mkdirSync(input);
    const environment = { DATABASE_URL: target.url };
    const ingest = spawnScript("ingest", ["--input", input], { environment });
    const generator = spawnScript("generate", ["--output-dir", input, "--files", "0", "--sleep", "0.5", "--seed", "5"]);
    // Or they would stop when their pipes are full.
    for (const child of [ingest, generator]) void new Response(child.stdout).text();
    const api = await startApi(target.url);
    const viewers = openViewers({ port: portOf(api.url), ...crowd });
    const samplesMb: number[] = [];
    const until = performance.now() + minutes * 60_000;
    while (performance.now() < until) {
        await Bun.sleep(5000);
        samplesMb.push(residentMb(api.pid));
        if (samplesMb.length % 12 === 0)
            say(`       minute ${samplesMb.length / 12}: ${samplesMb.at(-1)!.toFixed(0)} MB`);
    }
    await viewers.close();
    await api.stop();
    for (const child of [generator, ingest]) {
        child.kill("SIGTERM");
        await child.exited;
    }
    // The first fifth is the process warming up.
    const fifth = Math.max(1, Math.floor(samplesMb.length / 5));
    const [early, late] = [median(samplesMb.slice(fifth, 2 * fifth)), median(samplesMb.slice(-fifth))];
    const growth = late - early;
    const words = `${early.toFixed(0)} MB in the second fifth of ${minutes} minutes, ${late.toFixed(0)} MB in the last, ${Math.max(...samplesMb).toFixed(0)} MB at most; answers ${JSON.stringify(viewers.answers)}, ${viewers.ended()} streams ended`;
    return { holds: growth <= mostGrowthMb && Object.keys(viewers.answers).join() === "200", words };
}

function residentMb(pid: number): number {
    if (process.platform === "linux") {
        const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
        return Number(kilobytes) / 1024;
    }
    return Number(Bun.spawnSync(["ps", "-o", "rss=", "-p", String(pid)]).stdout.toString()) / 1024;
}

function portOf(url: string): number {
    return Number(new URL(url).port);
}

function median(values: readonly number[]): number {
    return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}
