/** One database per test file, cloned in some 50 ms from a template that was migrated once. */
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join, relative } from "node:path";
import { connect, type Sql } from "../../src/database/connect.ts";
import { type DatabaseTarget, withDatabase } from "../../src/database/database-target.ts";
import { startOfProcess } from "../../src/database/embedded/process-identity.ts";
import { migrateDatabase } from "../../src/database/migrate.ts";
import { setUpCitus } from "./citus-cluster.ts";
import { openTestServer, projectDir, type TestServer } from "./test-server.ts";

export interface TestDatabase {
    target: DatabaseTarget;
    /** With the password. */
    url: string;
    /** Four connections, with the settings that the program's own have. */
    sql: Sql;
    /**
     * Closes `sql` and gives the database back. Under `bun run test` the databases of failed files are kept until the
     * next run, and their names printed; otherwise it is dropped at once.
     */
    drop(): Promise<void>;
}

/** Noted as the database's comment: which test file it is for, and which process made it. */
export interface TestDatabaseNote {
    file: string;
    run: string | null;
    host: string;
    pid: number;
    processStart: string | null;
}

const databasePrefix = "sluice_test_";
const templatePrefix = "sluice_template_";
/** Any number: it only has to differ from the migration's. */
const templateLock = 7_302_001;

let server: Promise<TestServer> | null = null;
let openDatabases = 0;

/** A migrated, otherwise empty database for the test file `import.meta.path`. */
export async function createTestDatabase(importMetaPath: string): Promise<TestDatabase> {
    return await createDatabase(importMetaPath, await useTemplate(await joinServer()));
}

/** A database without anything in it: for tests of what makes the tables. */
export async function createBareDatabase(importMetaPath: string): Promise<TestDatabase> {
    await joinServer();
    return await createDatabase(importMetaPath, "template0");
}

/** All that `of` holds at this moment, as a backup of it would; whoever is connected to it is cut off. */
export async function copyDatabase(importMetaPath: string, of: TestDatabase): Promise<TestDatabase> {
    const { admin } = await joinServer();
    const { database } = of.target;
    await admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${database}`;
    // Those may take a moment to go: PostgreSQL itself waits five seconds for them.
    return await createDatabase(importMetaPath, database);
}

async function createDatabase(importMetaPath: string, template: string): Promise<TestDatabase> {
    const { admin, everywhere, target: adminTarget } = await server!;
    const file = relative(projectDir, importMetaPath);
    const slug = file.replace(/^tests\//, "").replace(/\.test\.ts$/, "");
    const name = `${databasePrefix}${slug.replace(/[^a-z0-9]+/g, "_").slice(0, 40)}_${randomBytes(3).toString("hex")}`;
    await everywhere(`create database ${name} template ${template}`);
    await admin.unsafe(`comment on database ${name} is '${JSON.stringify(noteFor(file)).replaceAll("'", "''")}'`);
    const target = withDatabase(adminTarget, name);
    const sql = connect(target, { applicationName: `test ${slug}`, max: 4 });
    let isOpen = true;
    return {
        target,
        url: target.url,
        sql,
        async drop() {
            if (!isOpen) return;
            isOpen = false;
            await sql.end({ timeout: 1 });
            // The run drops it, when it knows whether the file passed.
            if (currentRun() === null) await everywhere(`drop database if exists ${name} with (force)`);
            await leaveServer();
        },
    };
}

/** Which `bun run test` this process belongs to. */
function currentRun(): string | null {
    return process.env.SLUICE_TEST_RUN ?? null;
}

function noteFor(file: string): TestDatabaseNote {
    return {
        file,
        run: currentRun(),
        host: hostname(),
        pid: process.pid,
        processStart: startOfProcess(process.pid),
    };
}

async function joinServer(): Promise<TestServer> {
    openDatabases++;
    server ??= openTestServer();
    return await server;
}

async function leaveServer(): Promise<void> {
    openDatabases--;
    if (openDatabases > 0) return;
    const left = server;
    server = null;
    await (await left)?.release();
}

/** Makes the template of the present migrations and SQL files unless it is there, one process at a time. */
async function useTemplate(server: TestServer): Promise<string> {
    const { admin, target, everywhere } = server;
    const name = `${templatePrefix}${hashOfSchema()}`;
    const exists = () => admin`select 1 from pg_database where datname = ${name}`;
    if ((await exists()).length > 0) return name;
    await admin`select pg_advisory_lock(${templateLock})`;
    try {
        if ((await exists()).length > 0) return name;
        // Made under another name: a template that is there is a whole one.
        const partial = `${name}_partial`;
        await everywhere(`drop database if exists ${partial} with (force)`);
        await everywhere(`create database ${partial} template template0`);
        await makeTemplate(server, withDatabase(target, partial));
        await admin.unsafe(`comment on database ${partial} is '${new Date().toISOString()}'`);
        await everywhere(`alter database ${partial} rename to ${name}`);
        return name;
    } finally {
        await admin`select pg_advisory_unlock(${templateLock})`;
    }
}

async function makeTemplate({ workers, everywhere }: TestServer, target: DatabaseTarget): Promise<void> {
    if (workers.length === 0) return void (await migrateDatabase(target, { log: () => {} }));
    // Its clones keep that: node by node they have the same shards.
    await setUpCitus(target, workers);
    // The daemon of Citus would be connected for ever, and nobody could clone it.
    await everywhere(`alter database ${target.database} allow_connections false`);
    await everywhere(
        `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '${target.database}'`,
    );
}

export function hashOfSchema(): string {
    const hash = createHash("sha256");
    for (const folder of ["drizzle", "sql/engine", "sql/events", "sql/rendered/events"]) {
        for (const name of readdirSync(join(projectDir, folder)).sort()) {
            if (name.endsWith(".sql")) hash.update(name).update(readFileSync(join(projectDir, folder, name)));
        }
    }
    return hash.digest("hex").slice(0, 16);
}

/** Drops what earlier runs left: databases whose process is gone, and templates older than a day. */
export async function sweepTestDatabases({ admin, everywhere }: TestServer): Promise<void> {
    const databases = await admin<{ name: string; note: string | null }[]>`
        select datname as name, shobj_description(oid, 'pg_database') as note
        from pg_database
        where starts_with(datname, ${databasePrefix}) or starts_with(datname, ${templatePrefix})`;
    for (const { name, note } of databases) {
        const isOver = name.startsWith(databasePrefix) ? isProcessGone(note) : isOld(note);
        if (isOver) await everywhere(`drop database if exists ${name} with (force)`);
    }
}

function isProcessGone(note: string | null): boolean {
    if (note === null) return false;
    const { host, pid, processStart } = JSON.parse(note) as TestDatabaseNote;
    return host === hostname() && startOfProcess(pid) !== processStart;
}

function isOld(note: string | null): boolean {
    return note !== null && Date.now() - Date.parse(note) > 24 * 3600 * 1000;
}

/** At the end of a run: drops its databases except those of failed files, which are returned. */
export async function dropDatabasesOfRun(
    { admin, everywhere }: TestServer,
    run: string,
    hasFailed: (file: string) => boolean,
): Promise<{ name: string; file: string }[]> {
    const databases = await admin<{ name: string; note: string | null }[]>`
        select datname as name, shobj_description(oid, 'pg_database') as note
        from pg_database
        where starts_with(datname, ${databasePrefix})`;
    const kept: { name: string; file: string }[] = [];
    for (const { name, note } of databases) {
        if (note === null) continue;
        const { file, run: madeBy } = JSON.parse(note) as TestDatabaseNote;
        if (madeBy !== run) continue;
        if (hasFailed(file)) kept.push({ name, file });
        else await everywhere(`drop database if exists ${name} with (force)`);
    }
    return kept;
}
