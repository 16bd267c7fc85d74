/** Starts, finds and stops the server process. */
import { spawn } from "node:child_process";
import {
    closeSync,
    openSync,
    readdirSync,
    readFileSync,
    readlinkSync,
    realpathSync,
    statfsSync,
    statSync,
} from "node:fs";
import { connect as connectSocket, createServer } from "node:net";
import { join } from "node:path";
import { exitCodes, SluiceError } from "../../errors.ts";
import { readParentPid } from "../../terminal/stop-signals.ts";
import type { PostgresBinaries } from "./binaries.ts";
import { lastLines, rotateLog, serverEnvironment } from "./create-cluster.ts";
import { commandOfProcess } from "./process-identity.ts";
import { type ServerPlaces, writePrivateFile } from "./server-places.ts";

export interface Postmaster {
    pid: number;
    port: number;
    /** It takes connections. While it starts, recovers or stops, it does not. */
    ready: boolean;
}

/** Recovery after a crash replays up to max_wal_size. */
const startTimeoutMs = 600_000;
/**
 * A busy backend outlives a killed postmaster until it has finished, and no new one starts meanwhile. A backend that waits
 * for a lock whose holder has died waits for ever: the postmaster that would have ended it is gone.
 */
const orphansPatienceMs = 5_000;
const orphansLastMs = 10_000;
const stopTimeoutMs = 60_000;
const sayAfterMs = 3_000;
/** cannot_connect_now: the answer to clients that asked while it started. */
const refusedMark = " 57P03 ";
/** Less than a page or two: nothing can be written. */
const leastRoomBytes = 64 * 1024;

/**
 * Returns the server of this data directory if one runs, no matter which process started it. It is recognized by its own
 * command line: the pid in postmaster.pid may be stale and in use by another, or that of a copied folder's original.
 */
export function findPostmaster(places: ServerPlaces): Postmaster | null {
    const lines = readPidFile(places);
    if (lines === null) return null;
    const pid = Number(lines[0]);
    if (!isServerOf(places, pid)) return null;
    return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === "ready" };
}

/**
 * Starts the server on 127.0.0.1:port in a process group of its own, so that Ctrl-C does not reach it, and returns
 * when it takes connections.
 * @throws SluiceError with the server's last words; the reason of `unwanted` once that is aborted.
 */
export async function startPostmaster(
    places: ServerPlaces,
    binaries: PostgresBinaries,
    port: number,
    { log, unwanted }: { log: (line: string) => void; unwanted?: AbortSignal },
): Promise<void> {
    const startedAt = performance.now();
    const deadline = startedAt + startTimeoutMs;
    const saying = setTimeout(() => log("The embedded PostgreSQL is recovering from a crash; waiting."), sayAfterMs);
    let hasTripped = false;
    try {
        while (true) {
            disownStalePid(places);
            rotateLog(places.logFile);
            const logStart = statSync(places.logFile).size;
            const hasExited = spawnPostmaster(places, binaries, port);
            if (await waitUntilReady(places, deadline, hasExited, unwanted)) return;
            const said = readFileSync(places.logFile).subarray(logStart).toString("utf8");
            // lock_file_exists: backends of a killed postmaster still use the shared memory block.
            const hasOrphans = said.includes(" F0001 ");
            if (hasOrphans) endOrphans(places, performance.now() - startedAt);
            // duplicate_file: the crash fell into the making of an UNLOGGED table (ours: a migration's), and recovery trips
            // over what it has just restored. The next start goes well: PostgreSQL's bug 17731.
            const trippedOverUnlogged: boolean = said.includes(" 58P02 ") && !hasTripped;
            hasTripped ||= trippedOverUnlogged;
            const isWorthAnother = hasOrphans || trippedOverUnlogged;
            if (!isWorthAnother || performance.now() > deadline) throw startFailed(places, said);
            await Bun.sleep(200);
        }
    } finally {
        clearTimeout(saying);
    }
}

/**
 * Fast shutdown: connections are ended, transactions rolled back, a checkpoint written.
 * @returns false when it has not ended within a minute.
 */
export async function stopPostmaster(places: ServerPlaces): Promise<boolean> {
    const postmaster = findPostmaster(places);
    if (postmaster === null) return true;
    process.kill(postmaster.pid, "SIGINT");
    const deadline = performance.now() + stopTimeoutMs;
    while (isServerOf(places, postmaster.pid)) {
        if (performance.now() > deadline) return false;
        await Bun.sleep(20);
    }
    return true;
}

/** Waits while it starts, recovers or stops. False when it is gone. */
export async function becomesReady(places: ServerPlaces, unwanted: AbortSignal): Promise<boolean> {
    const isGone = () => findPostmaster(places) === null;
    return await waitUntilReady(places, performance.now() + startTimeoutMs, isGone, unwanted);
}

/**
 * SIGQUIT ends a backend at once, as a postmaster does after a crash: what it had committed is in the log. One whose parent
 * is a server is left alone: its folder was moved while it ran. Linux only.
 */
function endOrphans(places: ServerPlaces, waitedMs: number): void {
    if (waitedMs < orphansPatienceMs || process.platform !== "linux") return;
    const clusterDir = realpathSync(places.clusterDir);
    for (const name of readdirSync("/proc")) {
        const pid = Number(name);
        if (!Number.isInteger(pid) || !commandOfProcess(pid)?.startsWith("postgres: ")) continue;
        try {
            if (readlinkSync(`/proc/${pid}/cwd`) !== clusterDir) continue;
            if (/ -D /.test(commandOfProcess(readParentPid(pid)) ?? "")) continue;
            process.kill(pid, waitedMs < orphansLastMs ? "SIGQUIT" : "SIGKILL");
        } catch {
            // It has ended meanwhile, or is another user's.
        }
    }
}

/** Whether something listens on this port of 127.0.0.1 already, or it may not be used. */
export async function isPortFree(port: number): Promise<boolean> {
    // Listening alone is not enough of a test: with SO_REUSEADDR macOS lets two listeners have the same port.
    if (await answers(port)) return false;
    return new Promise((resolve) => {
        const server = createServer();
        server.once("error", () => resolve(false));
        server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
}

function answers(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = connectSocket(port, "127.0.0.1");
        socket.once("connect", () => {
            socket.destroy();
            resolve(true);
        });
        socket.once("error", () => resolve(false));
    });
}

function spawnPostmaster(places: ServerPlaces, binaries: PostgresBinaries, port: number): () => boolean {
    const log = openSync(places.logFile, "a", 0o600);
    // On the command line, where no file of the data directory can override them: who may connect at all.
    const pinned = ["listen_addresses=127.0.0.1", `port=${port}`, "unix_socket_directories="];
    try {
        const child = spawn(
            binaries.postgres,
            ["-D", places.clusterDir, ...pinned.flatMap((setting) => ["-c", setting])],
            { ...places.account, cwd: "/", env: serverEnvironment, detached: true, stdio: ["ignore", log, log] },
        );
        child.unref();
        let hasExited = false;
        for (const event of ["exit", "error"]) child.once(event, () => (hasExited = true));
        return () => hasExited;
    } finally {
        closeSync(log);
    }
}

async function waitUntilReady(
    places: ServerPlaces,
    deadline: number,
    isGone: () => boolean,
    unwanted: AbortSignal | undefined,
): Promise<boolean> {
    while (performance.now() < deadline) {
        unwanted?.throwIfAborted();
        if (findPostmaster(places)?.ready === true) return true;
        if (isGone()) return false;
        await Bun.sleep(10);
    }
    return false;
}

function isServerOf(places: ServerPlaces, pid: number): boolean {
    const command = commandOfProcess(pid);
    return command !== null && / -D /.test(command) && command.includes(` ${places.clusterDir} `);
}

function readPidFile(places: ServerPlaces): string[] | null {
    try {
        return readFileSync(join(places.clusterDir, "postmaster.pid"), "utf8").split("\n");
    } catch {
        return null;
    }
}

/**
 * After a reboot or in a new container the pid in a stale postmaster.pid may be anybody's, and Postgres would refuse to
 * start because of it. Deleting the file would also switch off its check for backends that still run; so the pid is
 * replaced by ours: the server takes its parent's pid for stale (CreateLockFile in miscinit.c) and still checks.
 */
function disownStalePid(places: ServerPlaces): void {
    const lines = readPidFile(places);
    if (lines === null || commandOfProcess(Number(lines[0])) === null) return;
    // Whole or not at all: on a full disk an empty one would be left, with which no server starts.
    const file = join(realpathSync(places.clusterDir), "postmaster.pid");
    writePrivateFile(file, [String(process.pid), ...lines.slice(1)].join("\n"), places.account);
}

function startFailed(places: ServerPlaces, said: string): SluiceError {
    return new SluiceError({
        code: "embedded_server_failed",
        what: `The embedded PostgreSQL did not start: ${reasonIn(said) || guessReason(places)}.`,
        remedy: `Fix that (the log is ${places.logFile}), or set DATABASE_URL to a database of your own.`,
        exitCode: exitCodes.databaseUnreachable,
    });
}

/** The message that ended it, not those of its shutdown. */
function reasonIn(said: string): string {
    const lines = said.split("\n").filter((line) => !line.includes(refusedMark));
    const [, fatal] = lines.map((line) => / (?:FATAL|PANIC): +(.+?)\.?$/.exec(line)).findLast((found) => found) ?? [];
    return fatal ?? lastLines(said);
}

/** On a full disk there is no room for its last words either. */
function guessReason(places: ServerPlaces): string {
    const { bavail, bsize } = statfsSync(places.baseDir);
    return bavail * bsize < leastRoomBytes
        ? `there is no space left on the disk of ${places.baseDir}`
        : "it printed nothing";
}
