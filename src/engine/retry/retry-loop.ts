/**
 * A record that lacks a row which a foreign key names is replayed by itself once that is there. When a stream has brought rows into a
 * parent's table, in this process or another, the rejects that wait are looked at within a second; and once a minute, for parents
 * that somebody else fills. What a replay inserts may be the parent of others: then these are looked at too.
 */
import { meaningOf, sqlStateOf, sqlStates } from "../../database/sql-states.ts";
import { SluiceError } from "../../errors.ts";
import { noRecords, type RecordCounts } from "../../terminal/record-counts.ts";
import type { IngestLog } from "../context.ts";
import { ConnectionsChanged } from "../outage/outage.ts";
import { sleep } from "../outage/sleep.ts";
import { pollMs } from "../outage/wake-up.ts";
import { type RetryOptions, retryRejects } from "./retry-rejects.ts";

const othersEveryMs = 60_000;
/** A look at many that wait in vain costs: it is repeated after so many times what it took. */
const mostLoad = 1 / 20;

/**
 * How long after its beginning a look may be repeated. At once when it has brought something: then its time was well spent.
 * Not longer than the minute: what it took may have been an outage, or a process that was frozen.
 */
export function pauseAfterLookMs(tookMs: number, { read }: Pick<RecordCounts, "read">): number {
    return read > 0 ? 0 : Math.min(tookMs / mostLoad, othersEveryMs);
}

export interface RetryingStream extends Omit<RetryOptions, "signal"> {
    log: IngestLog;
    /** As of the latest look (ingest.mark_of_waiting): another one when parents or rejects have come; null when none waits. */
    waitingMark(): number | null;
    /** Whether this process is to do it: one at a time is enough. */
    isOurs(): boolean;
    /** What became of the rejects of a look. */
    onRetried(records: RecordCounts): void;
}

/** Until `isOver`. */
export async function keepRetrying(streams: readonly RetryingStream[], isOver: AbortSignal): Promise<void> {
    const looks = streams.map((stream) => ({
        stream,
        seenMark: null as number | null,
        nextAt: 0,
        dueAt: 0,
        ...newVoice(),
    }));
    while (!isOver.aborted) {
        for (const look of looks) {
            const mark = look.stream.waitingMark();
            const begunAt = performance.now();
            if (mark === null || !look.stream.isOurs() || begunAt < look.nextAt) continue;
            if (mark === look.seenMark && begunAt < look.dueAt) continue;
            look.seenMark = mark;
            const records = await retryOne(look.stream, isOver, look);
            const tookMs = performance.now() - begunAt;
            look.nextAt = begunAt + pauseAfterLookMs(tookMs, records);
            look.dueAt = begunAt + othersEveryMs * (0.75 + Math.random() / 2);
        }
        await sleep(pollMs, isOver);
    }
}

/** For a run that ends: until no look brings anything, so that a chain of parents is followed to its end. */
export async function retryAll(streams: readonly RetryingStream[], signal: AbortSignal): Promise<void> {
    const voice = newVoice();
    for (let hasBrought = true; hasBrought && !signal.aborted; ) {
        hasBrought = false;
        for (const stream of streams) {
            const records = await retryOne(stream, signal, voice);
            if (records.inserted > 0) hasBrought = true;
        }
    }
}

const nothing = noRecords();

/** What is in the way of one stream keeps no other, and no record from what comes: it is tried again. */
async function retryOne(stream: RetryingStream, signal: AbortSignal, { said }: Voice): Promise<RecordCounts> {
    try {
        const records = await retryRejects({ ...stream, signal });
        if (records.read > 0) {
            stream.onRetried(records);
            const { read, inserted } = records;
            stream.log.info(
                `${inserted} of ${read} ${read === 1 ? "reject" : "rejects"} whose parent exists now were inserted.`,
                { event: "rejects_retried", ...records },
            );
        }
        return records;
    } catch (error) {
        const code = sqlStateOf(error);
        if (code === null || error instanceof ConnectionsChanged || error instanceof SluiceError) throw error;
        const mayNot = code === sqlStates.insufficientPrivilege;
        // Where its table is not as it was, the stream says so itself.
        const isSaid = said.has(`${stream.stream.id} ${code}`) || (meaningOf(error) === "schema" && !mayNot);
        said.add(`${stream.stream.id} ${code}`);
        if (!isSaid) {
            const remedy = mayNot ? " Run sql/roles/loader.sql again, as the owner." : "";
            stream.log.warn(`Rejects whose parent exists now could not be replayed (SQLSTATE ${code}).${remedy}`, {
                event: "retry_failed",
                code,
            });
        }
        return nothing;
    }
}

/** By stream and SQLSTATE: looks come every second, and each fault is said once. */
const newVoice = () => ({ said: new Set<string>() });
type Voice = ReturnType<typeof newVoice>;
