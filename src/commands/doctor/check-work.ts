/** Checks of the work: stuck files, processes that are gone, merged rows that stay, records that repeat, lag. */

import type { Config } from "../../config/config.ts";
import type { Sql } from "../../database/connect.ts";
import { remedyFor } from "../../database/file-problems.ts";
import { describeReader, remedyForReader } from "../../database/staging-readers.ts";
import { readDeferredIndexes } from "../../engine/ledger/deferred-indexes.ts";
import { commandHere } from "../../environment.ts";
import { describeDeferred } from "../../operations/status/describe-deferred.ts";
import type { Status } from "../../operations/status/status-schema.ts";
import { formatCount, formatDuration, formatShare } from "../../terminal/format.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import { type Found, fail, note, ok } from "./finding.ts";

/** How long something may wait while an ingest is at work. */
const stuckAfterMs = 10 * 60_000;

/** Failed files, and files that wait for longer than any trigger. */
export function checkFiles({ asOf, files, failedFiles, backlog, workers, streams }: Status): Found {
    const [latest] = failedFiles;
    if (files.failed > 0 && latest) {
        const which = `${sanitize(latest.path, { most: 60 })} (${latest.problem ?? "unknown"})`;
        return fail(
            `${formatCount(files.failed, "file")} failed, the latest ${which}.`,
            `${remedyFor(latest.problem)} ${commandHere("files")} --state failed lists them.`,
        );
    }
    // What waits until its stream is resumed is checkPause's.
    const working = streams.filter(({ pausedAt }) => pausedAt === null);
    const waitingFiles = working.reduce((sum, stream) => sum + stream.backlog.files, 0);
    const since = working.flatMap((stream) => stream.backlog.oldestWaitingAt ?? []).sort()[0];
    const waitedMs = since === undefined ? 0 : Date.parse(asOf) - Date.parse(since);
    const waiting = `${formatCount(waitingFiles, "file")} waiting, the oldest for ${formatDuration(waitedMs)}`;
    if (workers.length > 0 && waitedMs > stuckAfterMs) {
        return fail(
            `${waiting}.`,
            `Look at the ingest's log on stderr; ${commandHere("status")} shows whether it has fallen behind.`,
        );
    }
    if (waitingFiles > 0 && workers.length === 0) {
        return note(`${waiting}, and no ingest is running.`, `Start one: ${commandHere("ingest")}.`);
    }
    const all = Object.values(files).reduce((sum, count) => sum + count, 0);
    if (waitingFiles > 0) return ok(`${waiting}.`);
    const others = backlog.files === 0 ? "none waiting" : `${backlog.files} waiting until a stream is resumed`;
    return ok(`${formatCount(all, "file")} known, none failed, ${others}.`);
}

/** A pause does not end by itself, so whoever looks for why nothing comes should meet it. */
export function checkPause({ streams }: Status): Found {
    const paused = streams.filter(({ pausedAt }) => pausedAt !== null);
    if (paused.length === 0) return ok("No stream is paused.");
    const found = paused.map(({ name, verdict }) => `${sanitize(name, { most: 60 })}: ${verdict}`).join(" ");
    return note(found, `Nothing is lost: what waits is taken once it is resumed (${commandHere("resume")}).`);
}

/** Also those of streams that are no more. */
export async function checkIndexes(sql: Sql): Promise<Found> {
    const indexes = await readDeferredIndexes(sql, null);
    const found = describeDeferred(indexes);
    if (found === null) return ok("No index waits to be made again.");
    const streams = [...new Set(indexes.map(({ stream }) => sanitize(stream, { most: 60 })))].join(", ");
    const remedy = `The next ingest of ${streams} makes them. By hand, as the table's owner: select ingest.make_index(deferred_index_id) from ingest.deferred_indexes`;
    if (indexes.some(({ problem }) => problem !== null)) return fail(`${found}.`, `${remedy}.`);
    return note(`${found}. Queries that use them are slow.`, `${remedy}.`);
}

interface Leftovers {
    goneWorkers: number;
    /** Sessions of Sluice's that hold a transaction open without doing anything. */
    idleSessions: number;
    oldestIdleSeconds: number;
}

/** Processes whose lease ran out without a goodbye; the next ingest clears up after them. */
export async function checkWorkers(sql: Sql, { workers }: Status): Promise<Found> {
    const [left] = await sql<Leftovers[]>`
        select
            (select count(*) from ingest.workers where lease_until <= clock_timestamp()) as "goneWorkers",
            count(*) as "idleSessions",
            coalesce(extract(epoch from max(clock_timestamp() - state_change)), 0)::float8 as "oldestIdleSeconds"
        from pg_stat_activity
        where
            datname = current_database()
            and application_name like 'sluice%'
            and state like 'idle in transaction%'
            and state_change < clock_timestamp() - interval '1 minute'`;
    const { goneWorkers, idleSessions, oldestIdleSeconds } = left!;
    if (idleSessions > 0) {
        const age = formatDuration(oldestIdleSeconds * 1000);
        return fail(
            `Sluice has ${formatCount(idleSessions, "session")} with a transaction that has been idle for ${age}.`,
            "End it: select pg_terminate_backend(pid) from pg_stat_activity where state like 'idle in transaction%'.",
        );
    }
    const live = workers.length === 0 ? "No ingest is running" : `${formatCount(workers.length, "ingest")} at work`;
    if (goneWorkers === 0) return ok(`${live}.`);
    return note(
        `${live}; ${formatCount(goneWorkers, "ingest")} ended without signing off (killed, or its machine is down).`,
        `Nothing is lost. Start an ingest (${commandHere("ingest")}): it takes over their work.`,
    );
}

/** A session that has read staging keeps merged rows there until its transaction ends, and every merge reads them. */
export function checkStaging({ stagingReaders }: Status): Found {
    const [longest] = stagingReaders;
    if (longest === undefined) return ok("No session prevents the removal of merged rows from ingest.staging.");
    const others = stagingReaders.length > 1 ? ` and ${formatCount(stagingReaders.length - 1, "other")}` : "";
    return fail(
        `Merged rows cannot be removed from ingest.staging: ${sanitize(describeReader(longest))}${others} read it in a transaction that is still open.`,
        remedyForReader(longest),
    );
}

/** A receiver that has taken nothing for so long is wrong, or down. */
const undeliveredAfterMs = 15 * 60_000;

export function checkNotifications(
    { notifyWebhook, notifySecret }: Pick<Config, "notifyWebhook" | "notifySecret">,
    { asOf, notifications }: Status,
): Found {
    const { pending, oldestPendingAt, lastFailure } = notifications;
    if (oldestPendingAt !== null && Date.parse(asOf) - Date.parse(oldestPendingAt) > undeliveredAfterMs) {
        const failure = lastFailure === null ? "no process with a webhook runs" : sanitize(lastFailure, { most: 60 });
        return fail(
            `${formatCount(pending, "message")} about changes of state cannot be delivered: ${failure}.`,
            `Correct notify.webhook or its receiver; ${commandHere("notify")} --test tries it.`,
        );
    }
    if (notifyWebhook === undefined) return ok("Nobody is told when the state of a stream changes: no notify.webhook.");
    if (notifySecret !== undefined) return ok("notify.webhook is told when the state of a stream changes, signed.");
    return note(
        "notify.webhook is told when the state of a stream changes, without a signature.",
        "If the receiver can verify signatures, set SLUICE_NOTIFY_SECRET.",
    );
}

export function checkPace({ totals, state, verdict, freshness, table }: Status): Found {
    if (state === "stuck") return fail(verdict, "Once that is fixed, the ingest continues automatically.");
    if (state === "rejecting") return note(verdict, "See the data contract for what each reason means.");
    if (state === "behind") {
        return note(
            verdict,
            `To use more cores, raise --merge-workers; to use more processes, start another ${commandHere("ingest")}; to merge more at once, raise --max-batch-records.`,
        );
    }
    const repeated = totals.duplicate / Math.max(1, totals.read);
    if (repeated > 0.5) {
        return note(
            `${formatShare(totals.duplicate, totals.read)} of all records were duplicates: the same records are delivered again and again.`,
            `${table} holds each of them once. To save the work, deliver each file once, or use --after-merge archive.`,
        );
    }
    const lag =
        freshness.p95Seconds === null
            ? ""
            : ` 95 % of records are committed within ${formatDuration(freshness.p95Seconds * 1000)} of being seen.`;
    return ok(`Nothing lags.${lag}`);
}
