/** When nothing more is to be loaded: the next snapshot that waits as a whole may be merged. The statement is in sql/engine/snapshot.sql. */
import type { FileProblem } from "../../database/file-problems.ts";
import type { Loader } from "./loader.ts";

interface Decided {
    path: string;
    verdict: "released" | Extract<FileProblem, "snapshot_empty" | "superseded" | "copy">;
    detail: string | null;
}

/** Returns whether there was a file to decide on. */
export async function releaseSnapshot({ stream, sql, log }: Loader): Promise<boolean> {
    const decided = await sql<Decided[]>`select path, verdict, detail from ingest.release_snapshot(${stream.id})`;
    for (const { path, verdict, detail } of decided) {
        const facts = { file: path, code: verdict };
        if (verdict === "snapshot_empty") log.error(`${path} failed: ${detail}`, { event: "file_failed", ...facts });
        else if (verdict !== "released") log.info(`${path} is skipped: ${detail}`, { event: "file_skipped", ...facts });
    }
    return decided.length > 0;
}
