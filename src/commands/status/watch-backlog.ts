/** How far an ingest is that takes what is there: what was read since it began, of that and what still waits. */
import { connect } from "../../database/connect.ts";
import type { DatabaseTarget } from "../../database/database-target.ts";
import { readStatus } from "../../operations/status/read-status.ts";
import type { Status } from "../../operations/status/status-schema.ts";
import type { Progress } from "../../terminal/progress.ts";

const firstLookMs = 300;
const lookEveryMs = 1_000;
/** Where a line comes every ten seconds, the database need not be asked more often than that takes. */
const seldomLookMs = 4_500;

/** On a connection for this once: where there are few, the ingest needs them. Null while there is no answer. */
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
 * Begins to look, `isDrawn` once a second, on connections of its own; whoever merges, it counts. An unread file counts by
 * its size. While the database is away nothing is shown anew. Stop it before the last words are printed.
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
        for (
            let pauseMs = isDrawn ? firstLookMs : seldomLookMs;
            !isOver;
            pauseMs = isDrawn ? lookEveryMs : seldomLookMs
        ) {
            const wakeAt = performance.now() + pauseMs;
            while (!isOver && performance.now() < wakeAt) await Bun.sleep(50);
            if (isOver || before === null) return;
            const { totals, backlog } = (await readOnce(target)) ?? { totals: null, backlog: null };
            if (isOver || totals === null) continue;
            const done = totals.read - before.totals.read;
            progress.update({
                done,
                total: done + backlog.records,
                isEstimate: backlog.unreadBytes > 0,
                unit: "records",
            });
        }
    }

    return {
        async stop() {
            isOver = true;
            await Promise.race([looking, Bun.sleep(1_000)]);
        },
    };
}
