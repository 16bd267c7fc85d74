/**
 * Failed files that have left the folder, and of which nothing got in, are forgotten: nobody can mend them any more. Only
 * what a whole listing of the folder does not name, and a look of its own does not find; never by a folder that is not the
 * one that was there when the process began (a mount that is away leaves an empty one).
 */
import type { Sql } from "../../database/connect.ts";
import type { IngestContext } from "../context.ts";
import type { StreamWork } from "../ledger/watch-work.ts";
import { type Inbox, inboxOf, type Paths } from "./inbox.ts";

export interface ForgetGone {
    /** `present` is what is in the inbox, as it was listed just now. Throws what the database throws. */
    after(present: Paths): Promise<void>;
}

const pauseMs = 2_000;
const pageFiles = 1_000;

export function createForgetGone(
    context: IngestContext & { work?: StreamWork; inbox?: Inbox },
    now = () => performance.now(),
): ForgetGone {
    const { log } = context;
    const inbox = inboxOf(context);
    let nextAt = Number.NEGATIVE_INFINITY;
    let fromPath = "";
    let firstFolder: string | null = null;
    return {
        async after(present) {
            if (now() < nextAt || context.work?.hasFailed() === false) return;
            nextAt = now() + pauseMs;
            const folder = await inbox.identity();
            firstFolder ??= folder;
            if (folder === null || folder !== firstFolder) return;
            const failed = await failedFiles(context.sql, context.stream.id, pageFiles, fromPath);
            // From the start again when these were the last.
            fromPath = failed.length < pageFiles ? "" : failed.at(-1)!.path;
            const gone: number[] = [];
            for (const { fileId, path, problem } of failed) {
                if (present.has(path)) continue;
                // It is another stream's now, or nobody's.
                if (problem === "stream_ambiguous" || (await inbox.isGone(path))) gone.push(fileId);
            }
            if (gone.length === 0) return;
            for (const { path, problem } of await forgetFiles(context.sql, gone)) {
                const facts = { event: "file_forgotten", file: path, code: problem ?? undefined };
                log.info(`${path} had failed (${problem}) and has left the folder. Sluice forgets it.`, facts);
            }
        },
    };
}

/** Failed files in path order, without those whose records were read and then lost: these are for people to see. */
export async function failedFiles(
    sql: Sql,
    streamId: number,
    limit: number,
    fromPath: string,
): Promise<{ fileId: number; path: string; problem: string }[]> {
    return await sql<{ fileId: number; path: string; problem: string }[]>`
        select file_id as "fileId", path, problem
        from ingest.files
        where
            files.state in ('pending', 'failed')
            and files.state = 'failed'
            and files.stream_id = ${streamId}
            and files.path collate "C" >= ${fromPath}
            and not (files.problem in ('file_vanished', 'source_changed') and files.loaded_bytes > 0)
            and ingest.merged_records(files.file_id) = 0
            -- Of a stream that appends, the ledger alone knows what was read.
            and (files.loaded_bytes = 0 or not exists (
                select from ingest.streams where streams.stream_id = files.stream_id and streams.mode = 'append'
            ))
        order by files.path collate "C"
        limit ${limit}`;
}

/** Those that have failed and are not in the folder any more; returns the ones that it was true of. */
async function forgetFiles(sql: Sql, fileIds: number[]): Promise<{ path: string; problem: string | null }[]> {
    return await sql<{ path: string; problem: string | null }[]>`
        select path, problem from ingest.forget_files(${fileIds}::bigint[])`;
}
