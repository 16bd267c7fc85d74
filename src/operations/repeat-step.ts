import { isConnectionFault, isRetryable } from "../database/sql-states.ts";

const mostAttempts = 8;

/** Runs a step that may be done twice, again for as long as only the connection or another session fails it. */
export async function repeatStep<Done>(run: () => PromiseLike<Done>): Promise<Done> {
    for (let attempt = 1; ; attempt += 1) {
        try {
            return await run();
        } catch (error) {
            if (attempt === mostAttempts || !(isConnectionFault(error) || isRetryable(error))) throw error;
            await Bun.sleep(100 * 2 ** attempt);
        }
    }
}
