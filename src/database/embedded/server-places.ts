/**
 * Where the embedded server's files are. Normally all in `<dataDir>/postgres`:
 *
 *     cluster/       Postgres's own data directory
 *     server.json    its port and password, readable by us alone
 *     server.log     what Postgres says
 *     users.sqlite   the processes that use it, and the lock
 *     location       only when the cluster is elsewhere: where
 *
 * Started by root, the server runs under an account that may not be able to enter the checkout (root's home is 0700).
 * Then cluster and binaries live in /var/lib/sluice/<hash of the folder> and `location` says so.
 */
import { createHash } from "node:crypto";
import {
    chmodSync,
    chownSync,
    existsSync,
    mkdirSync,
    readFileSync,
    realpathSync,
    renameSync,
    writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { exitCodes, SluiceError } from "../../errors.ts";
import { canReach, chooseAccount, type ServerAccount } from "./server-account.ts";

export interface ServerPlaces {
    homeDir: string;
    /** Holds cluster/ and, where they had to be copied, the binaries. */
    baseDir: string;
    clusterDir: string;
    logFile: string;
    factsFile: string;
    account: ServerAccount | null;
}

const outsideRoot = "/var/lib/sluice";

/** Makes `<dataDir>/postgres`, ours alone, and returns its real path. */
export function makeHomeDir(dataDir: string): string {
    const homeDir = homeDirIn(dataDir);
    try {
        mkdirSync(dirname(homeDir), { recursive: true });
        if (!existsSync(homeDir)) mkdirSync(homeDir, { mode: 0o700 });
        // Root's server account must pass through to its cluster; what is in here is closed file by file.
        chmodSync(homeDir, process.getuid?.() === 0 ? 0o711 : 0o700);
        // Whatever the checkout's .gitignore says, a database is never committed.
        writeFileSync(join(homeDir, ".gitignore"), "*\n");
    } catch (cause) {
        throw folderUnusable(homeDir, cause);
    }
    return realpathSync(homeDir);
}

/** Whether the file system refused: it is full, read-only, or another user's. */
export function isFileFault(error: unknown): boolean {
    const { code } = error as { code?: string };
    const codes = ["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_READONLY"];
    return code !== undefined && codes.includes(code);
}

export function folderUnusable(homeDir: string, cause: unknown): SluiceError {
    return new SluiceError({
        code: "data_directory_unusable",
        what: `The folder for the embedded database cannot be used: ${homeDir} (${(cause as Error).message}).`,
        remedy: "Free some disk space, run as the user who owns it, or set DATABASE_URL to a database of your own.",
        setting: "dataDir",
        exitCode: exitCodes.configuration,
        cause,
    });
}

/** Returns the same places each time; creates nothing but the base folder. Call it under the server lock. */
export function choosePlaces(homeDir: string): ServerPlaces {
    const baseDir = chooseBase(homeDir);
    const clusterDir = join(baseDir, "cluster");
    return {
        homeDir,
        baseDir,
        clusterDir,
        logFile: join(homeDir, "server.log"),
        factsFile: factsFileIn(homeDir),
        account: chooseAccount(clusterDir),
    };
}

export function homeDirIn(dataDir: string): string {
    return join(resolve(dataDir), "postgres");
}

/** Port and password of the server, once there is one. */
export function factsFileIn(homeDir: string): string {
    return join(homeDir, "server.json");
}

export function lockFileIn(homeDir: string): string {
    return join(homeDir, "users.sqlite");
}

/** Writes a file that nobody else can read, whole or not at all. */
export function writePrivateFile(path: string, content: string, account: ServerAccount | null = null): void {
    writeFileSync(`${path}.new`, content, { mode: 0o600 });
    if (account !== null) chownSync(`${path}.new`, account.uid, account.gid);
    renameSync(`${path}.new`, path);
}

function chooseBase(homeDir: string): string {
    if (process.getuid?.() !== 0) return followPointer(homeDir) ?? homeDir;
    if (existsSync(join(homeDir, "cluster"))) return homeDir;
    const known = followPointer(homeDir);
    if (known !== null) return known;
    if (canReach(chooseAccount(join(homeDir, "cluster")), homeDir, "enter")) return homeDir;
    return makeOutsideBase(homeDir);
}

/** A checkout that was copied brings the pointer of the original along: a base belongs to the folder it names. */
function followPointer(homeDir: string): string | null {
    const pointer = join(homeDir, "location");
    if (!existsSync(pointer)) return null;
    const baseDir = readFileSync(pointer, "utf8").trim();
    const ownerFile = join(baseDir, "belongs-to");
    if (!existsSync(ownerFile)) return null;
    const owner = readFileSync(ownerFile, "utf8").trim();
    if (owner === homeDir) return baseDir;
    if (existsSync(join(owner, "location"))) return null;
    writeFileSync(ownerFile, `${homeDir}\n`);
    return baseDir;
}

function makeOutsideBase(homeDir: string): string {
    const baseDir = join(outsideRoot, createHash("sha256").update(homeDir).digest("hex").slice(0, 16));
    mkdirSync(outsideRoot, { recursive: true });
    chmodSync(outsideRoot, 0o755);
    if (!existsSync(baseDir)) mkdirSync(baseDir);
    chmodSync(baseDir, 0o711);
    writeFileSync(join(baseDir, "belongs-to"), `${homeDir}\n`);
    writePrivateFile(join(homeDir, "location"), `${baseDir}\n`);
    return baseDir;
}
