/** Shows the progress of an available-now ingest: records read since it began, of those and the ones that wait. */
import { connect } from "../../database/connect.ts";
import type { DatabaseTarget } from "../../database/database-target.ts";
import { readStatus } from "../../operations/status/read-status.ts";
import type { Status } from "../../operations/status/status-schema.ts";
import type { Progress } from "../../terminal/progress.ts";

const firstLookMs = 300;
const lookEveryMs = 1_000;
/** Not drawn, progress is a line every ten seconds, which needs fewer looks. */
const seldomLookMs = 4_500;

/** Uses a connection only for this question: where there are few, the ingest needs them. Null while there is no answer. */
async function readOnce(target: DatabaseTarget): Promise<Status | null> {
    const sql = connect(target, { applicationName: "sluice progress", max: 1, connectTimeoutSeconds: 3 });
    try {
        return await readStatus(sql);
    } catch {
        return null;
    } finally {
        await sql.end({ timeout: 1 });
    }
}

/**
 * Starts to show progress: the records that any process merges, and unread files by their size. The display stays as it
 * was while the database is unreachable. Call `stop` before the summary is printed.
 */
export async function watchBacklog(
    target: DatabaseTarget,
    progress: Progress,
    { isDrawn }: { isDrawn: boolean },
): Promise<{ stop(): Promise<void> }> {
    const before = await readOnce(target);
    let isOver = false;
    const looking = look();

    async function look(): Promise<void> {
        if (before === null) return;
        let pauseMs = isDrawn ? firstLookMs : seldomLookMs;
        while (!isOver) {
            const wakeAt = performance.now() + pauseMs;
            while (!isOver && performance.now() < wakeAt) await Bun.sleep(50);
            if (isOver) return;
            pauseMs = isDrawn ? lookEveryMs : seldomLookMs;
            const status = await readOnce(target);
            if (isOver || status === null) continue;
            const { totals, backlog } = status;
            const done = totals.read - before.totals.read;
            const total = done + backlog.records;
            progress.update({ done, total, isEstimate: backlog.unreadBytes > 0, unit: "records" });
        }
    }

    return {
        async stop() {
            isOver = true;
            await Promise.race([looking, Bun.sleep(1_000)]);
        },
    };
}
