/**
 * Turns at what a process can only do so much of at once, such as merges: fair between its streams. Without it a stream with
 * a backlog would take all of them, and a calm one would wait behind it.
 */
import type { Sql } from "../database/connect.ts";

export interface Turns {
    /** How many of the usual number the stream may take at once: what the others leave, and always one. */
    shareOf(streamId: number): number;
    /** Waits for a turn, and returns what ends it. A stream that has none comes before one that wants another. */
    take(streamId: number): Promise<() => void>;
}

interface Waiter {
    streamId: number;
    begin(): void;
}

/** `usual`: how many may be at work while one stream alone wants them. `most`: how many may be, however many streams want one. */
export function createTurns(usual: number, most: number): Turns {
    const active = new Map<number, number>();
    const waiting: Waiter[] = [];
    let total = 0;

    const begin = (streamId: number): (() => void) => {
        total += 1;
        active.set(streamId, (active.get(streamId) ?? 0) + 1);
        let isOver = false;
        return () => {
            if (isOver) return;
            isOver = true;
            total -= 1;
            active.set(streamId, active.get(streamId)! - 1);
            next();
        };
    };
    const next = () => {
        if (total >= most || waiting.length === 0) return;
        const first = waiting.findIndex(({ streamId }) => (active.get(streamId) ?? 0) === 0);
        waiting.splice(Math.max(0, first), 1)[0]!.begin();
    };
    return {
        shareOf: (streamId) => Math.max(1, usual - (total - (active.get(streamId) ?? 0))),
        take(streamId) {
            if (total < most) return Promise.resolve(begin(streamId));
            return new Promise((resolve) => waiting.push({ streamId, begin: () => resolve(begin(streamId)) }));
        },
    };
}

/** A turn at merging comes with a connection: no short statement waits for it. */
export interface MergeTurns extends Pick<Turns, "shareOf"> {
    take(streamId: number): Promise<{ sql: Sql; end(): void }>;
}

/**
 * `clients`: of one connection each, as many as there may be turns. A stream gets the one that it had before, if it can: a session
 * that goes to another stream makes its scratch tables anew.
 */
export function createMergeTurns(turns: Turns, clients: readonly Sql[]): MergeTurns {
    const free: { sql: Sql; streamId: number | null }[] = clients.map((sql) => ({ sql, streamId: null }));
    return {
        shareOf: turns.shareOf,
        async take(streamId) {
            const endTurn = await turns.take(streamId);
            const own = free.findIndex((client) => client.streamId === streamId);
            const unused = own === -1 ? free.findIndex((client) => client.streamId === null) : own;
            const client = free.splice(Math.max(0, unused), 1)[0]!;
            client.streamId = streamId;
            return {
                sql: client.sql,
                end() {
                    free.push(client);
                    endTurn();
                },
            };
        },
    };
}
