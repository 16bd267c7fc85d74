/** Creates Postgres's data directory, with our settings. */
import { spawnSync } from "node:child_process";
import {
    appendFileSync,
    chownSync,
    existsSync,
    mkdirSync,
    readFileSync,
    renameSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { exitCodes, SluiceError } from "../../errors.ts";
import type { PostgresBinaries } from "./binaries.ts";
import { type ServerPlaces, writePrivateFile } from "./server-places.ts";

export const superuser = "sluice";

/**
 * Moderate settings for a machine shared with other work. Durability is untouched: fsync, full_page_writes and
 * synchronous_commit keep their defaults, because the ledger's promises rest on them.
 */
const settings: Record<string, string> = {
    shared_buffers: "256MB",
    // Loading 1M records writes about 500 MB of WAL; with the default of 1 GB checkpoints follow on one another.
    max_wal_size: "4GB",
    checkpoint_timeout: "15min",
    // Not wal_compression: what is written whole after a checkpoint are pages of random ids, which pglz cannot make smaller,
    // and trying took a quarter of the CPU of merges into 20 million rows.
    maintenance_work_mem: "128MB",
    // Containers often have a /dev/shm of 64 MB: parallel queries use this reserve first.
    min_dynamic_shared_memory: "64MB",
    max_connections: "100",
    timezone: "UTC",
    log_timezone: "UTC",
    // %e is the SQLSTATE: what postmaster.ts matches on.
    log_line_prefix: "%m [%p] %e ",
    // Errors quote row values in DETAIL, CONTEXT and STATEMENT: none of these belong in a log.
    log_error_verbosity: "terse",
    log_min_error_statement: "panic",
    log_checkpoints: "off",
};

export function clusterExists(places: ServerPlaces): boolean {
    return existsSync(join(places.clusterDir, "PG_VERSION"));
}

/**
 * Created under another name and renamed: after an interrupted attempt it is created again.
 * @throws SluiceError with initdb's last words.
 */
export function createCluster(places: ServerPlaces, binaries: PostgresBinaries, password: string): void {
    const partial = join(places.baseDir, "cluster.partial");
    const passwordFile = join(places.baseDir, "initdb-password");
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { mode: 0o700 });
    if (places.account !== null) chownSync(partial, places.account.uid, places.account.gid);
    writePrivateFile(passwordFile, `${password}\n`, places.account);
    try {
        runInitdb(places, binaries, partial, passwordFile);
    } finally {
        rmSync(passwordFile, { force: true });
    }
    appendFileSync(join(partial, "postgresql.conf"), "\ninclude_if_exists = 'sluice.conf'\n");
    renameSync(partial, places.clusterDir);
}

function runInitdb(places: ServerPlaces, binaries: PostgresBinaries, dir: string, passwordFile: string): void {
    const options = ["-U", superuser, "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--no-instructions"];
    const { status, stderr, error, signal } = spawnSync(
        binaries.initdb,
        ["-D", dir, `--pwfile=${passwordFile}`, ...options],
        {
            ...places.account,
            cwd: "/",
            env: serverEnvironment,
            encoding: "utf8",
            stdio: ["ignore", "pipe", "pipe"],
        },
    );
    if (status === 0) return;
    throw new SluiceError({
        code: "embedded_server_failed",
        what: `The embedded database could not be created in ${places.baseDir}: ${lastLines(stderr ?? "") || (error?.message ?? `initdb was ended by ${signal}`)}.`,
        remedy: "Fix that (a full disk, a missing account), or set DATABASE_URL to a database of your own.",
        exitCode: exitCodes.configuration,
        cause: error,
    });
}

/**
 * Not our own environment: variables such as PGDATA and PGPORT must not steer the server, and messages are English.
 * (TMPDIR is left out too: it may be a folder that the server's account cannot enter.)
 */
export const serverEnvironment: Record<string, string> = { PATH: "/usr/bin:/bin", LC_ALL: "C" };

/** Written at each start, so that a new release's settings arrive; `extra` wins. */
export function writeSettings(places: ServerPlaces, extra: Record<string, string>): void {
    const lines = Object.entries({ ...settings, ...extra }).map(([name, value]) => `${name} = '${value}'`);
    const text = `# Written by Sluice at each start. Your own settings: ALTER SYSTEM, or postgresql.conf below the include.\n`;
    writePrivateFile(join(places.clusterDir, "sluice.conf"), `${text}${lines.join("\n")}\n`, places.account);
}

/** @throws SluiceError when the data directory is another major version's. */
export function refuseOtherMajor(places: ServerPlaces, binariesMajor: string): void {
    const major = readFileSync(join(places.clusterDir, "PG_VERSION"), "utf8").trim();
    if (major === binariesMajor) return;
    throw new SluiceError({
        code: "embedded_data_of_other_version",
        what: `The embedded database in ${places.clusterDir} was made by PostgreSQL ${major}; this program brings ${binariesMajor}.`,
        remedy: `Go back to the release that made it, or move the folder ${places.homeDir} away to start over.`,
        exitCode: exitCodes.configuration,
    });
}

export function lastLines(text: string): string {
    return text.trim().split("\n").slice(-3).join(" ").replace(/\.$/, "");
}

/** A log that has grown past 10 MB is set aside once, so that two such files are the most there ever is. */
export function rotateLog(logFile: string): void {
    const size = Bun.file(logFile).size;
    if (size > 10_000_000) renameSync(logFile, `${logFile}.1`);
    if (!existsSync(logFile)) writeFileSync(logFile, "", { mode: 0o600 });
}
