/** Counts wrong tokens by address, in fixed windows. Bounded: when it is full, the oldest address is forgotten. */
export type AttemptLimit = ReturnType<typeof limitAttempts>;

interface Window {
    endsAt: number;
    failures: number;
}

interface AttemptLimitOptions {
    now: () => Date;
    maxFailures?: number;
    maxAddresses?: number;
}

const windowMs = 60_000;

export function limitAttempts({ now, maxFailures = 10, maxAddresses = 10_000 }: AttemptLimitOptions) {
    const windows = new Map<string, Window>();

    function openWindow(address: string): Window | undefined {
        const window = windows.get(address);
        return window && window.endsAt > now().getTime() ? window : undefined;
    }

    return {
        /** Milliseconds until this address may try again; 0 when it may. */
        blockedForMs(address: string): number {
            const window = openWindow(networkOf(address));
            return window && window.failures >= maxFailures ? window.endsAt - now().getTime() : 0;
        },
        recordFailure(address: string): void {
            const network = networkOf(address);
            const window = openWindow(network) ?? { endsAt: now().getTime() + windowMs, failures: 0 };
            window.failures += 1;
            windows.delete(network);
            windows.set(network, window);
            const oldest = windows.keys().next();
            if (windows.size > maxAddresses && !oldest.done) windows.delete(oldest.value);
        },
    };
}

/** One IPv6 subscriber has a /64 of addresses to try from. Pure. */
export function networkOf(address: string): string {
    if (!address.includes(":") || address.includes(".")) return address;
    const [head = "", tail] = address.split("::");
    const groups = head === "" ? [] : head.split(":");
    const tailGroups = tail === undefined || tail === "" ? [] : tail.split(":");
    const missing = tail === undefined ? 0 : 8 - groups.length - tailGroups.length;
    return [...groups, ...Array<string>(missing).fill("0"), ...tailGroups].slice(0, 4).join(":");
}
