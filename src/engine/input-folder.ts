/** The watched folder itself: there, a folder, readable; or an error that says what to do. */

import { mkdirSync, readdirSync, realpathSync } from "node:fs";
import { resolve, sep } from "node:path";
import type { IngestConfig } from "../config/config.ts";
import { program } from "../environment.ts";
import { exitCodes, SluiceError } from "../errors.ts";
import { isInBucket } from "../streams/route-files.ts";

/** The project's own default folder is made when it is missing; one that somebody named must be there. */
export function requireInputFolder(inputDir: string, isDefault: boolean): void {
    if (isInBucket(inputDir)) return;
    try {
        if (isDefault) mkdirSync(inputDir, { recursive: true });
        readdirSync(inputDir);
    } catch (error) {
        throw inputFolderError(inputDir, error);
    }
}

/** For what writes into the folder, or deletes from it. `what` is a sentence's subject: `--delete-files`. */
export function refuseBucketAsFolder(folder: string, what: string, remedy: string): void {
    if (!isInBucket(folder)) return;
    throw new SluiceError({
        code: "input_in_bucket",
        what: `${what} needs a folder, and ${folder} is in a bucket; nothing was changed.`,
        remedy,
        exitCode: exitCodes.usage,
    });
}

/** The same for a folder by whatever name or link it is reached. One that is not there stays as it is written. */
export function realFolder(folder: string): string {
    if (isInBucket(folder)) return folder.replace(/\/+$/, "");
    try {
        return realpathSync(folder);
    } catch {
        return resolve(folder);
    }
}

/** Files that are archived into the folder that they come from would be found again, and moved in circles. */
export function refuseArchiveAsInput({ inputDir, archiveDir, afterMerge }: ArchiveSettings): void {
    if (isInBucket(inputDir)) return;
    const [input, archive] = [realFolder(inputDir), realFolder(archiveDir)];
    if (afterMerge !== "archive" || (input !== archive && !input.startsWith(archive + sep))) return;
    throw new SluiceError({
        code: "archive_is_input",
        what: `The input folder ${inputDir} is in the archive ${archiveDir}: files would be archived into the input again.`,
        remedy: "Use --after-merge keep to read archived files again, or name another folder with --input or --data-dir.",
        setting: "inputDir",
        exitCode: exitCodes.configuration,
    });
}

type ArchiveSettings = Pick<IngestConfig, "inputDir" | "archiveDir" | "afterMerge">;

/** Explains a failed look at the folder to the user who chose it. */
export function inputFolderError(inputDir: string, cause: unknown): SluiceError {
    const { code } = cause as NodeJS.ErrnoException;
    const isMissing = code === "ENOENT";
    const isOther = code === "ENOTDIR";
    return new SluiceError({
        code: isMissing ? "input_folder_missing" : "input_folder_unreadable",
        what: isMissing
            ? `The input folder ${inputDir} does not exist.`
            : isOther
              ? `The input folder ${inputDir} is not a folder.`
              : `The input folder ${inputDir} cannot be read (${code}).`,
        remedy: isMissing
            ? `Create it (mkdir -p ${inputDir}), or name another with --input.`
            : isOther
              ? `Name the folder that holds the CSV files with --input; ${program} try takes single files.`
              : "Give the user that runs Sluice the right to read it, or name another with --input.",
        setting: "inputDir",
        exitCode: exitCodes.configuration,
        cause,
    });
}

export function isInputFolderError(error: unknown): error is SluiceError {
    return (
        error instanceof SluiceError &&
        (error.code === "input_folder_missing" || error.code === "input_folder_unreadable")
    );
}
