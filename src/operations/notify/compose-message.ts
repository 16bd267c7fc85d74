/** The messages, as their receiver gets them. The body is written once: each attempt sends the same bytes. */
import { randomUUID } from "node:crypto";
import { program } from "../../environment.ts";
import { formatDuration } from "../../terminal/format.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import { describeStreamState } from "../status/describe-streams.ts";
import type { Status, StreamStatus } from "../status/status-schema.ts";
import type { Change } from "./decide-changes.ts";

export interface Message {
    /** `webhook-id`: the same at each attempt. */
    id: string;
    body: string;
}

/** `status`: the moment that the numbers are of. `pageUrl`: without a slash at its end. */
export function composeStateMessage(
    change: Change,
    stream: StreamStatus,
    { asOf, databaseName }: Pick<Status, "asOf" | "databaseName">,
    pageUrl: string | undefined,
): Message {
    return compose(`stream.${change.kind}`, asOf, summarize(change, stream, asOf), {
        database: databaseName,
        stream: stream.name,
        table: stream.table,
        from: change.from,
        to: change.to,
        // An ingest that is gone is told of only where it was to run for ever.
        tone: change.to === "stopped" && stream.tone === "quiet" ? "busy" : stream.tone,
        since: change.since,
        numbers: {
            failedFiles: stream.files.failed,
            waitingFiles: stream.backlog.files,
            waitingRecords: stream.backlog.records,
            standingRejects: stream.standingRejects,
            workers: stream.workers,
            lastMergedAt: stream.lastMergedAt,
        },
        ...(pageUrl !== undefined && { url: `${pageUrl}/streams/${encodeURIComponent(stream.name)}` }),
    });
}

function summarize({ kind, from, since, troubledSince }: Change, stream: StreamStatus, asOf: string): string {
    const name = sanitize(stream.name, { most: 60 });
    if (kind === "recovered") {
        const lasted = formatDuration(Date.parse(since) - Date.parse(troubledSince ?? since));
        return `${name} is no longer ${from}, after ${lasted}. ${stream.verdict}`;
    }
    const hasBeen = `(for ${formatDuration(Date.parse(asOf) - Date.parse(since))} now)`;
    return kind === "problem_lasts" ? `${describeStreamState(stream)} ${hasBeen}` : describeStreamState(stream);
}

/** A process that cannot reach the database, or can again: `where` names that process. */
export interface DatabaseNews {
    kind: "unreachable" | "recovered";
    databaseName: string;
    /** `ingest on worker-1 (pid 4711)` */
    where: string;
    since: Date;
    /** What the connection's failure is called. */
    reason: string;
}

export function composeDatabaseMessage({ kind, databaseName, where, since, reason }: DatabaseNews): Message {
    const now = new Date();
    const lasted = formatDuration(now.getTime() - since.getTime());
    const name = sanitize(databaseName, { most: 60 });
    const summary =
        kind === "unreachable"
            ? `The database ${name} is unreachable for the ${where}: ${reason}, for ${lasted}. Nothing is lost; the ingest waits ` +
              `and continues by itself. See whether the server runs and accepts connections: \`${program} doctor\`.`
            : `The database ${name} is reachable again for the ${where}, after ${lasted}.`;
    const [from, to] = kind === "unreachable" ? ["ok", "unreachable"] : ["unreachable", "ok"];
    return compose(`database.${kind}`, now.toISOString(), summary, {
        database: databaseName,
        where,
        from,
        to,
        tone: kind === "unreachable" ? "bad" : "good",
        since: since.toISOString(),
    });
}

export function composeTestMessage(): Message {
    return compose(
        "test",
        new Date().toISOString(),
        `This is a test by \`${program} notify --test\`: messages arrive.`,
        {},
    );
}

function compose(type: string, timestamp: string, summary: string, facts: object): Message {
    const id = `msg_${randomUUID().replaceAll("-", "")}`;
    return { id, body: JSON.stringify({ type, id, timestamp, summary, text: forChat(summary), ...facts }) };
}

/**
 * For receivers that show `text` (Slack, Mattermost, Teams). A file may be named `<!channel>`: nothing in it may mention people
 * or be a link.
 */
export function forChat(summary: string): string {
    return summary.replaceAll("<", "‹").replaceAll(">", "›").replaceAll("@", "@\u200b");
}
