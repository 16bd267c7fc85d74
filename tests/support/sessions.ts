/** Sessions beside each other: transactions that a test holds open, and a look at who waits for whom. */
import { connect, type Sql } from "../../src/database/connect.ts";
import { afterTest } from "./at-end.ts";
import type { TestDatabase } from "./database.ts";
import { waitUntil } from "./wait-until.ts";

let open: Sql[] = [];

/** A session of its own: one connection, so that `begin` and `commit` are its own too. It ends with the test. */
export function openSession({ target }: Pick<TestDatabase, "target">, applicationName = "test session"): Sql {
    const session = connect(target, { applicationName, max: 1 });
    open.push(session);
    afterTest(closeSessions);
    return session;
}

/** Ends all sessions, and rolls back what they left open. */
export async function closeSessions(): Promise<void> {
    const closed = open;
    open = [];
    await Promise.all(closed.map((session) => session.end({ timeout: 0 })));
}

/** Resolves once `count` sessions of this database wait for a lock. */
export async function whenWaiting(sql: Sql, count = 1): Promise<void> {
    await waitUntil(`${count} sessions wait for a lock`, async () => {
        const waiting = await sql`
            select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
        return waiting.length >= count;
    });
}

/**
 * Does `first` in a transaction that ends once `second`, begun meanwhile, waits for a lock. Returns the answer of `second`.
 */
export async function meet<Second>(
    database: TestDatabase & { sql: Sql },
    first: (session: Sql) => PromiseLike<unknown>,
    second: () => PromiseLike<Second>,
    ending: "commit" | "rollback" = "commit",
): Promise<Second> {
    const session = openSession(database);
    await session`begin`;
    await first(session);
    const answer = Promise.resolve(second());
    await whenWaiting(database.sql);
    await session.unsafe(ending);
    return await answer;
}

/** Returns the result of `work`, which runs in a transaction that is rolled back. */
export async function undoing<Result>(sql: Sql, work: (sql: Sql) => Promise<Result>): Promise<Result> {
    const undo = new Error("undo");
    let result!: Result;
    await sql
        .begin(async (transaction) => {
            result = await work(transaction as unknown as Sql);
            throw undo;
        })
        .catch((error: unknown) => {
            if (error !== undo) throw error;
        });
    return result;
}
