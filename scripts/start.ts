import manifest from "../package.json" with { type: "json" };
import { type CommandDefinition, openLog, runCommand } from "../src/commands/command.ts";
import { formatBatch, formatSignOfLife, formatSummary } from "../src/commands/ingest-output.ts";
import { factsOfBatch, factsOfSummary, type Log, reportsTo } from "../src/commands/log.ts";
import { openStreams } from "../src/commands/open-streams.ts";
import { askForLife, openService, type Service } from "../src/commands/service.ts";
import {
    type Config,
    configOptions,
    databaseFields,
    type Flags,
    ingestFields,
    loadConfig,
    notifyFields,
    passFlags,
    type Sources,
} from "../src/config/config.ts";
import type { DatabaseTarget } from "../src/database/database-target.ts";
import { passwordFile } from "../src/database/embedded-server.ts";
import { migrateDatabase } from "../src/database/migrate.ts";
import { type Database, openDatabase } from "../src/database/open-database.ts";
import { apiTargets } from "../src/database/reader-role.ts";
import type { LogFacts } from "../src/engine/context.ts";
import { refuseBucketAsFolder, requireInputFolder } from "../src/engine/input-folder.ts";
import { sessionsForIngest } from "../src/engine/run/open-connections.ts";
import type { IngestSummary } from "../src/engine/run/progress.ts";
import { runIngest } from "../src/engine/run/run-ingest.ts";
import { program } from "../src/environment.ts";
import { openNotifier } from "../src/operations/notify/open-notifier.ts";
import { createApp } from "../src/server/api/create-app.ts";
import { nameSluice } from "../src/server/api/find-port-user.ts";
import { openReadPool, openWorkPool } from "../src/server/api/pools.ts";
import { serveApi } from "../src/server/api/serve.ts";
import { addPage, isPagePath } from "../src/server/page/serve-page.ts";
import { eventsApi } from "../src/shop/api/events-api.ts";
import { eventsStream } from "../src/shop/events-stream.ts";
import { defaultGeneratorOptions } from "../src/shop/generator/options.ts";
import { drawSeed } from "../src/shop/generator/random.ts";
import { runGenerator } from "../src/shop/generator/run-generator.ts";
import { pageEntry } from "../src/shop/page/page-entry.ts";
import { loadStreams } from "../src/streams/load-streams.ts";
import { onStopSignal } from "../src/terminal/stop-signals.ts";
import { type OpenLab, openLab, refuseUnsafeLab } from "./lab/lab.ts";

const fields = [
    ...ingestFields,
    ...databaseFields,
    ...notifyFields,
    "isInputDefault",
    "port",
    "host",
    "allowedHosts",
    "apiToken",
    "generate",
    "lab",
    "logFormat",
] as const;
type StartConfig = Pick<Config, (typeof fields)[number]> & Sources;

const print = (line: string) => process.stdout.write(`${line}\n`);

export const command: CommandDefinition = {
    name: "start",
    summary:
        "Runs everything in one process: database, ingest, the web page, the API and, for a first look, a generator of events.",
    description:
        "The page is at http://127.0.0.1:4040/ unless you give --port. Without DATABASE_URL it starts a PostgreSQL of its own under data/, and writes CSV files of generated events into the input folder. With DATABASE_URL it generates nothing unless you give --generate.",
    options: configOptions(...fields),
    examples: [
        [`${program} start`, "the embedded database, generated events, the API on 127.0.0.1:4040"],
        [`${program} start --no-generate --input /srv/drops`, "your files, the embedded database"],
        [`${program} start --lab`, "the page has a crash lab: kill -9 it, and watch it balance"],
        [`DATABASE_URL=postgres://… ${program} start`, "your database, your files in data/input_data"],
    ],
    async run({ flags }) {
        const config = await loadConfig(fields, flags, eventsStream);
        if (config.lab) {
            refuseBucketAsFolder(config.inputDir, "--lab", "Leave it out, or give --input a folder.");
            refuseUnsafeLab(config);
        }
        if (config.generate) {
            const remedy = "Give --no-generate, or --input a folder.";
            refuseBucketAsFolder(config.inputDir, "The generator of sample data", remedy);
        }
        requireInputFolder(config.inputDir, config.isInputDefault);
        const stopper = new AbortController();
        const log = openLog(config.logFormat);
        // The lab's ingest is a process of its own, to be killed at will.
        const service = openService(config.lab ? ["api"] : ["api", "ingest"], { log });
        const stopListening = onStopSignal({
            stop() {
                service.stopping();
                stopper.abort();
            },
        });
        const sessionsFor = sessionsForIngest;
        const database = await openDatabase({ ...config, use: "serve", sessionsFor, log: log.setup });
        try {
            await migrateDatabase(database.target, { log: log.setup });
            const summary = await serveWhileIngesting({ config, database, stopper, flags, log, service }).catch(
                async (error: unknown) => {
                    throw await nameSluice(error, config.host, config.port);
                },
            );
            if (log.format === "json") {
                log.info("Stopped.", summary ? factsOfSummary(summary) : { event: "ingest_ended" });
            } else {
                print("Stopped.");
                for (const line of summary ? formatSummary(summary) : []) print(line);
            }
        } finally {
            await Promise.all([database.close(), service.sent()]);
            stopListening();
        }
        return 0;
    },
};

if (import.meta.main) await runCommand(command);

interface Started {
    config: StartConfig;
    database: Database;
    stopper: AbortController;
    flags: Flags;
    log: Log;
    service: Service<"api" | "ingest">;
}

async function serveWhileIngesting(started: Started): Promise<IngestSummary | null> {
    const { config, database, stopper, log, service } = started;
    const { reading, working } = await apiTargets(database);
    const sql = openReadPool(reading);
    const workSql = openWorkPool(working);
    const apart = config.lab ? openStartLab(started, reading) : null;
    const app = createApp({
        sql,
        served: eventsApi,
        workSql,
        host: config.host,
        allowedHosts: config.allowedHosts,
        token: config.apiToken,
        isOpenPath: isPagePath,
        ...reportsTo(log),
        upload: { inputDir: config.inputDir },
        lab: apart?.lab,
    });
    const api = serveApi({ app: addPage(app, pageEntry, { hasLab: config.lab }), ...config });
    const stopAsking = askForLife(api.url, service, () => service.alive("api"));
    const notifier = openNotifier({ target: database.target, config, log, part: "ingest and API" });
    try {
        if (log.format === "json") log.info(`Sluice ${manifest.version}`, factsOfStart(started, api.url));
        else for (const line of banner(config, database, api.url, await loadStreams([eventsStream.name]))) print(line);
        const running = apart ? apart.run(stopper.signal) : ingestHere(started);
        // The ingest goes on without the generator: a full disk or a folder that went away is its own message.
        const generator = config.generate
            ? generate(config, stopper.signal, (line) => log.error(line, { event: "generator_stopped" }))
            : Promise.resolve();
        try {
            return await running;
        } finally {
            stopper.abort();
            await generator;
        }
    } finally {
        stopAsking();
        await Promise.all([api.stop(), notifier.stop()]);
        await Promise.all([sql.end({ timeout: 1 }), workSql.end({ timeout: 1 })]);
    }
}

async function ingestHere({ config, database, stopper, log, service }: Started): Promise<IngestSummary> {
    const { target, embedded } = database;
    return await runIngest({
        target,
        ...(await openStreams(target, {}, eventsStream, config)),
        config,
        signal: stopper.signal,
        revive: embedded ? () => embedded.ensureRunning() : null,
        log,
        onSignOfLife: (sign) => service.alive("ingest", formatSignOfLife(sign)),
        onBatch: (batch) => {
            if (batch.numInputRows === 0) return;
            if (log.format === "json") log.info(formatBatch(batch), factsOfBatch(batch));
            else print(formatBatch(batch));
        },
    });
}

/** The ingest is then a process of its own, by the same flags. */
function openStartLab({ config, database, flags, log }: Started, reader: DatabaseTarget): OpenLab {
    const { embedded } = database;
    if (embedded === null) throw new Error("refuseUnsafeLab has let a lab without an embedded server through");
    const ingestArgs = passFlags([...ingestFields, ...notifyFields, "dataDir", "logFormat"], flags);
    return openLab({ embedded, reader, inputDir: config.inputDir, ingestArgs, log: log.setup });
}

async function generate({ inputDir }: StartConfig, signal: AbortSignal, report: (line: string) => void): Promise<void> {
    try {
        await runGenerator({ ...defaultGeneratorOptions, seed: drawSeed(), outputDir: inputDir }, { signal });
    } catch (error) {
        report(`The generator has stopped: ${error instanceof Error ? error.message : error}`);
    }
}

/** The connection string is left out: that of the embedded server has its password. */
function factsOfStart({ config, database }: Started, apiUrl: string): LogFacts {
    return {
        event: "started",
        version: manifest.version,
        database: `${database.embedded ? "embedded " : ""}PostgreSQL ${database.serverVersion}`,
        inputDir: config.inputDir,
        url: apiUrl,
    };
}

function banner(
    config: StartConfig,
    database: Database,
    apiUrl: string,
    declared: readonly { name: string }[],
): string[] {
    const builtIn = config.isBuiltInOff ? [] : [eventsStream.name];
    const names = [...declared.map(({ name }) => name), ...builtIn];
    const { minRecords, maxRecords, sleepSeconds } = defaultGeneratorOptions;
    const server = `${database.embedded ? "embedded " : ""}PostgreSQL ${database.serverVersion}`;
    return [
        `Sluice ${manifest.version}: ${config.inputDir}${declared.length === 0 ? "/*.csv" : ""} → ${names.join(", ")}`,
        `  database   ${server}, psql '${database.connectionString}'${database.embedded ? ` (password: ${passwordFile(config.dataDir)})` : ""}`,
        `  page       ${apiUrl}/`,
        `  API        ${apiUrl}/v1/stats and /v1/status`,
        ...(config.generate
            ? [
                  `  generator  a file of ${minRecords} to ${maxRecords} invented events every ${sleepSeconds} s (--no-generate)`,
              ]
            : [`  waiting for CSV files in ${config.inputDir} (${program} generate writes some)`]),
        ...(config.lab
            ? [
                  "  crash lab  on the page: its experiments put files lab_*.csv into the folder, and crash the ingest and the database",
              ]
            : []),
        "  Ctrl-C stops.",
        "",
    ];
}
