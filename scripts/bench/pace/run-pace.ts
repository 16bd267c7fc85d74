/** One paced run: a source, `bun run ingest`, a watcher on a connection of its own, and clients of the API if wanted. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { connect, type Sql } from "../../../src/database/connect.ts";
import type { DatabaseTarget } from "../../../src/database/database-target.ts";
import { watchMemory } from "../watch-memory.ts";
import { type ServerCpu, watchServer } from "../watch-server.ts";
import type { Answer, ClientsOrder } from "./api-clients.ts";
import { type BacklogPoint, watchFiles } from "./watch-files.ts";
import { type Pace, writePaced } from "./write-paced.ts";

export interface PacePlan extends Pace {
    trigger: string;
    /** Clients of the API; 0: no API. */
    clients: number;
    workDir: string;
}

export interface Percentiles {
    p50: number;
    p95: number;
    p99: number;
    max: number;
    count: number;
}

export interface PaceResult {
    freshnessMs: Percentiles;
    /** Records in files that are in the folder and not all visible, over the run. */
    backlog: BacklogPoint[];
    /** Mean backlog in the second and in the last quarter of the run, in seconds of arrival: alike when it keeps up. */
    backlogSeconds: { early: number; late: number };
    /** From the last rename until all was visible. */
    drainMs: number;
    peakRssMiB: number;
    processSeconds: number;
    cpu: ServerCpu | null;
    wallSeconds: number;
    /** By path, in ms; and how many answers were no 200. */
    api: { path: string; ms: Percentiles; faults: number }[];
}

const warmUpSeconds = 3;
const drainSeconds = 120;
const paths = ["/v1/stats", "/v1/status", "/v1/events"];
const scripts = join(import.meta.dir, "../..");

export async function runPace(target: DatabaseTarget, admin: Sql, plan: PacePlan): Promise<PaceResult> {
    const inputDir = join(plan.workDir, `pace-${Date.now()}`);
    const environment = { ...process.env, DATABASE_URL: target.url };
    const sql = connect(target, { applicationName: "bench-watcher", max: 1 });
    // The folder must be there, and the first second of a process is not what is measured.
    await writePaced(inputDir, { ...plan, seconds: 1 }, () => {});
    const ingest = Bun.spawn(
        [process.execPath, join(scripts, "ingest.ts"), "--input", inputDir, "--trigger", plan.trigger, "--json"],
        { env: environment, stdout: "ignore", stderr: "pipe" },
    );
    const peakMemory = watchMemory(ingest);
    const api = plan.clients > 0 ? await startApi(environment) : null;
    try {
        await Bun.sleep(warmUpSeconds * 1000);
        const watch = await watchServer(admin, target.database);
        const watcher = watchFiles(sql, plan.trigger === "continuous" ? 4 : 10);
        const startedAt = performance.now();
        const answering = api ? askApi({ url: api.url, paths, clients: plan.clients, seconds: plan.seconds }) : [];
        await writePaced(inputDir, plan, watcher.expect);
        const lastAt = performance.now();
        while (watcher.waitingFiles() > 0 && performance.now() - lastAt < drainSeconds * 1000) await Bun.sleep(2);
        const drainMs = performance.now() - lastAt;
        const { cpu } = await watch.stop();
        const wallSeconds = (performance.now() - startedAt) / 1000;
        const { sightings, backlog } = await watcher.stop();
        if (watcher.waitingFiles() > 0) throw new Error(`${watcher.waitingFiles()} files never became visible.`);
        ingest.kill("SIGTERM");
        await ingest.exited;
        const usage = ingest.resourceUsage()!;
        return {
            freshnessMs: percentilesOf(sightings.map(({ lagMs }) => lagMs)),
            backlog,
            backlogSeconds: meansOf(backlog, plan),
            drainMs,
            peakRssMiB: peakMemory() / 2 ** 20,
            processSeconds: Number(usage.cpuTime.total) / 1e6,
            cpu,
            wallSeconds,
            api: reportAnswers(await answering),
        };
    } finally {
        ingest.kill("SIGKILL");
        api?.child.kill("SIGTERM");
        await Promise.all([ingest.exited, api?.child.exited]);
        await sql.end();
        rmSync(inputDir, { recursive: true, force: true });
    }
}

async function startApi(environment: Record<string, string | undefined>) {
    const child = Bun.spawn([process.execPath, join(scripts, "api.ts"), "--port", "0"], {
        env: environment,
        stdout: "pipe",
        stderr: "inherit",
    });
    let text = "";
    const decoder = new TextDecoder();
    for await (const piece of child.stdout) {
        text += decoder.decode(piece);
        const url = /^The API is at (\S+?)\/?$/m.exec(text)?.[1];
        if (url !== undefined) return { child, url };
    }
    throw new Error(`The API did not start: ${text}`);
}

/** In a thread of its own: the source's work would count as the API's. */
function askApi(order: ClientsOrder): Promise<Answer[]> {
    const worker = new Worker(new URL("./api-clients.ts", import.meta.url).href);
    return new Promise((resolve, reject) => {
        worker.onmessage = ({ data }: MessageEvent<Answer[]>) => {
            worker.terminate();
            resolve(data);
        };
        worker.onerror = (event) => reject(new Error(event.message));
        worker.postMessage(order);
    });
}

function reportAnswers(answers: Answer[]): PaceResult["api"] {
    return paths
        .map((path) => answers.filter((answer) => answer.path === path))
        .filter((ofPath) => ofPath.length > 0)
        .map((ofPath) => ({
            path: ofPath[0]!.path,
            ms: percentilesOf(ofPath.map(({ ms }) => ms)),
            faults: ofPath.filter(({ status }) => status !== 200).length,
        }));
}

/** Nearest rank: every figure is one that was measured. */
export function percentilesOf(values: number[]): Percentiles {
    const sorted = [...values].sort((left, right) => left - right);
    const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1), count: sorted.length };
}

function meansOf(backlog: BacklogPoint[], { seconds, recordsPerSecond }: Pace): PaceResult["backlogSeconds"] {
    const meanOf = (from: number, to: number) => {
        const points = backlog.filter(({ atSeconds }) => atSeconds >= from * seconds && atSeconds < to * seconds);
        return points.reduce((sum, { records }) => sum + records, 0) / points.length / recordsPerSecond;
    };
    return { early: meanOf(0.25, 0.5), late: meanOf(0.75, 1) };
}
