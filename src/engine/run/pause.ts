/**
 * A stream that a person has paused (`sluice pause`) reads nothing and writes nothing: its loops end, after what they have begun, and
 * begin anew when it is resumed. The flag is in the ledger, where every process sees it within a second (ledger/watch-work.ts). A
 * stream whose table is in the way is blocked (table-block.ts): nobody asked for that, and it ends by itself.
 */
import { program } from "../../environment.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import type { IngestLog } from "../context.ts";
import type { StreamPause, StreamWork } from "../ledger/watch-work.ts";
import { sleep } from "../outage/sleep.ts";

/** Ends the loops of a stream. */
export class StreamPaused extends Error {
    override readonly name = "StreamPaused";
}

/** How often the latest answer of the watch is looked at: this asks the database nothing. */
const lookEveryMs = 200;

/** Says so, and resolves when the stream is not paused any more or the run was stopped. */
export async function untilResumed(work: StreamWork, log: IngestLog, signal: AbortSignal): Promise<void> {
    const pause = work.pause();
    if (pause === null) return;
    log.info(describePause(pause, "Nothing is loaded or merged"), { event: "stream_paused" });
    while (work.pause() !== null && !signal.aborted) await sleep(lookEveryMs, signal);
    if (!signal.aborted) log.info("Resumed.", { event: "stream_resumed" });
}

/** `Paused by ana@host: the sender repeats itself. Nothing is taken until \`sluice resume\`.` */
export function describePause({ by, reason }: StreamPause, what: string): string {
    const why = reason === null ? "" : `: ${sanitize(reason, { most: 500 }).replace(/[.\s]+$/, "")}`;
    return `Paused by ${sanitize(by, { most: 200 })}${why}. ${what} until \`${program} resume\`.`;
}
