/** Strikes a run from outside: a real server, real processes, real connections. */
import { connect } from "../../../src/database/connect.ts";
import type { DatabaseTarget } from "../../../src/database/database-target.ts";
import type { DatabaseProxy } from "../../support/database-proxy.ts";
import { ask, type OwnServer } from "../../support/own-server.ts";
import { expireLeases } from "../../support/read-tables.ts";
import type { ModelInbox } from "./inboxes.ts";
import type { Action } from "./make-schedule.ts";
import type { Workers } from "./workers.ts";

export interface World {
    server: OwnServer;
    target: DatabaseTarget;
    proxy: DatabaseProxy;
    workers: Workers;
    isHurried: boolean;
    /** The workers' login: the limits of connections are the role's, and a superuser has none. */
    role: string;
    workerUrl: string;
    /** Has to be called before the run can come to its end. */
    toEnd: (() => Promise<void>)[];
    /** How often the database has been put back to the past. */
    timesBack: number;
    /** Where the workers find the declarations of the streams beside events. */
    cwd: string;
    inbox: ModelInbox;
    /** Of every worker. */
    flags: string[];
    /** Returns when the ledger is so many steps further, or soon after. */
    letWork(steps: number): Promise<void>;
}

/** Whether anything was there to be struck. */
export async function strike(world: World, { fault, worker, steps }: Action & { do: "strike" }): Promise<boolean> {
    const { server, target, proxy, workers, inbox } = world;
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
        case "disturb bucket": {
            if (!inbox.disturb) return false;
            endLater(world, world.letWork(steps + 3), inbox.disturb(steps));
            return true;
        }
        case "set time-outs":
            await setTimeOuts(target, 10 + 10 * steps);
            return true;
        case "limit connections":
            return await limitConnections(world, steps);
        case "read staging":
            return await readStaging(world, steps);
        case "roll back": {
            const putBack = await server.whileStopped(() => server.keepCopy());
            await world.letWork(steps + 1);
            world.timesBack += 1;
            await server.whileStopped(putBack);
            await hurry(world);
            return true;
        }
    }
}

/** For good, as an administrator does who thinks of other programs. Sessions that begin from now on have them. */
async function setTimeOuts(target: DatabaseTarget, milliseconds: number): Promise<void> {
    const names = ["statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout", "lock_timeout"];
    const since17 = ["transaction_timeout"];
    await ask(target, async (sql) => {
        const known = await sql<{ name: string }[]>`
            select name from pg_settings where name = any(${[...names, ...since17]}::text[])`;
        for (const { name } of known) {
            await sql.unsafe(`alter database ${target.database} set ${name} = '${milliseconds}ms'`);
        }
    });
    await signalBackends(target, "pg_terminate_backend", 100);
}

/** For a while; the sessions that there are end, and come back to fewer places. */
async function limitConnections(world: World, limit: number): Promise<boolean> {
    const { target, role, letWork } = world;
    const setLimit = (most: number) => ask(target, (sql) => sql.unsafe(`alter role ${role} connection limit ${most}`));
    await setLimit(limit);
    await signalBackends(target, "pg_terminate_backend", 100);
    endLater(world, letWork(limit + 3), async () => void (await setLimit(-1)));
    return true;
}

/** A transaction that has looked at staging and stays open, as a backup or a forgotten console does. */
async function readStaging(world: World, steps: number): Promise<boolean> {
    const { target, letWork } = world;
    const sql = connect(target, { applicationName: "model reads staging", max: 1 });
    const over = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<boolean>();
    void sql
        .begin(async (transaction) => {
            await transaction`select count(*) from ingest.staging`;
            begun.resolve(true);
            await over.promise;
        })
        // It may end with the server.
        .catch(() => begun.resolve(false))
        .finally(() => sql.end({ timeout: 1 }));
    endLater(world, letWork(steps + 3), async () => over.resolve());
    return await begun.promise;
}

/** When the world is that much further, and at the end of the run in any case. */
function endLater(world: World, further: Promise<void>, end: () => Promise<void>): void {
    world.toEnd.push(end);
    void further.then(end).catch(() => {
        // The server is down; the end of the run asks again.
    });
}

/** As if ten seconds had gone by without a sign of who held a lease; otherwise they do. */
async function hurry({ isHurried, target }: World): Promise<void> {
    if (isHurried) await ask(target, expireLeases);
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
