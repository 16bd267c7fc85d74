/** Shows the status again and again, until the process is stopped. */
import type { Sql } from "../../database/connect.ts";
import { isConnectionFault } from "../../database/sql-states.ts";
import { readStatus } from "../../operations/status/read-status.ts";
import type { Status } from "../../operations/status/status-schema.ts";
import { formatDuration } from "../../terminal/format.ts";
import { formatStatus } from "./format-status.ts";

export interface WatchOptions {
    sql: Sql;
    /** Null: of all streams. */
    streamId: number | null;
    pauseMs: number;
    /** A line of JSON each time. */
    json: boolean;
    color: boolean;
    /** In the same place on the terminal each time; otherwise one below the other. */
    isDrawn: boolean;
}

/** The database counts as away when it has not answered for this long. */
const patienceMs = 3_000;

const home = "\u001b[H";
const clearBelow = "\u001b[J";
const clearRestOfLine = "\u001b[K";

/** Never resolves: a signal ends it. Throws errors other than an outage. During one, no old number is shown as if it were new. */
export async function watchStatus({ sql, streamId, pauseMs, json, color, isDrawn }: WatchOptions): Promise<never> {
    const ask = createAsker(sql, streamId);
    let awaySince: number | null = null;
    if (isDrawn && !json) process.stdout.write(`${home}${clearBelow}`);
    while (true) {
        const asked = await ask();
        awaySince = "away" in asked ? (awaySince ?? performance.now()) : null;
        if ("away" in asked) {
            const seconds = (performance.now() - awaySince!) / 1000;
            show(
                json
                    ? [JSON.stringify({ state: "database_away", awaySeconds: Math.round(seconds) })]
                    : [`The database has been unreachable for ${formatDuration(seconds * 1000)}. Retrying.`],
            );
        } else {
            show(json ? [JSON.stringify(asked.status)] : formatStatus(asked.status, { color }));
        }
        await Bun.sleep(pauseMs);
    }

    function show(lines: string[]): void {
        if (json) process.stdout.write(`${lines.join("\n")}\n`);
        else if (!isDrawn) process.stdout.write(`${lines.join("\n")}\n\n`);
        else process.stdout.write(`${home}${fit(lines).join(`${clearRestOfLine}\n`)}${clearRestOfLine}\n${clearBelow}`);
    }
}

/** A status that is taller than the screen would scroll, and the next one would be drawn below it. */
function fit(lines: string[]): string[] {
    const rows = process.stdout.rows ?? 24;
    return lines.length < rows ? lines : [...lines.slice(0, rows - 2), "…"];
}

/** Runs one query at a time, so that queries do not pile up while the database is unreachable. */
function createAsker(sql: Sql, streamId: number | null): () => Promise<{ status: Status } | { away: true }> {
    let open: Promise<Status> | null = null;
    return async () => {
        open ??= readStatus(sql, streamId).finally(() => {
            open = null;
        });
        try {
            // postgres.js waits for a connection without end.
            const status = await Promise.race([open, Bun.sleep(patienceMs).then(() => null)]);
            return status === null ? { away: true } : { status };
        } catch (error) {
            if (!isConnectionFault(error)) throw error;
            return { away: true };
        }
    };
}
