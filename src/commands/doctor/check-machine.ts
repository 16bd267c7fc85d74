/** The folder, the disk and the port: what is looked at without a database. */
import { accessSync, constants, readdirSync, statfsSync } from "node:fs";
import { resolve } from "node:path";
import { inputFolderError } from "../../engine/discover/input-folder.ts";
import { isReadyName } from "../../engine/discover/input-names.ts";
import { SluiceError } from "../../errors.ts";
import { findPortUser, isPortOpen } from "../../server/api/find-port-user.ts";
import { isLoopback, refuseExposure } from "../../server/api/safety/check-exposure.ts";
import { createTokenCheck } from "../../server/api/safety/tokens.ts";
import type { SourceConfig } from "../../streams/source-config.ts";
import { formatBytes, formatCount } from "../../terminal/format.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import { type Finding, fail, note, ok } from "./finding.ts";

/** With less room than this Postgres will soon refuse; with less than that somebody should know. */
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

/** There, readable, and what an ingest takes of it: names that it leaves alone are the usual reason why nothing comes. */
export function checkFolder({ inputDir, isInputDefault, afterMerge, sources = [] }: FolderSettings): Finding {
    const name = "folder";
    let entries: { name: string; isFile: boolean; isLink: boolean }[];
    try {
        entries = readdirSync(inputDir, { withFileTypes: true }).map((entry) => {
            return { name: entry.name, isFile: entry.isFile(), isLink: entry.isSymbolicLink() };
        });
        accessSync(inputDir, constants.R_OK | constants.X_OK);
        if (afterMerge !== "keep") accessSync(inputDir, constants.W_OK);
    } catch (error) {
        const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
        if (isMissing && isInputDefault) return ok(name, `${inputDir} is not there yet: the first ingest makes it.`);
        const { what, remedy } = inputFolderError(inputDir, error);
        return fail(name, what, remedy);
    }
    const ready = entries.filter((entry) => entry.isFile && isReadyName(entry.name, sources));
    const left = entries.filter((entry) => !ready.includes(entry) && entry.name !== ".gitkeep");
    const found = `${sanitize(inputDir)}: ${formatCount(ready.length, "file")} to take`;
    if (left.length === 0) return ok(name, `${found}.`);
    const examples = left.slice(0, 3).map((entry) => `${sanitize(entry.name, { most: 40 })} (${whyLeft(entry)})`);
    const others = left.length > 3 ? ` and ${left.length - 3} more` : "";
    const text = `${found}, ${left.length} left alone: ${examples.join(", ")}${others}.`;
    if (ready.length > 0) return ok(name, text);
    return note(
        name,
        text,
        "Name files *.csv, *.csv.gz or *.csv.zst, in the folder itself, or name theirs as a source in sluice.config.ts.",
    );
}

function whyLeft({ name, isFile, isLink }: { name: string; isFile: boolean; isLink: boolean }): string {
    if (isLink) return "a link";
    if (!isFile) return "a folder";
    return /^[._]/.test(name)
        ? "not ready by its first character"
        : "not *.csv, *.csv.gz or *.csv.zst, and no source names it";
}

/** Free for this user, where the embedded database, the archive and the input are. */
export function checkDisk(folder: string): Finding {
    const name = "disk";
    const { bavail, bsize, blocks, ffree, files } = statfsSync(existingFolder(folder));
    const free = bavail * bsize;
    const found = `${formatBytes(free)} free of ${formatBytes(blocks * bsize)} where ${sanitize(folder)} is`;
    const remedy = "Make room: --after-merge archive or delete takes merged files out of the folder.";
    if (files > 0 && ffree === 0) return fail(name, `${found}, and no file can be added (no inodes).`, remedy);
    if (free < leastFreeBytes) return fail(name, `${found}.`, remedy);
    return free < fewFreeBytes ? note(name, `${found}.`, remedy) : ok(name, `${found}.`);
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

/** Who could read the API, and whether a token is long enough to keep the others out. */
export function checkAccess(host: string, apiToken: string | undefined): Finding {
    const name = "access";
    try {
        if (apiToken !== undefined) createTokenCheck(apiToken);
        refuseExposure(host, apiToken !== undefined);
    } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        return fail(name, error.what, error.remedy);
    }
    const who = isLoopback(host) ? "this machine" : `whoever reaches ${host}`;
    return ok(name, `The API answers ${who}${apiToken === undefined ? "" : ", and asks for the token"}.`);
}

/** Free, or Sluice's own: then it runs already. */
export async function checkPort(host: string, port: number): Promise<Finding> {
    const name = "port";
    if (port === 0) return ok(name, "Any free one (--port 0).");
    if (await isPortOpen(host, port)) return ok(name, `${port} on ${host} is free.`);
    if ((await findPortUser(host, port)) === "sluice") {
        return ok(name, `${port} on ${host}: Sluice answers there, so it is running.`);
    }
    return fail(
        name,
        `${port} on ${host} cannot be used: another program has it, or it is not allowed.`,
        "End that program, or choose another with --port (--port 0 takes any free one).",
    );
}
