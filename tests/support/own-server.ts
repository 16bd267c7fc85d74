/**
 * A Postgres that a test may stop, start and kill. Settings and version are the embedded server's, without fsync: what a
 * killed process has written stays.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type Sql } from "../../src/database/connect.ts";
import { type DatabaseTarget, makeTarget, withDatabase } from "../../src/database/database-target.ts";
import { type PostgresBinaries, prepareBinaries } from "../../src/database/embedded/binaries.ts";
import { createCluster, superuser, writeSettings } from "../../src/database/embedded/create-cluster.ts";
import { findPostmaster, isPortFree, startPostmaster, stopPostmaster } from "../../src/database/embedded/postmaster.ts";
import {
    choosePlaces,
    makeHomeDir,
    type ServerPlaces,
    writePrivateFile,
} from "../../src/database/embedded/server-places.ts";
import { isConnectionFault } from "../../src/database/sql-states.ts";
import { useOpened } from "./fixture.ts";
import { ownPassword, ownTemplate, placeCluster } from "./own-cluster.ts";
import { openSession } from "./sessions.ts";
import { waitUntil } from "./wait-until.ts";

export type OwnServer = Awaited<ReturnType<typeof openOwnServer>>;

interface OwnServerOptions {
    /** On top of the embedded server's. */
    settings?: Record<string, string>;
    /** Between the making of the cluster and its first start. */
    prepare?: (clusterDir: string) => void;
    /** A base backup to begin with, in place of an empty cluster; it is moved from there. */
    backup?: string;
    /** Of another installation, which the server's account can enter. */
    binaries?: PostgresBinaries;
    /** Without a template of a migrated database: createDatabase is not to be called. */
    isBare?: boolean;
}

export async function openOwnServer(options: OwnServerOptions = {}) {
    const { settings = {}, prepare, backup, isBare = false } = options;
    const dataDir = mkdtempSync(join(tmpdir(), "sluice-own-server-"));
    // Root lends the server another account, which must be able to enter.
    chmodSync(dataDir, 0o755);
    const places = choosePlaces(makeHomeDir(dataDir));
    const binaries = options.binaries ?? prepareBinaries(places.account, places.baseDir);
    const port = await choosePort();
    if (backup !== undefined) renameSync(backup, places.clusterDir);
    else if (isBare) createCluster(places, binaries, ownPassword);
    else await placeCluster(places, binaries, port);
    writeSettings(places, { fsync: "off", ...settings });
    prepare?.(places.clusterDir);
    const power = createPower(places, () => startPostmaster(places, binaries, port, { log: () => {} }));
    await power.start();

    const admin = makeTarget({
        ...{ host: "127.0.0.1", port, database: "postgres" },
        ...{ user: superuser, password: ownPassword },
    });
    let databases = 0;
    const createFrom = async (template: string): Promise<DatabaseTarget> => {
        databases += 1;
        const name = `sluice_own_${databases}`;
        await ask(admin, (sql) => sql.unsafe(`create database ${name} template ${template}`));
        return withDatabase(admin, name);
    };
    return {
        ...power,
        /** A migrated, empty database. */
        createDatabase: () => createFrom(ownTemplate),
        /** One without anything in it. */
        createBareDatabase: () => createFrom("template0"),
        /** The database for administration. */
        admin,
        /** Copies the data directory while the server runs: a base backup, for `backup` of another one. */
        backUp: (intoDir: string) => backUp(admin, places, intoDir),
        /** Copies the data directory of a server that is stopped; returns what puts the copy in its place. */
        keepCopy() {
            const { clusterDir } = places;
            const copyDir = `${clusterDir}-copy`;
            execFileSync("cp", ["-a", clusterDir, copyDir]);
            return () => {
                rmSync(clusterDir, { recursive: true });
                renameSync(copyDir, clusterDir);
            };
        },
        /** Its log so far. */
        log: () => readFileSync(places.logFile, "utf8"),
        /** The account that it runs as; null when it is ours. */
        account: places.account,
        /** Stops it and removes its files. */
        async close() {
            for (const sql of clients.values()) await sql.end({ timeout: 1 });
            clients.clear();
            await stopPostmaster(places);
            rmSync(dataDir, { recursive: true, force: true });
        },
    };
}

/** Starts and stops the server, gently or not. Several callers may start it at once. */
function createPower(places: ServerPlaces, launch: () => Promise<unknown>) {
    let starting: Promise<unknown> | null = null;
    let heldDown: Promise<void> | null = null;
    const isRunning = () => findPostmaster(places) !== null;
    /** Does nothing when it runs. */
    async function start(): Promise<void> {
        await heldDown;
        starting ??= (isRunning() ? Promise.resolve() : launch()).finally(() => {
            starting = null;
        });
        await starting;
    }
    /** Fast shutdown: what is running is rolled back. Resolves when it is gone. */
    async function stop(): Promise<void> {
        await starting;
        if (!(await stopPostmaster(places))) throw new Error("The server did not stop.");
    }
    /** kill -9 of the postmaster; its backends notice and go. Resolves when it is gone. */
    async function killPostmaster(): Promise<void> {
        const running = findPostmaster(places);
        if (running !== null) process.kill(running.pid, "SIGKILL");
        await waitUntil("the postmaster is gone", () => !isRunning());
    }
    return {
        isRunning,
        start,
        stop,
        killPostmaster,
        async restart() {
            await stop();
            await start();
        },
        async crash() {
            await killPostmaster();
            await start();
        },
        /** kill -9 of a backend: Postgres ends all others, recovers, and empties the UNLOGGED tables. */
        killBackend(pid: number) {
            try {
                process.kill(pid, "SIGKILL");
            } catch (error) {
                // It has ended by itself since somebody looked it up.
                if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
            }
        },
        /** Stops it for as long as the work takes, whoever would start it meanwhile. */
        async whileStopped<Result>(work: () => Result): Promise<Result> {
            const over = Promise.withResolvers<void>();
            heldDown = over.promise;
            try {
                if (isRunning()) await stop();
                return work();
            } finally {
                heldDown = null;
                over.resolve();
                await start();
            }
        },
    };
}

/** One for the tests of the file, or of the `describe`. */
export function useOwnServer(options: OwnServerOptions = {}): OwnServer {
    return useOpened(
        () => openOwnServer(options),
        ({ close }) => close(),
    );
}

/** https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP */
async function backUp(admin: DatabaseTarget, { clusterDir, account }: ServerPlaces, intoDir: string): Promise<void> {
    const sql = connect(admin, { applicationName: "base backup", max: 1 });
    try {
        await sql`select pg_backup_start('test', true)`;
        // It complains of files that went while it copied, which do not matter.
        spawnSync("cp", ["-a", clusterDir, intoDir]);
        for (const name of ["postmaster.pid", "postmaster.opts"]) rmSync(join(intoDir, name), { force: true });
        const [row] = await sql<{ label: string }[]>`select labelfile as label from pg_backup_stop(false)`;
        writePrivateFile(join(intoDir, "backup_label"), row!.label, account);
    } finally {
        await sql.end({ timeout: 1 });
    }
}

const clients = new Map<string, Sql>();

/**
 * Asks again as long as there is no connection: the tests' own die with the server too. `query` must therefore be one
 * that may run twice.
 */
export async function ask<Result>(target: DatabaseTarget, query: (sql: Sql) => PromiseLike<Result>): Promise<Result> {
    // Against a hang: on a busy machine a server takes its time to recover.
    const deadline = Date.now() + 120_000;
    while (true) {
        const options = { applicationName: "recovery test", max: 1, connectTimeoutSeconds: 5 };
        const sql = clients.get(target.url) ?? connect(target, options);
        clients.set(target.url, sql);
        try {
            return await query(sql);
        } catch (error) {
            clients.delete(target.url);
            await sql.end({ timeout: 1 });
            if (!isConnectionFault(error) || Date.now() > deadline) throw error;
            await Bun.sleep(50);
        }
    }
}

/** `from`: a table, with a condition if need be. */
export async function countRows(target: DatabaseTarget, from: string): Promise<number> {
    const [row] = await ask(target, (sql) => sql.unsafe<{ rows: number }[]>(`select count(*) as rows from ${from}`));
    return row!.rows;
}

/** Merges skip slices that others hold: with all of them held, what is staged stays so until the session ends. */
export async function holdSlices(target: DatabaseTarget, mask = 0xffff): Promise<Sql> {
    const sql = openSession({ target }, "test holds slices");
    await sql.unsafe("begin");
    await sql`select from ingest.slices where (1 << slice_no) & ${mask} <> 0 for update`;
    return sql;
}

async function choosePort(): Promise<number> {
    while (true) {
        const port = 20_000 + Math.floor(Math.random() * 12_000);
        if (await isPortFree(port)) return port;
    }
}
