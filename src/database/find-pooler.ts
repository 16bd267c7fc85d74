/** Finds out how a pooler in front of the server hands out its server connections. */
import { connect, type Sql } from "./connect.ts";
import type { DatabaseTarget, Pooler } from "./database-target.ts";
import { sqlStateOf, sqlStates } from "./sql-states.ts";

/** A pooler without a free connection lets the second client wait. Then nothing is known, and sessions are assumed. */
const patienceMs = 3_000;
/** Another client may come in between; hardly as often as this. */
const rounds = 3;

/** What is sent through a pooler of which nothing else is known. */
export const cautiousPooler: Pooler = { mode: "transaction", takesSettings: false };

/**
 * Two clients tell the modes apart: where transactions are pooled, the second gets the backend that the first one has just
 * used, or the first one gets another while the second is in a transaction.
 */
export async function findPoolMode(target: DatabaseTarget): Promise<Pooler["mode"]> {
    const open = () => connect({ ...target, pooler: cautiousPooler }, { applicationName: "sluice open", max: 1 });
    const [first, second] = [open(), open()];
    const changesBackend = async (): Promise<boolean> => {
        const before = await backendOf(first);
        return await second.begin(async (transaction) => {
            const held = await backendOf(transaction as unknown as Sql);
            return held === before || (await backendOf(first)) !== before;
        });
    };
    const decide = async (): Promise<Pooler["mode"]> => {
        for (let round = 0; round < rounds; round += 1) if (await changesBackend()) return "transaction";
        return "session";
    };
    const deciding = decide().catch((error: unknown) => {
        // PgBouncer's pool_mode = statement has no transactions.
        if (sqlStateOf(error) === sqlStates.protocolViolation) return "transaction" as const;
        return "session" as const;
    });
    try {
        return await Promise.race([deciding, Bun.sleep(patienceMs).then(() => "session" as const)]);
    } finally {
        await Promise.all([first, second].map((sql) => sql.end({ timeout: 0 })));
    }
}

async function backendOf(sql: Sql): Promise<number> {
    const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
    return row!.pid;
}
