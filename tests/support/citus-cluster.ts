/**
 * A Citus coordinator and workers on this machine, from an installation that CITUS_PG_CONFIG names (the pg_config of a
 * PostgreSQL with Citus). `bun tests/support/citus-cluster.ts` starts one, prints CITUS_DATABASE_URL, and stops it at Ctrl-C.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type Sql } from "../../src/database/connect.ts";
import { type DatabaseTarget, withDatabase } from "../../src/database/database-target.ts";
import type { PostgresBinaries } from "../../src/database/embedded/binaries.ts";
import { migrateDatabase } from "../../src/database/migrate.ts";
import { planCitus, runCitus } from "../../src/operations/scale-citus.ts";
import { type OwnServer, openOwnServer } from "./own-server.ts";

const settings = {
    // As shipped: it is measured, too.
    fsync: "on",
    shared_preload_libraries: "citus",
    max_prepared_transactions: "200",
    max_connections: "200",
    // Each database has a daemon of Citus.
    max_worker_processes: "100",
    "citus.node_conninfo": "sslmode=disable",
};

export type CitusCluster = Awaited<ReturnType<typeof openCitusCluster>>;

export async function openCitusCluster(workerCount = 2) {
    const binaries = findCitus();
    const openNode = () => openOwnServer({ settings, binaries, isBare: true, prepare: trustOwnMachine });
    const coordinator = await openNode();
    const workers: OwnServer[] = [];
    for (let made = 0; made < workerCount; made++) workers.push(await openNode());
    return {
        coordinator,
        workers,
        /** Of the coordinator's database for administration. */
        url: coordinator.admin.url,
        /** `host:port` of each, as CITUS_WORKERS lists them. */
        workerPlaces: workers.map(({ admin }) => `${admin.host}:${admin.port}`),
        /** A database with `events` distributed. */
        async createDatabase(name: string): Promise<DatabaseTarget> {
            for (const { admin } of [coordinator, ...workers]) {
                await withSql(admin, (sql) => sql.unsafe(`create database ${name}`));
            }
            const target = withDatabase(coordinator.admin, name);
            await setUpCitus(
                target,
                workers.map(({ admin }) => admin),
            );
            return target;
        },
        async close() {
            for (const node of [coordinator, ...workers]) await node.close();
        },
    };
}

/** Makes the database of the coordinator one of Sluice, with `events` distributed. It is there, empty, on each of the workers too. */
export async function setUpCitus(target: DatabaseTarget, workers: readonly DatabaseTarget[]): Promise<void> {
    for (const node of [target, ...workers.map((worker) => withDatabase(worker, target.database))]) {
        await withSql(node, (sql) => sql`create extension citus`);
    }
    await withSql(target, (sql) => sql`select citus_set_coordinator_host(${target.host}, ${target.port}::integer)`);
    await migrateDatabase(target, { log: () => {} });
    await withSql(target, async (sql) => runCitus(sql, await planCitus(sql, workers, false), () => {}));
}

async function withSql(target: DatabaseTarget, work: (sql: Sql) => PromiseLike<unknown>): Promise<void> {
    const sql = connect(target, { applicationName: "sluice tests", max: 1 });
    try {
        await work(sql);
    } finally {
        await sql.end({ timeout: 5 });
    }
}

/** @throws Error where the variable is not set, or what it names has no Citus */
function findCitus(): PostgresBinaries {
    const pgConfig = process.env.CITUS_PG_CONFIG;
    if (!pgConfig) throw new Error("Set CITUS_PG_CONFIG to the pg_config of a PostgreSQL with Citus.");
    const ask = (what: string) => execFileSync(pgConfig, [what], { encoding: "utf8" }).trim();
    const bin = ask("--bindir");
    const major = /\d+/.exec(ask("--version"))![0];
    return { initdb: join(bin, "initdb"), postgres: join(bin, "postgres"), major };
}

/** Nodes connect to each other as whoever asked them, without a password. */
function trustOwnMachine(clusterDir: string): void {
    const file = join(clusterDir, "pg_hba.conf");
    writeFileSync(file, readFileSync(file, "utf8").replaceAll("scram-sha-256", "trust"));
}

if (import.meta.main) {
    const cluster = await openCitusCluster();
    process.stdout.write(`CITUS_DATABASE_URL=${cluster.url}\nCITUS_WORKERS=${cluster.workerPlaces.join(",")}\n`);
    // With nothing to wait for, Bun asks again and again whether there is something.
    const waiting = setInterval(() => {}, 60_000);
    await new Promise((resolve) => process.once("SIGINT", resolve).once("SIGTERM", resolve));
    clearInterval(waiting);
    await cluster.close();
}
