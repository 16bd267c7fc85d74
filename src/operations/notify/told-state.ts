/** What a message says of a stream's state. The state itself is that of `status`: nothing is judged here again. Pure. */
import type { Status, StreamStatus } from "../status/status-schema.ts";
import { isEndless } from "../status/worker-report.ts";

type State = StreamStatus["state"];

/** In these nothing is wrong now: what is still to be seen to was told when it was new. */
const calmStates = ["starting", "empty", "running", "idle"] as const satisfies readonly State[];

/** `ok`, or the state of a problem. */
export type ToldState = Exclude<State, (typeof calmStates)[number] | "paused"> | "ok";

export interface Seen {
    /** Null: nothing to tell, neither a problem nor that one is over. The last told state stands. */
    state: ToldState | null;
    /** Whether its latest ingest was to run for ever; null when none was seen so far. */
    isWatched: boolean | null;
}

/** `wasWatched`: what was known before. */
export function seeStream(
    stream: StreamStatus,
    { workers }: Pick<Status, "workers">,
    wasWatched: boolean | null,
): Seen {
    const own = workers.filter((worker) => worker.stream === stream.name);
    const isWatched = own.length === 0 ? wasWatched : own.some(({ report }) => isEndless(report));
    return { state: stateOf(stream, isWatched), isWatched };
}

function stateOf({ state, tone }: StreamStatus, isWatched: boolean | null): Seen["state"] {
    // Between two runs of cron there is no ingest. Where one was to run for ever that is a problem, also while nothing waits.
    if (state === "stopped") return (isWatched ?? tone === "bad") ? state : null;
    if (tone === "good" || tone === "quiet") return "ok";
    // Somebody asked for it.
    if (state === "paused") return null;
    return isCalm(state) ? null : state;
}

function isCalm(state: State): state is (typeof calmStates)[number] {
    return (calmStates as readonly State[]).includes(state);
}
