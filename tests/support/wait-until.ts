/** Conditions in place of pauses: a test waits for what it needs to be true, and says what it was when it never was. */

import { isLongRun } from "./generate-folder.ts";

const pollMs = 20;

/** Asks until the answer is neither false nor null, and returns it. Throws after `deadlineMs`, which only guards against a hang. */
export async function waitUntil<Answer>(
    what: string,
    ask: () => Answer | Promise<Answer>,
    { deadlineMs = isLongRun ? 300_000 : 60_000 } = {},
): Promise<NonNullable<Exclude<Answer, false>>> {
    const deadline = Date.now() + deadlineMs;
    while (true) {
        const answer = await ask();
        if (answer !== false && answer !== null && answer !== undefined) {
            return answer as NonNullable<Exclude<Answer, false>>;
        }
        if (Date.now() > deadline) throw new Error(`Not within ${deadlineMs} ms: ${what}.`);
        await Bun.sleep(pollMs);
    }
}
