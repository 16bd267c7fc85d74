/**
 * A real PostgreSQL of our own, if you have none: made, started, shared between processes, and stopped by the last one.
 *
 * It is never usable by other users of the machine: TCP on 127.0.0.1 only, no Unix socket, scram with a generated
 * password that is kept in a file nobody else can read. Its files: embedded/server-places.ts.
 */
import { randomBytes, randomInt } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { exitCodes, SluiceError } from "../errors.ts";
import { connect } from "./connect.ts";
import { type DatabaseTarget, makeTarget, withDatabase } from "./database-target.ts";
import { prepareBinaries } from "./embedded/binaries.ts";
import { clusterExists, createCluster, refuseOtherMajor, superuser, writeSettings } from "./embedded/create-cluster.ts";
import { becomesReady, findPostmaster, isPortFree, startPostmaster, stopPostmaster } from "./embedded/postmaster.ts";
import {
    choosePlaces,
    factsFileIn,
    folderUnusable,
    homeDirIn,
    isFileFault,
    lockFileIn,
    makeHomeDir,
    type ServerPlaces,
    writePrivateFile,
} from "./embedded/server-places.ts";
import { type ServerUsers, withServerLock } from "./embedded/user-registry.ts";

export interface EmbeddedServer {
    /** With the generated password in its URL. */
    target: DatabaseTarget;
    /** Starts it again, on the same port, if it has died. Cheap when it has not: call it whenever a connection fails. */
    ensureRunning(): Promise<void>;
    /** kill -9 of the server, for the crash lab. Returns the process that was killed; null when none was there. */
    crash(): number | null;
    /** The server's process; null when it is not running. */
    pid(): number | null;
    /** Stops it if nobody else uses it. Calling it twice does no harm. */
    release(): Promise<void>;
}

export interface EmbeddedServerOptions {
    /** The server's files go to `<dataDir>/postgres`. */
    dataDir: string;
    log: (line: string) => void;
    /** Settings on top of ours, taken when this call starts the server: for throw-away servers. */
    settings?: Record<string, string>;
}

/** Kept from start to start in server.json. */
interface ServerFacts {
    port: number;
    password: string;
}

const databaseName = "sluice";

/**
 * Joins the users of the embedded server of `dataDir`, which is created and started as needed. A server that runs already
 * is shared, even if the process that started it was killed. The next user notices one that died without release().
 * @throws SluiceError when there is no server for this platform, or it cannot be made or started.
 */
export async function acquireEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
    const homeDir = makeHomeDir(options.dataDir);
    const lockFile = lockFileIn(homeDir);
    /** Aborted by release(): a start that is under way, and may take minutes, is given up. */
    const released = new AbortController();
    const unwanted = released.signal;
    const join = async (users: ServerUsers) => {
        // Others may hold connections to the port of last time.
        const facts = await ensureServer(choosePlaces(homeDir), options, { keepPort: users.count() > 0, unwanted });
        await createDatabase(targetOf(facts));
        return { facts, registration: users.join() };
    };
    const explain = (error: unknown) => {
        throw isFileFault(error) ? folderUnusable(homeDir, error) : error;
    };
    const { facts, registration } = await withServerLock(lockFile, options.log, join).catch(explain);

    return {
        target: targetOf(facts),
        async ensureRunning() {
            await withServerLock(lockFile, options.log, () =>
                ensureServer(choosePlaces(homeDir), options, { facts, keepPort: true, unwanted }),
            ).catch(explain);
        },
        crash() {
            const running = findPostmaster(choosePlaces(homeDir));
            if (running !== null) process.kill(running.pid, "SIGKILL");
            return running?.pid ?? null;
        },
        pid: () => findPostmaster(choosePlaces(homeDir))?.pid ?? null,
        async release() {
            if (unwanted.aborted) return;
            released.abort(new Error("The embedded PostgreSQL is no longer wanted."));
            await withServerLock(lockFile, options.log, async (users) => {
                users.leave(registration);
                if (users.count() === 0) await stopServer(choosePlaces(homeDir), options.log);
            });
        },
    };
}

/** Whether there is an embedded server of that folder already, running or not. */
export function hasEmbeddedServer(dataDir: string): boolean {
    return existsSync(factsFileIn(homeDirIn(dataDir)));
}

/** Where to read the generated password, which no output shows. */
export const passwordFile = (dataDir: string): string => factsFileIn(homeDirIn(dataDir));

interface StartOptions {
    /** Read from server.json unless given. */
    facts?: ServerFacts | null;
    /** Connections that were made with the port must find the server there again. */
    keepPort: boolean;
    unwanted: AbortSignal;
}

async function ensureServer(
    places: ServerPlaces,
    options: EmbeddedServerOptions,
    { facts = readFacts(places), keepPort, unwanted }: StartOptions,
): Promise<ServerFacts> {
    const running = findPostmaster(places);
    if (running !== null && facts !== null && (await becomesReady(places, unwanted))) {
        return { ...facts, port: running.port };
    }
    const binaries = prepareBinaries(places.account, places.baseDir);
    const isNew = !clusterExists(places);
    if (!isNew && facts === null) throw factsLost(places);
    if (!isNew) refuseOtherMajor(places, binaries.major);
    const password = facts?.password ?? randomBytes(24).toString("base64url");
    const port = await choosePort(facts?.port, keepPort);
    // Before the cluster: a crash in between leaves a password without a cluster, never the other way about.
    writePrivateFile(places.factsFile, `${JSON.stringify({ password, port })}\n`);
    if (isNew) options.log("Creating the embedded PostgreSQL: this takes a few seconds …");
    if (isNew) createCluster(places, binaries, password);
    writeSettings(places, options.settings ?? {});
    await startPostmaster(places, binaries, port, { log: options.log, unwanted });
    options.log(`${isNew ? "Created and started" : "Started"} the embedded PostgreSQL on 127.0.0.1:${port}.`);
    return { password, port };
}

/** The port of last time if it is free; else one below the range that outgoing connections are given (Linux: 32768 up). */
async function choosePort(known: number | undefined, keepPort: boolean): Promise<number> {
    if (known !== undefined && (await becomesFree(known, keepPort ? leftPortMs : 0))) return known;
    for (let attempt = 0; !keepPort && attempt < 100; attempt++) {
        const port = randomInt(20_000, 32_000);
        if (await isPortFree(port)) return port;
    }
    throw new SluiceError({
        code: "embedded_port_taken",
        what: keepPort ? `Port ${known} of the embedded PostgreSQL is taken by another program.` : "No port is free.",
        remedy: "End the program that listens there, or start this one again to use another port.",
        exitCode: exitCodes.databaseUnreachable,
    });
}

/** A killed process loses its command line, by which it is known, before its sockets: on a busy machine seconds before. */
const leftPortMs = 10_000;

async function becomesFree(port: number, withinMs: number): Promise<boolean> {
    const deadline = Date.now() + withinMs;
    while (!(await isPortFree(port))) {
        if (Date.now() >= deadline) return false;
        await Bun.sleep(50);
    }
    return true;
}

/** Unless it is there. */
async function createDatabase(target: DatabaseTarget): Promise<void> {
    const sql = connect(withDatabase(target, "postgres"), { applicationName: "sluice setup", max: 1 });
    try {
        const existing = await sql`select 1 from pg_catalog.pg_database where datname = ${databaseName}`;
        if (existing.length === 0) await sql.unsafe(`create database ${databaseName}`);
    } finally {
        await sql.end();
    }
}

async function stopServer(places: ServerPlaces, log: (line: string) => void): Promise<void> {
    const running = findPostmaster(places);
    if (running === null) return;
    if (await stopPostmaster(places)) log("Stopped the embedded PostgreSQL.");
    else log(`The embedded PostgreSQL (pid ${running.pid}) is taking a long time to stop; it will end on its own.`);
}

function targetOf(facts: ServerFacts): DatabaseTarget {
    return makeTarget({ host: "127.0.0.1", database: databaseName, user: superuser, ...facts });
}

function readFacts(places: ServerPlaces): ServerFacts | null {
    if (!existsSync(places.factsFile)) return null;
    return JSON.parse(readFileSync(places.factsFile, "utf8")) as ServerFacts;
}

function factsLost(places: ServerPlaces): SluiceError {
    return new SluiceError({
        code: "embedded_password_lost",
        what: `There is an embedded database in ${places.clusterDir}, but its password file ${places.factsFile} is gone.`,
        remedy: `Restore the file, or move the folder ${places.homeDir} away to start over.`,
        exitCode: exitCodes.configuration,
    });
}
