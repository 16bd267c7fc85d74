/** The closing summary of a run, of one stream or of several. */
import { meaningOf } from "../../database/sql-states.ts";
import { readDeferredIndexes } from "../ledger/deferred-indexes.ts";
import { countFilesFailedBefore, countFilesSince, countWaitingFiles } from "../ledger/read-backlog.ts";
import type { DeferredIndexLeft, IngestSummary, StreamSummary } from "./progress.ts";
import type { Shared, StreamWorker } from "./stream-worker.ts";

/** How long a run that ends waits for the database's answer to its last words. */
export const lastWordsMs = 1_000;

export async function summarize(
    { connections, signal }: Pick<Shared, "connections" | "signal">,
    workers: readonly StreamWorker[],
    isAnswered: boolean,
): Promise<IngestSummary> {
    const { sql } = connections;
    const summaries: StreamSummary[] = [];
    for (const { name, streamId, tally, config, survive, failure, isLeftPaused } of workers) {
        const count = async () => ({
            files: await countFilesSince(sql, streamId, tally.begunAt),
            failedBefore: await countFilesFailedBefore(sql, streamId, tally.begunAt),
            left: {
                ...(await countWaitingFiles(sql, streamId)),
                merged: tally.youngMerged,
                youngerThanMs: config.tailSettleMs,
            },
            deferred: await readDeferredIndexes(sql, streamId),
        });
        const countNow = () => (isAnswered ? lastWords(count()) : null);
        const counted = signal.aborted ? await countNow() : await survive(count).catch(countNow);
        const { files = null, failedBefore = null, left = null, deferred = [] } = counted ?? {};
        const away = deferred.length > 0 ? { deferredIndexes: deferred.map(pickAway) } : {};
        const { records, batches } = tally;
        const retried = tally.retried.read > 0 ? { retried: tally.retried } : {};
        const error = failure();
        const problem = error === null ? null : error instanceof Error ? error.message : String(error);
        const paused = isLeftPaused() ? { paused: true as const } : {};
        summaries.push({
            stream: name,
            problem,
            files,
            failedBefore,
            left,
            records,
            ...retried,
            batches,
            ...paused,
            ...away,
        });
    }
    return addUp(summaries, workers[0]!.tally.startedAt);
}

const pickAway = ({ table, index, problem }: DeferredIndexLeft): DeferredIndexLeft => ({ table, index, problem });

/** Null where one of them could not be counted. */
function addUp(summaries: StreamSummary[], startedAt: number): IngestSummary {
    const seconds = Math.round(performance.now() - startedAt) / 1000;
    const [first] = summaries;
    const retried = sumOf(summaries.flatMap((summary) => summary.retried ?? []));
    const deferredIndexes = summaries.flatMap((summary) => summary.deferredIndexes ?? []);
    const lefts = sumOf(summaries.map(({ left }) => left));
    const total: IngestSummary = {
        type: "summary",
        files: sumOf(summaries.map(({ files }) => files)),
        failedBefore: sumOf(summaries.map(failuresBefore))?.failures ?? null,
        left: lefts && { ...lefts, youngerThanMs: first!.left!.youngerThanMs },
        records: sumOf(summaries.map(({ records }) => records))!,
        ...(retried ? { retried } : {}),
        batches: summaries.reduce((sum, { batches }) => sum + batches, 0),
        ...(summaries.some(({ paused }) => paused) ? { paused: true as const } : {}),
        ...(deferredIndexes.length > 0 ? { deferredIndexes } : {}),
        seconds,
    };
    return summaries.length > 1 ? { ...total, streams: summaries } : total;
}

const failuresBefore = ({ failedBefore }: StreamSummary) => (failedBefore === null ? null : { failures: failedBefore });

/** Field by field; null when one is, or when there are none. */
function sumOf<Counts extends object>(counts: readonly (Counts | null)[]): Counts | null {
    const [first = null, ...others] = counts;
    return others.reduce((left, right) => left && right && addFields(left, right), first);
}

function addFields<Counts extends object>(left: Counts, right: Counts): Counts {
    const names = Object.keys(left) as (keyof Counts)[];
    return Object.fromEntries(
        names.map((name) => [name, (left[name] as number) + (right[name] as number)]),
    ) as unknown as Counts;
}

/** For the last words of a run, which must not keep it from ending: null if the database is unreachable, or too slow. */
export async function lastWords<Answer>(query: Promise<Answer>): Promise<Answer | null> {
    const given = query.catch((error: unknown) => {
        if (meaningOf(error) === null) throw error;
        return null;
    });
    return await Promise.race([given, Bun.sleep(lastWordsMs).then(() => null)]);
}
