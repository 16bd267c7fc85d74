/** The longest that a loop waits before it looks again by itself. */
export const pollMs = 1_000;

export type WakeUp = ReturnType<typeof createWakeUp>;

/** Wakes loops that wait. It cannot be missed: a loop that waits names the last count it has seen. */
export function createWakeUp() {
    let given = 0;
    const waiters = new Set<() => void>();
    return {
        /** How often it was given. */
        count: () => given,
        give(): void {
            given += 1;
            for (const wake of waiters) wake();
        },
        /** Resolves once the count has passed `seen`, or after `timeoutMs`. */
        wait(seen: number, timeoutMs: number): Promise<void> {
            if (given > seen) return Promise.resolve();
            return new Promise((resolve) => {
                const wake = () => {
                    clearTimeout(timer);
                    waiters.delete(wake);
                    resolve();
                };
                const timer = setTimeout(wake, timeoutMs);
                waiters.add(wake);
            });
        },
    };
}
