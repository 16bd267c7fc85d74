/**
 * What waits in the ledger, asked for all streams of a process by one statement a second: so that a stream with nothing to do asks
 * nothing itself, however many there are. Its own work a process knows at once; this finds what others have left.
 */
import type { Sql } from "../../database/connect.ts";
import type { Outage } from "../outage/outage.ts";
import { sleep } from "../outage/sleep.ts";
import { pollMs } from "../outage/wake-up.ts";

export interface WaitingWork {
    /** Chunks to merge. */
    isStaged: boolean;
    /** Files to load, chunks to stage again or to decide on. */
    isToLoad: boolean;
    /** Files that have failed. */
    hasFailed: boolean;
    /** Somebody outside said where to look: sql/engine/hints.sql. */
    hasHints: boolean;
    /** ingest.mark_of_waiting: null when no reject waits for a parent. */
    waitingMark: number | null;
    pause: StreamPause | null;
}

/** A person has paused the stream (sql/engine/pause.sql). */
export interface StreamPause {
    by: string;
    reason: string | null;
}

export interface WorkWatch {
    of(streamId: number): StreamWork;
    look(): Promise<void>;
    keep(isOver: AbortSignal): Promise<void>;
}

export interface StreamWork {
    /** As of the latest look. */
    isToLoad(): boolean;
    hasFailed(): boolean;
    /** True once for each look that found some: so they are taken no oftener, however many come. */
    mayTakeHints(): boolean;
    waitingMark(): number | null;
    pause(): StreamPause | null;
    /** What a look calls when there is something to merge, when hints wait, and when the stream is paused. */
    onStaged: (() => void) | null;
    onHinted: (() => void) | null;
    onPaused: (() => void) | null;
}

export function createWorkWatch(sql: Sql, survive: Outage["survive"]): WorkWatch {
    const streams = new Map<number, { found: WaitingWork; work: StreamWork }>();

    async function look(): Promise<void> {
        const found = await survive(() => readWaitingWork(sql, [...streams.keys()]));
        for (const { streamId, ...waiting } of found ?? []) {
            const own = streams.get(streamId)!;
            own.found = waiting;
            if (waiting.pause !== null) own.work.onPaused?.();
            else if (waiting.isStaged) own.work.onStaged?.();
            if (waiting.hasHints) own.work.onHinted?.();
        }
    }

    return {
        of(streamId) {
            // Until the first look anything may wait.
            const own = {
                found: {
                    isStaged: true,
                    isToLoad: true,
                    hasFailed: true,
                    hasHints: false,
                    waitingMark: null,
                    pause: null,
                } as WaitingWork,
                work: {
                    isToLoad: () => own.found.isToLoad,
                    hasFailed: () => own.found.hasFailed,
                    mayTakeHints() {
                        const { hasHints } = own.found;
                        own.found = { ...own.found, hasHints: false };
                        return hasHints;
                    },
                    waitingMark: () => own.found.waitingMark,
                    pause: () => own.found.pause,
                    onStaged: null,
                    onHinted: null,
                    onPaused: null,
                },
            };
            streams.set(streamId, own);
            return own.work;
        },
        look,
        /** Until `isOver`. */
        async keep(isOver) {
            while (!isOver.aborted) {
                await look();
                await sleep(pollMs, isOver);
            }
        },
    };
}

/** Each state is asked for by itself, and ends at the first row: none reads the history. */
export async function readWaitingWork(sql: Sql, streamIds: number[]): Promise<(WaitingWork & { streamId: number })[]> {
    return await sql<(WaitingWork & { streamId: number })[]>`
        select
            streams.stream_id as "streamId",
            exists (
                select from ingest.chunks
                where chunks.state = 'staged' and chunks.stream_id = streams.stream_id
            ) as "isStaged",
            exists (
                select from ingest.chunks
                where
                    chunks.state = 'pending'
                    and chunks.stream_id = streams.stream_id
                    and (chunks.next_attempt_at is null or chunks.next_attempt_at <= clock_timestamp())
            )
            or exists (
                select from ingest.chunks
                where chunks.state = 'held' and chunks.stream_id = streams.stream_id
            )
            or exists (
                select from ingest.files
                where
                    files.state in ('pending', 'failed')
                    and files.stream_id = streams.stream_id
                    and (files.state = 'pending' or files.next_attempt_at <= clock_timestamp())
            ) as "isToLoad",
            -- By the sums: an index that has failed files has those that wait, too.
            exists (
                select from ingest.file_stats
                where file_stats.stream_id = streams.stream_id and file_stats.state = 'failed' and file_stats.files <> 0
            )
            or exists (
                select from ingest.file_changes
                where file_changes.stream_id = streams.stream_id and file_changes.state = 'failed'
            ) as "hasFailed",
            exists (select from ingest.hints where hints.stream_id = streams.stream_id) as "hasHints",
            ingest.mark_of_waiting(streams.stream_id) as "waitingMark",
            case
                when streams.paused_at is not null
                    then json_build_object('by', streams.paused_by, 'reason', streams.pause_reason)
            end as pause
        from ingest.streams
        where streams.stream_id = any(${streamIds}::smallint[])`;
}
