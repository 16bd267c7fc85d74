/** A cluster with a migrated database, made once for a schema: own-server.ts copies it, in a tenth of the time that initdb takes. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { connect } from "../../src/database/connect.ts";
import { makeTarget, withDatabase } from "../../src/database/database-target.ts";
import type { PostgresBinaries } from "../../src/database/embedded/binaries.ts";
import { createCluster, superuser, writeSettings } from "../../src/database/embedded/create-cluster.ts";
import { startPostmaster, stopPostmaster } from "../../src/database/embedded/postmaster.ts";
import type { ServerPlaces } from "../../src/database/embedded/server-places.ts";
import { migrateDatabase } from "../../src/database/migrate.ts";
import { hashOfSchema } from "./database.ts";
import { testDataDir } from "./test-server.ts";

export const ownPassword = "own-server";
/** Of the migrated database in it. */
export const ownTemplate = "sluice_own_template";

const clustersDir = join(testDataDir, "own-clusters");

/** Puts a copy where `places` has its cluster; `port`: for a server that makes it, if there is none yet. */
export async function placeCluster(places: ServerPlaces, binaries: PostgresBinaries, port: number): Promise<void> {
    const kept = join(clustersDir, hashOfSchema());
    if (existsSync(kept)) return copyFolder(kept, places.clusterDir);
    await makeCluster(places, binaries, port);
    keepCluster(places, kept);
}

async function makeCluster(places: ServerPlaces, binaries: PostgresBinaries, port: number): Promise<void> {
    createCluster(places, binaries, ownPassword);
    // Else the log would keep what the migration wrote.
    writeSettings(places, { fsync: "off", min_wal_size: "32MB" });
    await startPostmaster(places, binaries, port, { log: () => {} });
    const admin = makeTarget({
        ...{ host: "127.0.0.1", port, database: "postgres" },
        ...{ user: superuser, password: ownPassword },
    });
    const sql = connect(admin, { applicationName: "sluice tests", max: 1 });
    await sql.unsafe(`create database ${ownTemplate}`);
    await sql.end();
    // A user's own streams are none of the tests'.
    await migrateDatabase(withDatabase(admin, ownTemplate), { log: () => {}, streamMigrationsDir: "no-streams" });
    await stopPostmaster(places);
}

/** Of several processes that make one at once, the first one's stays; those of other schemas go. */
function keepCluster({ clusterDir }: ServerPlaces, kept: string): void {
    mkdirSync(clustersDir, { recursive: true });
    const partial = mkdtempSync(join(clustersDir, "partial-"));
    copyFolder(clusterDir, join(partial, "cluster"));
    if (!existsSync(kept)) renameSync(join(partial, "cluster"), kept);
    rmSync(partial, { recursive: true });
    for (const name of readdirSync(clustersDir)) {
        const isOther = name !== basename(kept) && !name.startsWith("partial-");
        if (isOther) rmSync(join(clustersDir, name), { recursive: true, force: true });
    }
}

const copyFolder = (from: string, to: string) => void execFileSync("cp", ["-a", from, to]);
