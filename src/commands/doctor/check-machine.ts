/** The checks that need no database: folder, disk, access, port. */
import { accessSync, constants, type Dirent, readdirSync, statfsSync } from "node:fs";
import { resolve } from "node:path";
import { inputFolderError } from "../../engine/input-folder.ts";
import { SluiceError } from "../../errors.ts";
import { findPortUser, isPortOpen } from "../../server/api/find-port-user.ts";
import { isLoopback, refuseExposure } from "../../server/api/safety/check-exposure.ts";
import { createTokenCheck } from "../../server/api/safety/tokens.ts";
import { isArchive } from "../../streams/archive-path.ts";
import { isReadyName, isUnfinishedName } from "../../streams/input-names.ts";
import type { SourceConfig } from "../../streams/source-config.ts";
import { formatBytes, formatCount } from "../../terminal/format.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import { type Found, fail, note, ok } from "./finding.ts";

/** Below the first, Postgres will soon refuse to write; below the second, somebody should know. */
const leastFreeBytes = 256 * 1024 ** 2;
const fewFreeBytes = 2 * 1024 ** 3;

export interface FolderSettings {
    inputDir: string;
    isInputDefault: boolean;
    /** `archive` and `delete` take files out of it. */
    afterMerge: string;
    /** Their matches may name other endings than .csv. */
    sources?: readonly SourceConfig[];
}

/** Names that an ingest leaves alone are the usual reason why nothing arrives. */
export function checkFolder({ inputDir, isInputDefault, afterMerge, sources = [] }: FolderSettings): Found {
    let entries: Dirent[];
    try {
        entries = readdirSync(inputDir, { withFileTypes: true });
        accessSync(inputDir, constants.R_OK | constants.X_OK);
        if (afterMerge !== "keep") accessSync(inputDir, constants.W_OK);
    } catch (error) {
        const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
        if (isMissing && isInputDefault) return ok(`${inputDir} does not exist yet. The first ingest creates it.`);
        const { what, remedy } = inputFolderError(inputDir, error);
        return fail(what, remedy);
    }
    const ready = entries.filter(
        (entry) => entry.isFile() && (isReadyName(entry.name, sources) || isReadyArchive(entry.name)),
    );
    const left = entries.filter((entry) => !ready.includes(entry) && entry.name !== ".gitkeep");
    const found = `${sanitize(inputDir)}: ${formatCount(ready.length, "CSV file")}`;
    if (left.length === 0) return ok(`${found}.`);
    const examples = left.slice(0, 3).map((entry) => `${sanitize(entry.name, { most: 40 })} (${whyLeft(entry)})`);
    const others = left.length > 3 ? ` and ${left.length - 3} more` : "";
    const text = `${found}, ${left.length} left alone: ${examples.join(", ")}${others}.`;
    if (ready.length > 0) return ok(text);
    return note(
        text,
        "Put files named *.csv, *.csv.gz, *.csv.zst or *.zip directly in the folder, or declare their names as a source in sluice.config.ts.",
    );
}

const isReadyArchive = (name: string) => isArchive(name) && !isUnfinishedName(name);

function whyLeft(entry: Dirent): string {
    if (entry.isSymbolicLink()) return "a link";
    if (!entry.isFile()) return "a folder";
    return /^[._]/.test(entry.name)
        ? "its first character marks it as not ready"
        : "not *.csv, *.csv.gz, *.csv.zst or *.zip, and no source names it";
}

/** The room that this user has on the disk of a folder, which need not exist yet. */
export function checkDisk(folder: string): Found {
    const { bavail, bsize, blocks, ffree, files } = statfsSync(existingFolder(folder));
    const free = bavail * bsize;
    const found = `${formatBytes(free)} free of ${formatBytes(blocks * bsize)} where ${sanitize(folder)} is`;
    const remedy = "Free some disk space: --after-merge archive or delete removes merged files from the folder.";
    if (files > 0 && ffree === 0) return fail(`${found}, and no file can be created (no inodes left).`, remedy);
    if (free < leastFreeBytes) return fail(`${found}.`, remedy);
    return free < fewFreeBytes ? note(`${found}.`, remedy) : ok(`${found}.`);
}

function existingFolder(folder: string): string {
    let path = resolve(folder);
    while (true) {
        try {
            readdirSync(path);
            return path;
        } catch {
            const parent = resolve(path, "..");
            if (parent === path) return path;
            path = parent;
        }
    }
}

export function checkAccess(host: string, apiToken: string | undefined): Found {
    try {
        if (apiToken !== undefined) createTokenCheck(apiToken);
        refuseExposure(host, apiToken !== undefined);
    } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        return fail(error.what, error.remedy);
    }
    const who = isLoopback(host) ? "this machine" : `whoever reaches ${host}`;
    return ok(`The API serves ${who}${apiToken === undefined ? "" : ", and requires the token"}.`);
}

/** A port that Sluice itself has is fine: it is running already. */
export async function checkPort(host: string, port: number): Promise<Found> {
    if (port === 0) return ok("Any free port (--port 0).");
    if (await isPortOpen(host, port)) return ok(`${port} on ${host} is free.`);
    if ((await findPortUser(host, port)) === "sluice") {
        return ok(`${port} on ${host} is in use by Sluice, which is running.`);
    }
    return fail(
        `${port} on ${host} cannot be used: another program uses it, or this user may not.`,
        "Stop that program, or choose another port with --port (--port 0 takes any free one).",
    );
}
