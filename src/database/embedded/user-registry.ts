/**
 * The processes that use the embedded server right now, and the lock under which it is started and stopped.
 *
 * One SQLite file does both: an exclusive SQLite transaction is a lock that the kernel takes back the moment its holder
 * dies, kill -9 included, and what a dead holder had half written is rolled back by the next opener. A lock file with a
 * pid in it would need a second lock to break it safely.
 */
import { Database } from "bun:sqlite";
import { randomUUID } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { SluiceError } from "../../errors.ts";
import { startOfProcess } from "./process-identity.ts";

export interface ServerUsers {
    /** Registers this process; leave() takes what it returns. */
    join(): string;
    leave(registration: string): void;
    /** After forgetting those whose process is gone. */
    count(): number;
}

/** Longer than a start may take (postmaster.ts): recovery after a crash is done under the lock. */
const lockTimeoutMs = 660_000;
const sayAfterMs = 3_000;

/**
 * Runs `work` while no other process does the same with this file. What `work` did to the users is kept only if it
 * resolves. Not re-entrant.
 * @throws SluiceError after eleven minutes without the lock: the process that holds it hangs.
 */
export async function withServerLock<T>(
    file: string,
    log: (line: string) => void,
    work: (users: ServerUsers) => Promise<T>,
): Promise<T> {
    // Closed to others: even a reader could hold a lock of its own and keep us out.
    closeSync(openSync(file, "a", 0o600));
    const database = new Database(file);
    try {
        database.run("pragma busy_timeout = 0");
        await beginExclusive(database, file, log);
        database.run("create table if not exists users (user_id text primary key, pid integer, process_start text)");
        const result = await work(usersIn(database));
        database.run("commit");
        return result;
    } finally {
        // Rolls back what was not committed.
        database.close();
    }
}

async function beginExclusive(database: Database, file: string, log: (line: string) => void): Promise<void> {
    const startedAt = performance.now();
    let hasSaid = false;
    while (true) {
        try {
            // The file is worth nothing after a power cut: no process outlives one. (This reads it, so it may be busy too.)
            database.run("pragma synchronous = off");
            database.run("begin exclusive");
            return;
        } catch (error) {
            const busy = (error as { code?: string }).code?.startsWith("SQLITE_BUSY") === true;
            if (!busy) throw error;
            const waitedMs = performance.now() - startedAt;
            if (waitedMs > lockTimeoutMs) throw lockTimeout(file);
            if (waitedMs > sayAfterMs && !hasSaid) {
                log("Waiting for another process that is starting or stopping the embedded PostgreSQL.");
                hasSaid = true;
            }
            await Bun.sleep(20 + Math.random() * 20);
        }
    }
}

function lockTimeout(file: string): SluiceError {
    return new SluiceError({
        code: "embedded_server_locked",
        what: `Another process has been starting or stopping the embedded server for more than ten minutes (${file}).`,
        remedy: "Look for a Sluice process that hangs and end it.",
    });
}

function usersIn(database: Database): ServerUsers {
    const forget = (registration: string) => database.run("delete from users where user_id = ?", [registration]);
    return {
        join() {
            const registration = randomUUID();
            database.run("insert into users values (?, ?, ?)", [
                registration,
                process.pid,
                startOfProcess(process.pid),
            ]);
            return registration;
        },
        leave: forget,
        count() {
            const users = database
                .query<{ registration: string; pid: number; start: string }, []>(
                    "select user_id as registration, pid, process_start as start from users",
                )
                .all();
            const gone = users.filter(({ pid, start }) => startOfProcess(pid) !== start);
            for (const { registration } of gone) forget(registration);
            return users.length - gone.length;
        },
    };
}
