import { type CommandDefinition, openLog, runCommand } from "../src/commands/command.ts";
import { prepareDatabase } from "../src/commands/database-command.ts";
import { type Log, reportsTo } from "../src/commands/log.ts";
import { askForLife, openService } from "../src/commands/service.ts";
import { configOptions, databaseFields, loadConfig, notifyFields } from "../src/config/config.ts";
import { connect, type Sql } from "../src/database/connect.ts";
import { type Database, openDatabase } from "../src/database/open-database.ts";
import { apiTargets } from "../src/database/reader-role.ts";
import { program } from "../src/environment.ts";
import { openNotifier } from "../src/operations/notify/open-notifier.ts";
import { createApp } from "../src/server/api/create-app.ts";
import { nameSluice } from "../src/server/api/find-port-user.ts";
import { openReadPool, openWorkPool } from "../src/server/api/pools.ts";
import { serveApi } from "../src/server/api/serve.ts";
import { addPage, isPagePath } from "../src/server/page/serve-page.ts";
import { eventsApi } from "../src/shop/api/events-api.ts";
import { pageEntry } from "../src/shop/page/page-entry.ts";
import { exitCodeOf, waitForStopSignal } from "../src/terminal/stop-signals.ts";

export const command: CommandDefinition = {
    name: "api",
    summary: "Serves the API without an ingest, until you stop it.",
    description:
        "It reads, and replays on request. To serve other machines it needs a secret of at least 32 bytes in SLUICE_API_TOKEN, which callers must send. With --input it accepts uploads for that folder.",
    options: configOptions("inputDir", "port", "host", "allowedHosts", "logFormat", ...databaseFields, ...notifyFields),
    examples: [
        [`${program} api`, "on 127.0.0.1:4040"],
        [`${program} api --input data/input_data`, "POST /v1/ingest puts files there"],
        [`${program} api --port 8080 --host 0.0.0.0`, "for other machines too: see above"],
    ],
    async run({ flags }) {
        const config = await loadConfig(
            [...databaseFields, ...notifyFields, "inputDir", "port", "host", "allowedHosts", "apiToken", "logFormat"],
            flags,
        );
        const log = openLog(config.logFormat);
        const service = openService(["api"], { log });
        const stopSignal = waitForStopSignal().finally(service.stopping);
        const sessionsFor = "pauses, replays and checks, with settings of a session";
        const database = await openDatabase({ ...config, use: "serve", sessionsFor, log: log.setup });
        let pools: Sql[] = [];
        try {
            const { reading, working } = await prepareTargets(database, log);
            const sql = openReadPool(reading);
            const workSql = openWorkPool(working);
            pools = [sql, workSql];
            const app = createApp({
                sql,
                served: eventsApi,
                workSql,
                host: config.host,
                allowedHosts: config.allowedHosts,
                token: config.apiToken,
                isOpenPath: isPagePath,
                ...reportsTo(log),
                upload: flags.input === undefined ? undefined : { inputDir: config.inputDir },
            });
            const api = serveApi({ app: addPage(app, pageEntry), ...config });
            if (log.format === "json") log.info(`The API is at ${api.url}`, { event: "listening", url: api.url });
            else process.stdout.write(`The API is at ${api.url}\n`);
            const stopAsking = askForLife(api.url, service, () => service.alive("api", `The API is at ${api.url}`));
            const notifier = openNotifier({ target: working, config, log, part: "API" });
            const signal = await stopSignal;
            stopAsking();
            await Promise.all([api.stop(), notifier.stop()]);
            return exitCodeOf(signal);
        } catch (error) {
            throw await nameSluice(error, config.host, config.port);
        } finally {
            await Promise.all([...pools.map((pool) => pool.end({ timeout: 1 })), service.sent()]);
            await database.close();
        }
    },
};

if (import.meta.main) await runCommand(command);

/** Sees that the database is Sluice's, and as whom to read it. */
async function prepareTargets(database: Database, log: Log): ReturnType<typeof apiTargets> {
    const sql = connect(database.target, { applicationName: "sluice-api set-up", max: 1 });
    try {
        await prepareDatabase(database, { sql, mayMigrate: false, log: log.setup });
    } finally {
        await sql.end({ timeout: 1 });
    }
    return apiTargets(database);
}
