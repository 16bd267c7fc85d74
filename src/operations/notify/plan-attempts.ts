/** When a message is tried again, and when it is given up. Pure. */
import type { Attempt } from "./send-message.ts";

const firstPauseMs = 5_000;
const longestPauseMs = 600_000;
/** What a receiver asks for is granted up to here. */
const longestWantedMs = 3_600_000;
/** A receiver that is down overnight still hears of it. Later than that, somebody has noticed. */
const patienceMs = 24 * 3_600_000;

/** Null: not again. With jitter, so that several programs do not come back in step. `random`: from 0 to 1. */
export function pauseBefore(
    { mayRetry, retryAfterMs }: Pick<Attempt, "mayRetry" | "retryAfterMs">,
    { attempts, ageSeconds }: { attempts: number; ageSeconds: number },
    random: number = Math.random(),
): number | null {
    const longest = Math.min(firstPauseMs * 2 ** attempts, longestPauseMs);
    const pauseMs = Math.max(longest * (0.5 + random / 2), Math.min(retryAfterMs, longestWantedMs));
    return mayRetry && ageSeconds * 1000 + pauseMs <= patienceMs ? pauseMs : null;
}
