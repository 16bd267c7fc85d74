/** Snapshots that fail as a whole, when they are merged: sql/engine/snapshot.sql. */
import type { FileProblem } from "../../database/file-problems.ts";
import { sluiceStates, sqlStateOf } from "../../database/sql-states.ts";
import type { IngestContext } from "../context.ts";
import type { FileFailure } from "../ledger/files.ts";

/** What the merge said of the file. Null when that is not why it failed. */
export function refusalOf(error: unknown): FileFailure | null {
    if (sqlStateOf(error) !== sluiceStates.snapshotRefused) return null;
    const refusal = JSON.parse((error as { detail: string }).detail) as { problem: FileProblem; detail: string };
    return { ...refusal, retryAfterMs: null };
}

/** Whether the merge needs the text of a record that was staged typed. */
export const needsText = (error: unknown): boolean => sqlStateOf(error) === sluiceStates.textNeeded;

/** The released file that has this chunk is loaded again, as text. */
export async function stageAsText(
    { sql, stream, log }: Pick<IngestContext, "sql" | "stream" | "log">,
    chunkId: number,
    path: string,
): Promise<void> {
    await sql`select ingest.stage_as_text(${stream.id}, ${chunkId})`;
    log.info(`${path} is read again: some of its records are rejected, and a reject keeps their text.`, {
        event: "file_read_again",
        file: path,
    });
}

/** The released file that has this chunk fails; the table is as it was, and the next one may come. */
export async function failReleasedSnapshot(
    { sql, stream, log }: Pick<IngestContext, "sql" | "stream" | "log">,
    chunkId: number,
    { problem, detail }: FileFailure,
): Promise<void> {
    const [row] = await sql<{ path: string | null }[]>`
        select ingest.fail_released_snapshot(${stream.id}, ${chunkId}, ${problem}, ${detail}) as path`;
    const path = row?.path;
    if (path == null) return;
    // Without the sample: it holds values.
    const said = detail.replace(/ Record \d+: .*$/s, "");
    log.error(`${path} failed: ${said}`, { event: "file_failed", file: path, code: problem });
}
