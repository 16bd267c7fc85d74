/**
 * A Citus coordinator and workers on this machine, from an installation that SLUICE_CITUS_PG_CONFIG names (the pg_config of a
 * PostgreSQL with Citus). `bun tests/support/citus-cluster.ts` starts one, prints CITUS_DATABASE_URL, and stops it at Ctrl-C.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PostgresBinaries } from "../../src/database/embedded/binaries.ts";
import { type OwnServer, openOwnServer } from "./own-server.ts";

const settings = {
    // As shipped: it is measured, too.
    fsync: "on",
    shared_preload_libraries: "citus",
    max_prepared_transactions: "200",
    max_connections: "200",
    "citus.node_conninfo": "sslmode=disable",
    // The tests' databases are cloned, and the daemon's connection stands in the way.
    "citus.max_background_task_executors": "1",
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
        /** `host:port` of each, as SLUICE_TEST_CITUS_WORKERS lists them. */
        workerPlaces: workers.map(({ admin }) => `${admin.host}:${admin.port}`),
        async close() {
            for (const node of [coordinator, ...workers]) await node.close();
        },
    };
}

/** @throws Error where the variable is not set, or what it names has no Citus */
function findCitus(): PostgresBinaries {
    const pgConfig = process.env.SLUICE_CITUS_PG_CONFIG;
    if (!pgConfig) throw new Error("Set SLUICE_CITUS_PG_CONFIG to the pg_config of a PostgreSQL with Citus.");
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
    process.stdout.write(
        `CITUS_DATABASE_URL=${cluster.url}\nSLUICE_TEST_CITUS_WORKERS=${cluster.workerPlaces.join(",")}\n`,
    );
    await new Promise((resolve) => process.once("SIGINT", resolve).once("SIGTERM", resolve));
    await cluster.close();
}
