/** What befalls a run from outside, done to a real server, real processes and real connections. */
import type { DatabaseTarget } from "../../../src/database/database-target.ts";
import type { CuttingProxy } from "../../support/cutting-proxy.ts";
import { ask, type OwnServer } from "../../support/own-server.ts";
import { expireLeases } from "../../support/read-tables.ts";
import type { Action } from "./make-schedule.ts";
import type { Workers } from "./workers.ts";

export interface World {
    server: OwnServer;
    target: DatabaseTarget;
    proxy: CuttingProxy;
    workers: Workers;
    isHurried: boolean;
    /** Returns when the ledger is so many steps further, or soon after. */
    letWork(steps: number): Promise<void>;
}

/** Whether anything was there to be struck. */
export async function strike(world: World, { fault, worker, steps }: Action & { do: "strike" }): Promise<boolean> {
    const { server, target, proxy, workers } = world;
    switch (fault) {
        case "kill worker": {
            const isStruck = await workers.kill(worker);
            if (isStruck) await hurry(world);
            return isStruck;
        }
        case "freeze worker": {
            if (!workers.freeze(worker)) return false;
            await hurry(world);
            // Meanwhile the others go on, and more befalls them. At the end of the run all are thawed anyway.
            void world.letWork(steps + 3).finally(() => workers.thaw(worker));
            return true;
        }
        case "end backend":
            return (await signalBackends(target, "pg_terminate_backend", 1)) > 0;
        case "cancel backends":
            return (await signalBackends(target, "pg_cancel_backend", 100)) > 0;
        case "crash backend": {
            const [backend] = await backends(target);
            if (!backend) return false;
            server.killBackend(backend.pid);
            return true;
        }
        case "kill postmaster":
            await server.killPostmaster();
            await Bun.sleep(steps * 100);
            await server.start();
            return true;
        case "restart server":
            await server.stop();
            await Bun.sleep(steps * 100);
            await server.start();
            return true;
        case "cut connections":
            return proxy.cut() > 0;
        case "lose answers":
            return proxy.loseAnswers() > 0;
    }
}

/** As if ten seconds had gone by without a sign of who held a lease; otherwise they do. */
async function hurry({ isHurried, target }: World): Promise<void> {
    if (isHurried) await ask(target, (sql) => expireLeases(sql));
}

async function backends(target: DatabaseTarget): Promise<{ pid: number }[]> {
    return await ask(
        target,
        (sql) => sql<{ pid: number }[]>`
            select pid
            from pg_stat_activity
            where datname = current_database() and application_name like 'sluice-%' and application_name <> 'sluice-api'
            order by state = 'active' desc, random()`,
    );
}

async function signalBackends(
    target: DatabaseTarget,
    call: "pg_terminate_backend" | "pg_cancel_backend",
    most: number,
): Promise<number> {
    const pids = (await backends(target)).slice(0, most).map(({ pid }) => pid);
    await ask(target, (sql) => sql`select ${sql.unsafe(call)}(pid) from unnest(${pids}::integer[]) as pids (pid)`);
    return pids.length;
}
