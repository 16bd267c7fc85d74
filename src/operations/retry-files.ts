/** Takes failed files up again. The transaction is the SQL function ingest.retry_files (sql/engine/files.sql). */

import type { Sql } from "../database/connect.ts";
import { commandHere } from "../environment.ts";
import { SluiceError } from "../errors.ts";

export interface RetriedFile {
    path: string;
    /** Why it had failed. */
    problem: string | null;
    problemDetail: string | null;
}

/**
 * The failed file of this path, or all of them with null, of one stream or of all: from now on they are pending, and whoever loads tries them.
 * @throws SluiceError `file_not_failed` for a path that has no failed file.
 */
export async function retryFiles(
    sql: Sql,
    path: string | null,
    streamId: number | null = null,
    /** Of a snapshot that would remove more rows than its stream allows. */
    { allowsRemoval = false } = {},
): Promise<RetriedFile[]> {
    const retried = await sql<RetriedFile[]>`
        select path, problem, problem_detail as "problemDetail"
        from ingest.retry_files(${path}, ${streamId}::smallint, ${allowsRemoval})`;
    if (path !== null && retried.length === 0) {
        throw new SluiceError({
            code: "file_not_failed",
            what: `No file ${path} has failed.`,
            remedy: `Name it as \`${commandHere("status")}\` does, relative to the watched folder; --all takes every failed one.`,
        });
    }
    return retried;
}
