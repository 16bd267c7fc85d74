/**
 * The account that the embedded server runs as, and what it can reach. Postgres refuses to run as root, so root lends it
 * an account; other users run it as themselves.
 */
import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { exitCodes, SluiceError } from "../../errors.ts";

export interface ServerAccount {
    uid: number;
    gid: number;
}

/**
 * Null when this process is not root: the server runs as the same user. As root, the owner of an existing data
 * directory; for a new one `postgres`, else `nobody` (initdb wants an account that the system knows by name).
 */
export function chooseAccount(clusterDir: string): ServerAccount | null {
    if (process.getuid?.() !== 0) return null;
    const owner = statSync(clusterDir, { throwIfNoEntry: false });
    if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
    const account = lookUp("postgres") ?? lookUp("nobody");
    if (account !== null) return account;
    throw new SluiceError({
        code: "no_server_account",
        what: "Postgres refuses to run as root, and this system has neither an account postgres nor nobody to lend it.",
        remedy: "Run as another user, or set DATABASE_URL to a database of your own.",
        exitCode: exitCodes.configuration,
    });
}

function lookUp(name: string): ServerAccount | null {
    const line = readFileSync("/etc/passwd", "utf8")
        .split("\n")
        .find((entry) => entry.startsWith(`${name}:`));
    const [, , uid, gid] = line?.split(":") ?? [];
    return uid === undefined || gid === undefined || uid === "0" ? null : { uid: Number(uid), gid: Number(gid) };
}

/**
 * Whether the account may enter every folder above `path` and do with `path` itself what is wanted: `read` (and run, or
 * list) it, or only `enter` it. By mode bits: an access list that allows more is not seen, which only costs a copy.
 */
export function canReach(account: ServerAccount | null, path: string, want: "read" | "enter" = "read"): boolean {
    if (account === null) return true;
    const [readable, enterable] = [4, 1];
    if (!isAllowed(account, path, want === "read" ? readable | enterable : enterable)) return false;
    for (let folder = dirname(path); ; folder = dirname(folder)) {
        if (!isAllowed(account, folder, enterable)) return false;
        if (folder === dirname(folder)) return true;
    }
}

function isAllowed(account: ServerAccount, path: string, bits: number): boolean {
    const { mode, uid, gid } = statSync(path);
    const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0;
    return ((mode >> shift) & bits) === bits;
}
