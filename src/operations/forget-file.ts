/** Forgets a failed file that is gone. The transaction is the SQL function ingest.forget_files (sql/engine/files.sql). */

import type { Sql } from "../database/connect.ts";
import { inboxHolding } from "../engine/discover/locate-file.ts";
import { requireInputFolder } from "../engine/input-folder.ts";
import { refuseOtherFolder } from "../engine/ledger/lease.ts";
import { commandHere } from "../environment.ts";
import { SluiceError } from "../errors.ts";
import { isInBucket } from "../streams/route-files.ts";

export interface ForgottenFile {
    path: string;
    /** Why it had failed. */
    problem: string | null;
    /** How many of its records had got in: they stay. */
    mergedRecords: number;
}

export interface ForgetOptions {
    inputDir: string;
    /** Also when part of it has got in. */
    evenPartly: boolean;
}

/**
 * From now on the file is neither failed nor known: it is read anew if it comes back.
 * @throws SluiceError `file_unknown`, `file_not_failed`, `file_still_there`, `file_partly_in`; those of the input folder, or of the bucket.
 */
export async function forgetFile(
    sql: Sql,
    fileId: number,
    { inputDir, evenPartly }: ForgetOptions,
): Promise<ForgottenFile> {
    const [file] = await sql<(ForgottenFile & { state: string; isAppended: boolean })[]>`
        select
            files.path, files.problem, files.state, ingest.merged_records(files.file_id) as "mergedRecords",
            streams.mode = 'append' and files.loaded_bytes > 0 as "isAppended"
        from ingest.files
        inner join ingest.streams on streams.stream_id = files.stream_id
        where files.file_id = ${fileId}`;
    if (file?.state !== "failed") throw notFailed(file?.path ?? String(fileId), file?.state);
    // An object's address says where it is, whatever the input folder.
    if (!isInBucket(file.path)) {
        requireInputFolder(inputDir, false);
        await refuseOtherFolder(sql, inputDir);
    }
    const inbox = inboxHolding(file.path, inputDir);
    if (!(await inbox.isGone(file.path))) throw stillThere(file.path, inbox.name);
    if (file.isAppended && !evenPartly) throw appended(file);
    if (file.mergedRecords > 0 && !evenPartly) throw partlyIn(file);
    const forgotten = await sql`select from ingest.forget_files(${[fileId]}::bigint[])`;
    if (forgotten.length === 0) throw notFailed(file.path, "no longer failed");
    const { path, problem, mergedRecords } = file;
    return { path, problem, mergedRecords };
}

function notFailed(path: string, state: string | undefined): SluiceError {
    return new SluiceError({
        code: "file_not_failed",
        what: `${path} has not failed: it is ${state ?? "unknown"}.`,
        remedy: `Only failed files are forgotten: \`${commandHere("files")} --state failed\` lists them.`,
    });
}

function stillThere(path: string, place: string): SluiceError {
    return new SluiceError({
        code: "file_still_there",
        what: `${path} is still in ${place}, and would be found again.`,
        remedy: `Remove it there first, or correct it: it is read again when it changes. \`${commandHere("retry")}\` tries it as it is.`,
    });
}

function partlyIn({ path, mergedRecords }: ForgottenFile): SluiceError {
    return new SluiceError({
        code: "file_partly_in",
        what: `${mergedRecords} records of ${path} are merged, and the rest are not.`,
        remedy: "Put the file back: it is read again, and no record is loaded twice. Or forget the rest with --yes; merged records stay.",
    });
}

/** Of a stream that appends, also one of which nothing is counted any more: its batches may have been pruned. */
function appended({ path }: ForgottenFile): SluiceError {
    return new SluiceError({
        code: "file_partly_in",
        what: `Records of ${path} are rows, and only the ledger knows which: once it is forgotten, a file with its content is inserted again.`,
        remedy: "Put the file back, as it was when it was read. Or forget it with --yes.",
    });
}
