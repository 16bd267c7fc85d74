/** After each round of loading: files whose chunks are held for their reject budget get in, or fail, as a whole. */
import type { RejectBudget } from "../../config/config.ts";
import type { Sql } from "../../database/connect.ts";
import type { Loader } from "./loader.ts";

/** Whether there was a file to decide on. Without a budget it looks once, for what a run with one may have left held. */
export async function applyRejectBudget(loader: Loader): Promise<boolean> {
    const { stream, config, sql, log, tails } = loader;
    if (!config.maxRejects && loader.hasAppliedBudget) return false;
    const decided = await validateHeldFiles(sql, stream.id, tails.waiting(), config.maxRejects ?? null);
    loader.hasAppliedBudget = true;
    for (const { path, verdict, detail } of decided) {
        // Without the sample: it holds values.
        const reasons = detail?.replace(/ Record \d+: .*$/s, "");
        if (verdict === "failed") {
            log.error(`${path} failed: ${reasons}`, { event: "file_failed", file: path, code: "too_many_rejects" });
        }
        if (verdict === "lost") {
            const facts = { event: "staging_lost", file: path };
            log.warn(`${path} is loaded again: the database lost its staged records.`, facts);
        }
    }
    return decided.length > 0;
}

interface HeldFile {
    path: string;
    /** lost: its staged rows were gone, and it is loaded again. */
    verdict: "released" | "failed" | "lost";
    detail: string | null;
}

/** Decides on the files whose held chunks are all there is of them now: `waiting` are those with an unfinished tail. */
export async function validateHeldFiles(
    sql: Sql,
    streamId: number,
    waiting: number[],
    budget: RejectBudget | null,
): Promise<HeldFile[]> {
    const most = { count: null as number | null, ratio: null as number | null };
    if (budget !== null) most[budget.kind] = budget.most;
    return await sql<HeldFile[]>`
        select path, verdict, detail
        from ingest.validate_held_files(
            ${streamId}, ${waiting}::bigint[], ${most.count}::bigint, ${most.ratio}::float8
        )`;
}
