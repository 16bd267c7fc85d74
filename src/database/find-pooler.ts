/** Finds out how a pooler in front of the server hands out its server connections. */
import { connect, type Sql } from "./connect.ts";
import type { DatabaseTarget, Pooler } from "./database-target.ts";

/** As many as an ingest needs at least: a pool that has no room for them is of no use to one that writes, whatever its mode. */
const clientCount = 3;
const patienceMs = 10_000;
/** Other clients may come in between; hardly as often as this. */
const rounds = 12;

/** What is sent through a pooler of which nothing else is known. */
export const cautiousPooler: Pooler = { mode: "transaction", takesSettings: false };

/**
 * Where transactions are pooled, others in a transaction get the backend that the first client has just used, or the first one
 * gets another meanwhile. If there is no connection for them in time, it counts as `transaction`: the mode that promises less.
 */
export async function findPoolMode(target: DatabaseTarget): Promise<Pooler["mode"]> {
    const open = () => connect({ ...target, pooler: cautiousPooler }, { applicationName: "sluice open", max: 1 });
    const clients = Array.from({ length: clientCount }, open);
    const [first, ...others] = clients as [Sql, ...Sql[]];
    const changesBackend = async (): Promise<boolean> => {
        const before = await backendOf(first);
        const held = await Promise.all(others.map((sql) => sql.unsafe("begin").then(() => backendOf(sql))));
        const isChanged = held.includes(before) || (await backendOf(first)) !== before;
        await Promise.all(others.map((sql) => sql.unsafe("rollback")));
        return isChanged;
    };
    const decide = async (): Promise<Pooler["mode"]> => {
        for (let round = 0; round < rounds; round += 1) if (await changesBackend()) return "transaction";
        return "session";
    };
    // PgBouncer's pool_mode = statement refuses `begin`.
    const deciding = decide().catch(() => "transaction" as const);
    try {
        return await Promise.race([deciding, Bun.sleep(patienceMs).then(() => "transaction" as const)]);
    } finally {
        await Promise.all(clients.map((sql) => sql.end({ timeout: 0 })));
    }
}

async function backendOf(sql: Sql): Promise<number> {
    const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
    return row!.pid;
}
