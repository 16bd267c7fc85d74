/** Every look in its order. One that fails keeps none of the others from being taken, unless they need what it looked for. */
import type { Config } from "../../config/config.ts";
import { connect } from "../../database/connect.ts";
import { hasEmbeddedServer } from "../../database/embedded-server.ts";
import { type Database, openDatabase } from "../../database/open-database.ts";
import { SluiceError } from "../../errors.ts";
import { readStatus } from "../../operations/status/read-status.ts";
import type { Status } from "../../operations/status/status-schema.ts";
import type { Stream } from "../../streams/stream.ts";
import { checkClock, checkConnections, checkRights, checkSchema } from "./check-database.ts";
import { checkAccess, checkDisk, checkFolder, checkPort, type FolderSettings } from "./check-machine.ts";
import { checkFiles, checkPace, checkStaging, checkWorkers } from "./check-work.ts";
import { type Finding, fail, ok, skipped } from "./finding.ts";

export type DoctorConfig = Pick<
    Config,
    "databaseUrl" | "dataDir" | "inputDir" | "isInputDefault" | "afterMerge" | "host" | "port" | "apiToken"
> &
    Pick<FolderSettings, "sources">;

const inDatabase = ["rights", "schema", "clock", "files", "workers", "connections", "staging", "pace"];

/** Never throws: what cannot be looked at is a finding. The embedded server is started for it, and stopped again. */
export async function runDoctor(config: DoctorConfig, stream: Stream, log: (line: string) => void): Promise<Finding[]> {
    return [
        await look("folder", () => checkFolder(config)),
        await look("disk", () => checkDisk(config.databaseUrl === undefined ? config.dataDir : config.inputDir)),
        await look("port", () => checkPort(config.host, config.port)),
        await look("access", () => checkAccess(config.host, config.apiToken)),
        ...(await lookIntoDatabase(config, stream, log)),
    ];
}

async function look(name: string, check: () => Finding | Promise<Finding>): Promise<Finding> {
    try {
        return await check();
    } catch (error) {
        return findingOf(name, error);
    }
}

function findingOf(name: string, error: unknown): Finding {
    if (error instanceof SluiceError) return fail(name, error.what, error.remedy);
    return fail(name, error instanceof Error ? error.message : String(error), "Report this: nobody thought of it.");
}

async function lookIntoDatabase(config: DoctorConfig, stream: Stream, log: (line: string) => void): Promise<Finding[]> {
    if (config.databaseUrl === undefined && !hasEmbeddedServer(config.dataDir)) {
        const found = `The embedded one of ${config.dataDir} is not made yet: bun run start, or any other command, makes it.`;
        return [ok("database", found), ...inDatabase.map((name) => skipped(name, "There is no database yet."))];
    }
    let database: Database;
    try {
        // Whoever asks what is wrong wants to hear that it is starting.
        database = await openDatabase({ ...config, log, startPatienceMs: 0 });
    } catch (error) {
        const unseen = inDatabase.map((name) => skipped(name, "The database cannot be asked."));
        return [findingOf("database", error), ...unseen];
    }
    try {
        return await askDatabase(database, stream);
    } finally {
        await database.close();
    }
}

async function askDatabase(
    { target, embedded, connectionString, serverVersion }: Database,
    stream: Stream,
): Promise<Finding[]> {
    const sql = connect(target, { applicationName: "sluice doctor", max: 1 });
    const where = embedded ? `the embedded one, port ${target.port}` : connectionString;
    const findings = [ok("database", `PostgreSQL ${serverVersion}, ${where}.`)];
    try {
        let isUsable = false;
        const schema = await look("schema", async () => {
            const checked = await checkSchema(target, sql, stream);
            isUsable = checked.isUsable;
            return checked.finding;
        });
        findings.push(await look("rights", () => checkRights(sql, stream, isUsable)));
        findings.push(schema, await look("clock", () => checkClock(sql)));
        if (!isUsable) {
            return [...findings, ...inDatabase.slice(3).map((name) => skipped(name, "The tables are not there."))];
        }
        let status: Status | null = null;
        const lookAt = (name: string, check: (known: Status) => Finding | Promise<Finding>) =>
            look(name, async () => {
                status ??= await readStatus(sql);
                return await check(status);
            });
        findings.push(await lookAt("files", checkFiles));
        findings.push(await lookAt("workers", (known) => checkWorkers(sql, known)));
        findings.push(await lookAt("connections", (known) => checkConnections(sql, known)));
        findings.push(await lookAt("staging", checkStaging));
        findings.push(await lookAt("pace", checkPace));
        return findings;
    } finally {
        await sql.end({ timeout: 1 });
    }
}
