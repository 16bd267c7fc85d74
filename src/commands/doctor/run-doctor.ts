/** The checks in their order. Each is made whatever another found, unless it needs what was not found. */

import type { Config } from "../../config/config.ts";
import { connect, type Sql } from "../../database/connect.ts";
import type { DatabaseTarget } from "../../database/database-target.ts";
import { requireBinaries } from "../../database/embedded/binaries.ts";
import { hasEmbeddedServer } from "../../database/embedded-server.ts";
import { type Database, openDatabase } from "../../database/open-database.ts";
import { program } from "../../environment.ts";
import { SluiceError } from "../../errors.ts";
import { readStatus } from "../../operations/status/read-status.ts";
import type { Status } from "../../operations/status/status-schema.ts";
import { loadStreams } from "../../streams/load-streams.ts";
import { isInBucket } from "../../streams/route-files.ts";
import type { Stream } from "../../streams/stream.ts";
import { checkBucket, filesOfInput } from "./check-bucket.ts";
import { checkClock, checkConnections, checkRights, checkSchema } from "./check-database.ts";
import { checkAccess, checkDisk, checkFolder, checkPort, type FolderSettings } from "./check-machine.ts";
import { checkPooler } from "./check-pooler.ts";
import { checkStandby } from "./check-standby.ts";
import { checkStream } from "./check-streams.ts";
import {
    checkFiles,
    checkIndexes,
    checkNotifications,
    checkPace,
    checkPause,
    checkStaging,
    checkWorkers,
} from "./check-work.ts";
import { type Finding, type Found, fail, ok, skipped } from "./finding.ts";

export type DoctorConfig = Pick<
    Config,
    | "databaseUrl"
    | "directDatabaseUrl"
    | "readDatabaseUrl"
    | "dataDir"
    | "inputDir"
    | "isInputDefault"
    | "afterMerge"
    | "host"
    | "port"
    | "apiToken"
    | "notifyWebhook"
    | "notifySecret"
> &
    Pick<FolderSettings, "sources">;

const inDatabase = [
    "pooler",
    "rights",
    "schema",
    "clock",
    "files",
    "pause",
    "workers",
    "connections",
    "staging",
    "indexes",
    "pace",
    "notify",
];

/** Never throws: a check that cannot be made is a finding. The embedded server is started for it, and stopped again. */
export async function runDoctor(config: DoctorConfig, stream: Stream, log: (line: string) => void): Promise<Finding[]> {
    return [
        await look("folder", () =>
            isInBucket(config.inputDir) ? checkBucket(filesOfInput(config.inputDir)) : checkFolder(config),
        ),
        ...(await lookIntoBuckets(stream)),
        await look("disk", () => checkDisk(diskOf(config))),
        await look("port", () => checkPort(config.host, config.port)),
        await look("access", () => checkAccess(config.host, config.apiToken)),
        ...(await lookIntoDatabase(config, stream, log)),
    ];
}

async function look(name: string, check: () => Found | Promise<Found>): Promise<Finding> {
    try {
        return { name, ...(await check()) };
    } catch (error) {
        if (error instanceof SluiceError) return { name, ...fail(error.what, error.remedy) };
        const found = error instanceof Error ? error.message : String(error);
        return { name, ...fail(found, "Report this: it is a bug in Sluice.") };
    }
}

/** Those that streams name themselves. A declaration that cannot be read is told of with the streams. */
async function lookIntoBuckets(stream: Stream): Promise<Finding[]> {
    const declared = await loadStreams([stream.name]).catch(() => []);
    const inBuckets = declared.filter(({ files }) => isInBucket(files ?? ""));
    const findings: Finding[] = [];
    for (const { name, files } of inBuckets) findings.push(await look(`bucket ${name}`, () => checkBucket(files!)));
    return findings;
}

/** Where files lie, or the embedded database. */
function diskOf({ databaseUrl, dataDir, inputDir }: DoctorConfig): string {
    return databaseUrl === undefined || isInBucket(inputDir) ? dataDir : inputDir;
}

function skipAll(names: readonly string[], why: string): Finding[] {
    return names.map((name) => ({ name, ...skipped(why) }));
}

async function lookIntoDatabase(config: DoctorConfig, stream: Stream, log: (line: string) => void): Promise<Finding[]> {
    if (config.databaseUrl === undefined && !hasEmbeddedServer(config.dataDir)) {
        const found = `The embedded database in ${config.dataDir} does not exist yet. ${program} start, or any other command, creates it.`;
        const finding = await look("database", () => {
            requireBinaries();
            return ok(found);
        });
        return [finding, ...skipAll(inDatabase, "There is no database yet.")];
    }
    let database: Database | null = null;
    const finding = await look("database", async () => {
        // A doctor should say that the server is starting, not wait for it.
        database = await openDatabase({ ...config, use: "inspect", log, startPatienceMs: 0 });
        const { target, embedded, connectionString, serverVersion } = database;
        const where = embedded ? `the embedded one, port ${target.port}` : connectionString;
        return ok(`PostgreSQL ${serverVersion}, ${where}.`);
    });
    const opened = database as Database | null;
    if (opened === null) return [finding, ...skipAll(inDatabase, "The database cannot be reached.")];
    const sql = connect(opened.target, { applicationName: "sluice doctor", max: 1 });
    try {
        const pooler = await look("pooler", () => checkPooler(config, opened.target));
        const { readDatabaseUrl } = config;
        const standby = readDatabaseUrl ? [await look("standby", () => checkStandby(readDatabaseUrl))] : [];
        return [finding, pooler, ...standby, ...(await askDatabase(config, opened.target, sql, stream))];
    } finally {
        await sql.end({ timeout: 1 });
        await opened.close();
    }
}

async function askDatabase(config: DoctorConfig, target: DatabaseTarget, sql: Sql, stream: Stream): Promise<Finding[]> {
    let isUsable = false;
    const schema = await look("schema", async () => {
        const checked = await checkSchema(target, sql, stream);
        isUsable = checked.isUsable;
        return checked.finding;
    });
    const findings = [
        await look("rights", () => checkRights(sql, stream, isUsable)),
        schema,
        await look("clock", () => checkClock(sql)),
    ];
    if (!isUsable) return [...findings, ...skipAll(inDatabase.slice(4), "The tables are missing.")];
    let status: Status | null = null;
    const lookAt = (name: string, check: (known: Status) => Found | Promise<Found>) =>
        look(name, async () => {
            status ??= await readStatus(sql);
            return await check(status);
        });
    findings.push(await lookAt("files", checkFiles));
    findings.push(await lookAt("pause", checkPause));
    findings.push(await lookAt("workers", (known) => checkWorkers(sql, known)));
    findings.push(await lookAt("connections", (known) => checkConnections(sql, known)));
    findings.push(await lookAt("staging", checkStaging));
    findings.push(await look("indexes", () => checkIndexes(sql)));
    findings.push(await lookAt("pace", checkPace));
    findings.push(await lookAt("notify", (known) => checkNotifications(config, known)));
    for (const declared of await loadStreams([stream.name])) {
        findings.push(await look(`stream ${declared.name}`, () => checkStream(target, declared)));
    }
    return findings;
}
