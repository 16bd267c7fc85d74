/** Credentials that are renewed before they expire, and when a server takes them no longer. */
import type { Credentials } from "../sign-request.ts";

/** As the AWS tools do: a request that is signed now may be read in a while. */
const renewBeforeMs = 5 * 60_000;
/** Some last for less than that: then not at each request. */
const searchAtMostEveryMs = 30_000;

export interface KeptCredentials {
    current(): Promise<Credentials>;
    /** Looks for others than those that were refused. False: there are none. */
    renew(refused: Credentials): Promise<boolean>;
}

export function keepCredentials(find: () => Promise<Credentials>, now: () => number = Date.now): KeptCredentials {
    let kept: Credentials | null = null;
    let searchedAt = Number.NEGATIVE_INFINITY;
    let underWay: Promise<Credentials> | null = null;

    /** Many requests may ask at once: one search serves them all. */
    const search = (): Promise<Credentials> => {
        searchedAt = now();
        underWay ??= find()
            .then((found) => {
                kept = found;
                return found;
            })
            .finally(() => {
                underWay = null;
            });
        return underWay;
    };
    const isDue = (expiresAt: Date) => {
        const leftMs = expiresAt.getTime() - now();
        return leftMs <= 0 || (leftMs < renewBeforeMs && now() - searchedAt >= searchAtMostEveryMs);
    };

    return {
        async current() {
            if (kept === null) return await search();
            const { expiresAt } = kept;
            if (expiresAt === null || !isDue(expiresAt)) return kept;
            const before = kept;
            // What is good for another while outlives a search that fails.
            return await search().catch((error) => {
                if (expiresAt.getTime() > now()) return before;
                throw error;
            });
        },
        async renew(refused) {
            if (kept !== null && !isSame(kept, refused)) return true;
            return !isSame(await search(), refused);
        },
    };
}

function isSame(one: Credentials, other: Credentials): boolean {
    return (
        one.accessKeyId === other.accessKeyId &&
        one.secretAccessKey === other.secretAccessKey &&
        one.sessionToken === other.sessionToken
    );
}
