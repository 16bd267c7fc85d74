/**
 * A stream whose table is not as it was is blocked, alone: its loops end, the reason is said once and noted in ingest.streams, and
 * the table is asked for again every few seconds. The loops begin anew as soon as it is back, and it is said to be back once
 * they have done something: a right that is missing shows only then. A pause (pause.ts) is what a person asks for.
 */
import type { Sql } from "../../database/connect.ts";
import { meaningOf } from "../../database/sql-states.ts";
import { TableShapeFault } from "../../database/table-shape.ts";
import { SluiceError } from "../../errors.ts";
import type { Stream } from "../../streams/stream.ts";
import { noteStreamProblem, problemOf } from "../ledger/stream-problem.ts";
import { type Outage, pause } from "../outage/outage.ts";
import type { OutageVoice } from "../outage/say-outage.ts";
import { sleep } from "../outage/sleep.ts";
import type { Standing, Troubles } from "../outage/troubles.ts";

/** Reads the catalog anew, and makes what depends on it. The same stream when nothing has changed. Throws what is in the way. */
export type RefreshStream = (sql: Sql, stream: Stream) => Promise<Stream>;

export interface TableBlockOptions {
    sql: Sql;
    streamId: number;
    refresh: RefreshStream;
    voice: OutageVoice;
    troubles: Troubles;
    survive: Outage["survive"];
    signal: AbortSignal;
    /** A stream that is paused meanwhile asks for nothing, its table included. */
    untilResumed: () => Promise<void>;
    /** For a run that ends: after so many attempts the stream has failed. */
    mostAttempts: number;
}

/** Nothing is wrong: the table has other columns or keys, and its functions have been made for these. */
export class StreamRenewed extends TableShapeFault {
    constructor(
        before: Stream,
        readonly now: Stream,
    ) {
        super({ table: before.table, problem: "it has changed" }, null);
    }
}

export type TableBlock = ReturnType<typeof createTableBlock>;

/** Loops that have run for so long without a fault have nothing in their way, even if there was nothing to merge. */
const provenMs = 5_000;
const checkEveryMs = 60_000;

export function createTableBlock(options: TableBlockOptions) {
    const { sql, streamId, voice, troubles, survive, signal, untilResumed, mostAttempts } = options;
    let standing: Standing | null = null;
    let attempts = 0;
    let begunAt = performance.now();
    /** A run before this one may have left one. */
    let isNoted = true;

    /** What is said of a table is a fault of the table: it may be out of the way later. */
    async function refresh(stream: Stream): Promise<Stream> {
        try {
            return await options.refresh(sql, stream);
        } catch (error) {
            if (!(error instanceof SluiceError)) throw error;
            throw new TableShapeFault({ table: stream.table, problem: error.message }, error);
        }
    }

    async function note(error: unknown): Promise<void> {
        isNoted = true;
        // Status shows it. When even that cannot be written, the log has said it.
        await noteStreamProblem(sql, streamId, problemOf(error)).catch(() => {});
    }

    async function fail(error: unknown): Promise<void> {
        standing ??= troubles.begin();
        troubles.failed(standing, error);
        voice.schemaChanged(error);
        await note(error);
    }

    /** Throws what is in the way of the table, or that it is another one now. */
    async function check(stream: Stream): Promise<void> {
        const now = await refresh(stream);
        if (JSON.stringify(now) === JSON.stringify(stream)) return;
        throw new StreamRenewed(stream, now);
    }

    return {
        /** Waits until the stream may be tried again, and returns it as it is now; null when the run was stopped. Throws `cause` when it gives up. */
        async waitFor(stream: Stream, cause: unknown): Promise<Stream | null> {
            let latest = cause;
            while (!signal.aborted) {
                await fail(latest);
                attempts += 1;
                if (attempts >= mostAttempts) throw latest;
                await pause(attempts, signal);
                await untilResumed();
                if (signal.aborted) return null;
                try {
                    const next = await survive(() => refresh(stream));
                    begunAt = performance.now();
                    return next;
                } catch (error) {
                    if (meaningOf(error) !== "schema") throw error;
                    latest = error;
                }
            }
            return null;
        },
        /** A step of the stream has passed. */
        passed(isMerged: boolean): void {
            if (!isNoted && standing === null) return;
            if (!isMerged && standing !== null && performance.now() - begunAt < provenMs) return;
            if (standing !== null) troubles.over(standing);
            standing = null;
            attempts = 0;
            isNoted = false;
            voice.schemaBack();
            void noteStreamProblem(sql, streamId, null).catch(() => {
                isNoted = true;
            });
        },
        check,
        /** Looks once a minute, so that a stream without files is not the last to know. Throws as `check` does. */
        async watch(stream: Stream, isOver: AbortSignal): Promise<void> {
            while (!isOver.aborted) {
                await sleep(checkEveryMs * (0.75 + Math.random() / 2), isOver);
                if (!isOver.aborted) await survive(() => check(stream));
            }
        },
    };
}
