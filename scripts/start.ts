import manifest from "../package.json" with { type: "json" };
import { createApp } from "../src/api/app.ts";
import { nameSluice } from "../src/api/find-port-user.ts";
import { openApiPool } from "../src/api/open-api-pool.ts";
import { openWorkPool } from "../src/api/open-work-pool.ts";
import { serveApi } from "../src/api/serve.ts";
import {
    type Config,
    configOptions,
    databaseFields,
    type Flags,
    type IngestConfig,
    ingestFields,
    loadConfig,
    passFlags,
} from "../src/config.ts";
import { addPage, pagePaths } from "../src/dashboard/serve-page.ts";
import type { DatabaseTarget } from "../src/database/database-target.ts";
import { migrateDatabase } from "../src/database/migrate.ts";
import { type Database, openDatabase } from "../src/database/open-database.ts";
import { readerOf } from "../src/database/reader-role.ts";
import { defaultGeneratorOptions } from "../src/generator/options.ts";
import { drawSeed } from "../src/generator/random.ts";
import { runGenerator } from "../src/generator/run-generator.ts";
import { requireInputFolder } from "../src/ingest/input-folder.ts";
import type { IngestSummary } from "../src/ingest/progress.ts";
import { runIngest } from "../src/ingest/run-ingest.ts";
import { refuseUnsafeLab } from "../src/lab/lab.ts";
import { type OpenLab, openLab } from "../src/lab/open-lab.ts";
import { runCommand } from "../src/terminal/command.ts";
import { formatBatch, formatSummary, logTo } from "../src/terminal/ingest-output.ts";
import { onStopSignal } from "../src/terminal/stop-signals.ts";
import { logToStderr } from "../src/terminal/with-database.ts";

const fields = [
    ...ingestFields,
    ...databaseFields,
    "isInputDefault",
    "port",
    "host",
    "allowedHosts",
    "apiToken",
    "generate",
    "lab",
] as const;
type StartConfig = Pick<Config, (typeof fields)[number]> & Pick<IngestConfig, "sources">;

const print = (line: string) => process.stdout.write(`${line}\n`);

await runCommand({
    name: "start",
    summary: "Everything in one process: database, ingest, API and, for a first look, a generator of events.",
    description:
        "Without DATABASE_URL it starts a PostgreSQL of its own under data/, and writes CSV files of invented events\n" +
        "into the watched folder. With DATABASE_URL it invents nothing unless --generate says so.",
    options: configOptions(...fields),
    examples: [
        ["bun run start", "the embedded database, generated events, the API on 127.0.0.1:4040"],
        ["bun run start --no-generate --input /srv/drops", "your files, the embedded database"],
        ["bun run start --lab", "the page has a crash lab: kill -9 it, and watch it balance"],
        ["DATABASE_URL=postgres://… bun run start", "your database, your files in data/input_data"],
    ],
    async run({ flags }) {
        const config = await loadConfig(fields, flags);
        if (config.lab) refuseUnsafeLab(config);
        requireInputFolder(config.inputDir, config.isInputDefault);
        const stopper = new AbortController();
        const stopListening = onStopSignal({ stop: () => stopper.abort() });
        const database = await openDatabase({ ...config, log: logToStderr });
        try {
            await migrateDatabase(database.target, { log: logToStderr });
            const summary = await serveWhileIngesting(config, database, stopper, flags).catch(
                async (error: unknown) => {
                    throw await nameSluice(error, config.host, config.port);
                },
            );
            print("Stopped.");
            for (const line of summary ? formatSummary(summary) : []) print(line);
        } finally {
            await database.close();
            stopListening();
        }
        return 0;
    },
});

async function serveWhileIngesting(
    config: StartConfig,
    database: Database,
    stopper: AbortController,
    flags: Flags,
): Promise<IngestSummary | null> {
    const reader = await readerOf(database);
    const sql = openApiPool(reader);
    const workSql = openWorkPool(reader);
    const apart = config.lab ? openStartLab(config, database, { reader, flags }) : null;
    const app = createApp({
        sql,
        workSql,
        host: config.host,
        allowedHosts: config.allowedHosts,
        token: config.apiToken,
        openPaths: pagePaths,
        upload: { inputDir: config.inputDir },
        lab: apart?.lab,
    });
    const api = serveApi({ app: addPage(app), ...config });
    try {
        for (const line of banner(config, database, api.url)) print(line);
        const running = apart ? apart.run(stopper.signal) : ingestHere(config, database, stopper.signal);
        // The ingest goes on without the generator: a full disk or a folder that went away is its own message.
        const generator = config.generate
            ? generate(config, stopper.signal, logTo(logToStderr).error)
            : Promise.resolve();
        try {
            return await running;
        } finally {
            stopper.abort();
            await generator;
        }
    } finally {
        await api.stop();
        await Promise.all([sql.end({ timeout: 1 }), workSql.end({ timeout: 1 })]);
    }
}

function ingestHere(config: StartConfig, { target, embedded }: Database, signal: AbortSignal): Promise<IngestSummary> {
    return runIngest({
        target,
        config,
        signal,
        revive: embedded ? () => embedded.ensureRunning() : null,
        log: logTo(logToStderr),
        onBatch: (batch) => {
            if (batch.numInputRows > 0) print(formatBatch(batch));
        },
    });
}

/** The ingest is then a process of its own, by the same flags. */
function openStartLab(
    { inputDir }: StartConfig,
    { embedded }: Database,
    { reader, flags }: { reader: DatabaseTarget; flags: Flags },
): OpenLab {
    if (embedded === null) throw new Error("refuseUnsafeLab has let a lab without an embedded server through");
    const ingestArgs = passFlags([...ingestFields, "dataDir"], flags);
    return openLab({ embedded, reader, inputDir, ingestArgs, log: logToStderr });
}

async function generate({ inputDir }: StartConfig, signal: AbortSignal, report: (line: string) => void): Promise<void> {
    try {
        await runGenerator({ ...defaultGeneratorOptions, seed: drawSeed(), outputDir: inputDir }, { signal });
    } catch (error) {
        report(`The generator has stopped: ${error instanceof Error ? error.message : error}`);
    }
}

function banner(config: StartConfig, database: Database, apiUrl: string): string[] {
    const { minRecords, maxRecords, sleepSeconds } = defaultGeneratorOptions;
    const server = `${database.embedded ? "embedded " : ""}PostgreSQL ${database.serverVersion}`;
    return [
        `Sluice ${manifest.version}: ${config.inputDir}/*.csv → events`,
        `  database   ${server}, psql '${database.connectionString}'`,
        `  page       ${apiUrl}/`,
        `  API        ${apiUrl}/v1/stats and /v1/status`,
        ...(config.generate
            ? [
                  `  generator  a file of ${minRecords} to ${maxRecords} invented events every ${sleepSeconds} s (--no-generate)`,
              ]
            : [`  waiting for CSV files in ${config.inputDir} (bun run generate makes some)`]),
        ...(config.lab
            ? [
                  "  crash lab  on the page: its experiments put files lab_*.csv into the folder, and crash the ingest and the database",
              ]
            : []),
        "  Ctrl-C stops.",
        "",
    ];
}
