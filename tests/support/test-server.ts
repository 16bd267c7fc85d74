/**
 * The server that tests run on: TEST_DATABASE_URL if set (never DATABASE_URL), else an embedded one of their own under
 * data/test-postgres, shared by all test processes of this checkout. That one is throw-away: it does without fsync.
 * SLUICE_TEST_POSTGRES, the folder of a package with another version, makes all embedded servers ones of that version:
 * these, the tests' own, and those of commands that are tested (`bun run test:matrix` sets it).
 */
import { chmodSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type Sql } from "../../src/database/connect.ts";
import { type DatabaseTarget, makeTarget, parseDatabaseUrl, withDatabase } from "../../src/database/database-target.ts";
import { embeddedMajor } from "../../src/database/embedded/binaries.ts";
import { acquireEmbeddedServer } from "../../src/database/embedded-server.ts";
import { reachServer } from "../../src/database/open-database.ts";
import { findTestPostgres } from "../../src/environment.ts";

/**
 * A new folder for an embedded server of a test's own. Open to others' eyes, unlike mkdtemp's: a server started by root
 * would else keep its cluster outside of it, where nobody clears it away. Remove it at the end.
 */
export function makeDataDir(): string {
    const dir = mkdtempSync(join(tmpdir(), "sluice-data-"));
    chmodSync(dir, 0o755);
    return dir;
}

export interface TestServer {
    /** The database for administration: tests have their own. */
    target: DatabaseTarget;
    admin: Sql;
    /** Of a Citus cluster whose coordinator it is; else none. */
    workers: DatabaseTarget[];
    /** Runs a statement here and on the workers: each has all databases. */
    everywhere(statement: string): Promise<void>;
    release(): Promise<void>;
}

export const projectDir = join(import.meta.dir, "../..");
const installedDataDir = join(projectDir, "data", "test-postgres");
/** A cluster belongs to one version. */
export const dataDirOfMajor = (major: string) => join(installedDataDir, major);
export const testDataDir = findTestPostgres() === null ? installedDataDir : dataDirOfMajor(embeddedMajor());

const throwAway = {
    fsync: "off",
    full_page_writes: "off",
    synchronous_commit: "off",
    max_connections: "200",
    // It looks at each database once in that time: of three hundred, at five a second.
    autovacuum_naptime: "10min",
};

export async function openTestServer(): Promise<TestServer> {
    const url = process.env.TEST_DATABASE_URL;
    if (url !== undefined && url !== "") {
        const { target } = await reachServer(parseDatabaseUrl(url));
        return serverAt(target, async () => {});
    }
    const embedded = await acquireEmbeddedServer({ dataDir: testDataDir, log: () => {}, settings: throwAway });
    return serverAt(withDatabase(embedded.target, "postgres"), embedded.release);
}

function serverAt(target: DatabaseTarget, giveBack: () => Promise<void>): TestServer {
    const open = (at: DatabaseTarget) => connect(at, { applicationName: "sluice tests", max: 1 });
    const admin = open(target);
    const workers = citusWorkers().map((place) => makeTarget({ ...target, ...place }));
    const admins = [admin, ...workers.map(open)];
    return {
        target,
        admin,
        workers,
        async everywhere(statement) {
            await Promise.all(admins.map((sql) => sql.unsafe(statement)));
        },
        async release() {
            await Promise.all(admins.map((sql) => sql.end({ timeout: 5 })));
            await giveBack();
        },
    };
}

/** `bun run test:citus` names them in CITUS_WORKERS: host:port, apart by commas. */
function citusWorkers(): { host: string; port: number }[] {
    const places = process.env.CITUS_WORKERS ?? "";
    return places
        .split(",")
        .filter((place) => place !== "")
        .map((place) => ({ host: place.split(":")[0]!, port: Number(place.split(":")[1]) }));
}
