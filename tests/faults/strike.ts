/**
 * One command, one fault point, one action: what is not the process's own business to mend is done for it here. And
 * whatever was struck, it ended in good order, took no more than such a run takes, and left no temporary file.
 */
import { expect } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import type { FaultPlan } from "../../src/database/faults/fault-points.ts";
import { ask, type OwnServer } from "../support/own-server.ts";
import { expireLeases } from "../support/read-tables.ts";
import { collect, spawnScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";
import { watchUsage } from "../support/watch-usage.ts";
import { expectOrderly } from "./expect-orderly.ts";

export interface Struck {
    /** 137 when it was killed. */
    exitCode: number;
    stdout: string;
    stderr: string;
}

export interface Victim {
    server: OwnServer;
    target: DatabaseTarget;
    script: "ingest" | "migrate" | "prune" | "reset";
    args: string[];
    environment?: Record<string, string>;
    /** Where streams/ is looked for; absent: the project's. */
    cwd?: string;
}

/** Only against a hang. */
const endsWithinMs = 120_000;
/** A few times what these runs take: `--points` prints that at its end. */
const most = { memoryKiB: 400 * 1024, descriptors: 60 };

/**
 * Runs the command, struck, until it ends. A postmaster that was killed is started again, as its owner would; a process
 * that was frozen loses its leases, sees `heir` run to its end, and is thawed.
 */
export async function strike(
    victim: Victim,
    { at, pass, action }: FaultPlan,
    heir: () => Promise<void>,
): Promise<Struck> {
    const { server, target, script, args, cwd, environment: more } = victim;
    const tempDir = mkdtempSync(join(tmpdir(), "sluice-struck-"));
    const fault = { FAULT_AT: `${at}:${pass}`, FAULT_ACTION: action };
    const environment = { DATABASE_URL: target.url, TMPDIR: tempDir, ...more, ...fault };
    const child = spawnScript(script, args, { environment, ...(cwd !== undefined && { cwd }) });
    const usage = watchUsage(child.pid);
    const stdout = new Response(child.stdout).text();
    const stderr = collect(child.stderr);
    const isReached = () => stderr.text().includes(`Fault point ${at}:${pass} is reached: ${action}.`);
    try {
        await waitUntil(`${at}:${pass} is reached`, () => isReached() || child.exitCode !== null);
        if (action === "kill-postmaster") {
            await waitUntil("the postmaster is gone", () => !server.isRunning());
            await server.start();
        }
        if (action === "freeze") {
            await waitUntil("it is frozen", () => isFrozen(child.pid));
            await ask(target, (sql) => expireLeases(sql));
            await heir();
            child.kill("SIGCONT");
        }
        const ended = await Promise.race([child.exited, Bun.sleep(endsWithinMs).then(() => null)]);
        if (ended === null) throw new Error(`It hangs after ${at}:${pass} ${action}. It had said: ${stderr.text()}`);
    } finally {
        child.kill("SIGKILL");
        usage.stop();
    }
    await stderr.ended;
    if (!isReached()) throw new Error(`${at}:${pass} was never reached. It had said: ${stderr.text()}`);
    const struck = { exitCode: await child.exited, stdout: await stdout, stderr: stderr.text() };
    expectOrderly(struck);
    expect(usage.most().memoryKiB).toBeLessThan(most.memoryKiB);
    expect(usage.most().descriptors).toBeLessThan(most.descriptors);
    expect(readdirSync(tempDir)).toEqual([]);
    rmSync(tempDir, { recursive: true });
    return struck;
}

export function isFrozen(pid: number): boolean {
    return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}
