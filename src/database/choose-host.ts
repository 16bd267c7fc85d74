/**
 * Where a URL names several hosts: which of them is the server that it asks for. Asked again for each new connection, because a
 * failover makes another one the primary while a process runs.
 */
import { type DatabaseTarget, makeTarget } from "./database-target.ts";

/** Each host of the target as a target of its own, in the order of the URL. */
export function hostsOf(target: DatabaseTarget): DatabaseTarget[] {
    const { host, port, otherHosts = [] } = target;
    return [{ host, port }, ...otherHosts].map((place) => makeTarget({ ...target, ...place, otherHosts: [] }));
}

interface Choice {
    chosen: Promise<DatabaseTarget>;
    atMs: number;
}

/** A pool that opens ten connections asks once. */
const choiceHoldsMs = 1_000;
const choices = new Map<string, Choice>();

/**
 * The first host, in the order of the URL, for which `isWanted` says yes. Never rejects: if there is none, it is the
 * first one, and the connection fails as one to a single host would.
 */
export function chooseHost(
    target: DatabaseTarget,
    isWanted: (candidate: DatabaseTarget) => Promise<boolean>,
): Promise<DatabaseTarget> {
    const known = choices.get(target.url);
    if (known && performance.now() - known.atMs < choiceHoldsMs) return known.chosen;
    const chosen = firstWanted(hostsOf(target), isWanted);
    choices.set(target.url, { chosen, atMs: performance.now() });
    return chosen;
}

async function firstWanted(
    candidates: DatabaseTarget[],
    isWanted: (candidate: DatabaseTarget) => Promise<boolean>,
): Promise<DatabaseTarget> {
    const answers = candidates.map((candidate) => isWanted(candidate).catch(() => false));
    for (const [index, answer] of answers.entries()) if (await answer) return candidates[index]!;
    return candidates[0]!;
}
