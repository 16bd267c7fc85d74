/**
 * The one way to the database for every route: bounded in time, bounded in number, shared between viewers.
 *
 * Every read is a single statement, so it sees one snapshot and needs no transaction: postgres.js can continue a
 * `begin()` block on another connection after a lost one (docs/system_architecture.md).
 */
import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type { Sql } from "../../database/connect.ts";
import * as schema from "../../database/schema.ts";
import { Problem } from "./problem.ts";
import { databaseProblem, throwDatabaseProblem } from "./to-problem.ts";

export type Database = PostgresJsDatabase<typeof schema>;

interface ReaderOptions {
    /** The API's own pool, see `openReadPool`. drizzle changes its parsers: timestamps come as text. */
    sql: Sql;
    now: () => Date;
    /** How long a read may take, waiting for a connection included. Longer than the pool's statement_timeout. */
    deadlineMs?: number | undefined;
}

/** How many reads may run or wait at once. */
const maxReads = 64;

export interface Reader {
    sql: Sql;
    /** Runs one read. @throws Problem if the database is unreachable, slow, unprepared or overrun */
    read<Result>(run: (db: Database) => PromiseLike<Result>): Promise<Result>;
    /**
     * Like `read`, but all who ask for the same key while it runs, or less than `forMs` after it began, get the same
     * answer: fifty pages that poll cost little more than one. Failures are not kept.
     */
    share<Result>(key: string, forMs: number, run: (db: Database) => PromiseLike<Result>): Promise<Result>;
}

export function createReader({ sql, now, deadlineMs = 6000 }: ReaderOptions): Reader {
    const db = drizzle(sql, { schema });
    let reads = 0;

    async function read<Result>(run: (db: Database) => PromiseLike<Result>): Promise<Result> {
        if (reads >= maxReads)
            throw new Problem("too_many_requests_waiting", "Try again shortly, with fewer requests at once.");
        reads += 1;
        // Counted until it truly ends, not until the caller was answered: a stalled database must not collect reads.
        const running = Promise.resolve(run(db)).finally(() => {
            reads -= 1;
        });
        return await beforeDeadline(running, deadlineMs).catch(throwDatabaseProblem);
    }

    const share = shareReads(now);
    return { sql, read, share: (key, forMs, run) => share(key, forMs, () => read(run)) };
}

async function beforeDeadline<Result>(running: Promise<Result>, deadlineMs: number): Promise<Result> {
    let timer: Timer | undefined;
    const deadline = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(databaseProblem("database_slow")), deadlineMs);
    });
    try {
        return await Promise.race([running, deadline]);
    } finally {
        clearTimeout(timer);
    }
}

interface SharedRead {
    beganAt: number;
    isOver: boolean;
    result: Promise<unknown>;
    /** Takes its place: begun before its time was over. */
    next: SharedRead | null;
}

/** From this part of its time on, an answer that is asked for is read anew behind it: then nobody waits for the new one. */
const refreshFrom = 2 / 3;

const maxSharedReads = 256;

function shareReads(now: () => Date) {
    const shared = new Map<string, SharedRead>();

    function begin(read: () => Promise<unknown>): SharedRead {
        const entry: SharedRead = { beganAt: now().getTime(), isOver: false, result: read(), next: null };
        const end = () => {
            entry.isOver = true;
        };
        entry.result.then(end, end);
        return entry;
    }

    function refresh(key: string, known: SharedRead, read: () => Promise<unknown>): void {
        const next = begin(read);
        known.next = next;
        next.result.then(
            () => {
                if (shared.get(key) === known) keep(key, next);
            },
            () => {
                known.next = null;
            },
        );
    }

    function keep(key: string, entry: SharedRead): void {
        shared.delete(key);
        shared.set(key, entry);
        const oldest = shared.keys().next();
        if (shared.size > maxSharedReads && !oldest.done) shared.delete(oldest.value);
    }

    return <Result>(key: string, forMs: number, read: () => Promise<Result>): Promise<Result> => {
        const known = shared.get(key);
        const ageMs = known ? now().getTime() - known.beganAt : 0;
        if (known && (!known.isOver || ageMs < forMs)) {
            if (known.isOver && known.next === null && ageMs >= forMs * refreshFrom) refresh(key, known, read);
            return known.result as Promise<Result>;
        }
        const entry = known?.next ?? begin(read);
        keep(key, entry);
        entry.result.catch(() => {
            if (shared.get(key) === entry) shared.delete(key);
        });
        return entry.result as Promise<Result>;
    };
}
