/**
 * A bucket that cannot be used blocks the loading of its stream, and nothing else: what is staged is merged, and other streams go on.
 * The reason and its remedy are said once and noted where status shows them, and the bucket is tried again with growing pauses.
 */
import type { BucketFault } from "../../bucket/faults.ts";
import { noteStreamProblem } from "../ledger/stream-problem.ts";
import type { Run } from "../loops.ts";

export type BucketBlock = ReturnType<typeof createBucketBlock>;

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
/** A run that ends waits so long for what may pass by itself. */
const patienceMs = 60_000;

/** `mustEnd`: the run takes what is there and ends, or fails. */
export function createBucketBlock({ sql, stream, log }: Pick<Run, "sql" | "stream" | "log">, mustEnd: boolean) {
    let failures = 0;
    let since = 0;
    let nextTryAt = 0;
    return {
        /** It is not to be tried now. */
        isOn: () => performance.now() < nextTryAt,
        /** The latest try has failed. */
        isStanding: () => failures > 0,
        /** @throws the fault itself where the run must end */
        async failed(fault: BucketFault): Promise<void> {
            const now = performance.now();
            if (failures === 0) since = now;
            if (mustEnd && (!fault.isTransient || now - since > patienceMs)) throw fault;
            if (failures === 0) log.warn(`${fault.message} Retrying.`, { event: "bucket_away", code: fault.code });
            const pauseMs = Math.min(firstPauseMs * 2 ** failures, longestPauseMs);
            nextTryAt = now + Math.max(pauseMs, fault.retryAfterMs ?? 0);
            failures += 1;
            await noteStreamProblem(sql, stream.id, { code: fault.code, detail: fault.message }).catch(() => {});
        },
        async passed(): Promise<void> {
            if (failures === 0) return;
            failures = 0;
            log.info("The bucket can be used again.", { event: "bucket_back" });
            await noteStreamProblem(sql, stream.id, null).catch(() => {});
        },
    };
}
