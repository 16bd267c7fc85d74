import { hostname } from "node:os";
import { type CommandDefinition, openLog, runCommand } from "../src/commands/command.ts";
import { formatCheckSummary } from "../src/commands/format-checks.ts";
import { exitCodeOfSummary, formatBatch, formatSignOfLife, formatSummary } from "../src/commands/ingest-output.ts";
import { createLog, factsOfBatch, factsOfStreams, factsOfSummary, type Log, logToStderr } from "../src/commands/log.ts";
import { modeOption, openStreams, streamsOption, tableOption } from "../src/commands/open-streams.ts";
import { openService } from "../src/commands/service.ts";
import { watchBacklog } from "../src/commands/status/watch-backlog.ts";
import { configOptions, databaseFields, ingestFields, loadConfig, notifyFields } from "../src/config/config.ts";
import { connect } from "../src/database/connect.ts";
import { migrateDatabase } from "../src/database/migrate.ts";
import { openDatabase } from "../src/database/open-database.ts";
import { requireInputFolder } from "../src/engine/input-folder.ts";
import { sessionsForIngest } from "../src/engine/run/open-connections.ts";
import { runIngest } from "../src/engine/run/run-ingest.ts";
import { isDrawable, program } from "../src/environment.ts";
import { openNotifier } from "../src/operations/notify/open-notifier.ts";
import { readRunning } from "../src/operations/refuse-while-running.ts";
import { runChecks } from "../src/operations/run-checks.ts";
import { eventsStream } from "../src/shop/events-stream.ts";
import type { Mode } from "../src/streams/mode.ts";
import { createProgress } from "../src/terminal/progress.ts";
import { exitCodeOf, onStopSignal, type StopSignal } from "../src/terminal/stop-signals.ts";

const fields = [
    ...ingestFields,
    ...databaseFields,
    ...notifyFields,
    "isInputDefault",
    "checkAtEnd",
    "json",
    "logFormat",
] as const;

export const command: CommandDefinition = {
    name: "ingest",
    summary: "Loads the CSV files of a folder into their tables, until you stop it.",
    description:
        "Every record is inserted, counted as a duplicate, or kept in ingest.rejects with its reasons. With --trigger available-now it loads what is there and exits: 0 when done, 1 when a file failed, 5 when files of earlier runs are still failed or more than half of the records were not accepted.",
    options: [tableOption(), modeOption(), streamsOption(), ...configOptions(...fields)],
    examples: [
        [`${program} ingest`, "watch data/input_data, merge every second"],
        [`${program} ingest --trigger available-now --check`, "take what is there, check the result, exit"],
        [`${program} ingest --stream orders returns`, "only these two streams; others may run elsewhere"],
        [`${program} ingest --table sales.orders --input inbox`, "into your own table, without a declaration"],
        [`${program} ingest --table app.log --mode append`, "into a table without a key: each record becomes a row"],
        [
            `${program} ingest --input /srv/drops --trigger continuous --json`,
            "as soon as files arrive; NDJSON on stdout",
        ],
    ],
    async run({ flags }) {
        const config = await loadConfig(fields, flags, eventsStream);
        requireInputFolder(config.inputDir, config.isInputDefault);
        const chosen = {
            table: flags.table as string | undefined,
            mode: flags.mode as Mode["name"] | undefined,
            names: flags.stream as string[] | undefined,
        };
        const stopper = new AbortController();
        let stoppedBy: StopSignal | null = null;
        const machineLog = config.logFormat === "json" ? openLog("json") : null;
        const log = machineLog ?? createLog({ format: "text" });
        const service = openService(["ingest"], { log });
        const stopListening = onStopSignal({
            stop(signal) {
                stoppedBy = signal;
                service.stopping();
                stopper.abort();
            },
        });
        const database = await openDatabase({ ...config, sessionsFor: sessionsForIngest, log: log.setup });
        const isDrawn = machineLog === null && isDrawable();
        const progress = createProgress({
            label: "ingest",
            isDrawable: isDrawn,
            ...(machineLog && {
                stderr: { write: (text: string) => machineLog.info(text.trimEnd(), { event: "progress" }) },
            }),
        });
        const { print } = progress;
        try {
            await migrateDatabase(database.target, { log: log.setup });
            const opened = await openStreams(database.target, chosen, eventsStream, config);
            const takesWhatIsThere = config.trigger.kind === "available-now";
            const say = (line: string) =>
                machineLog ? machineLog.info(line, { event: "waiting" }) : progress.log(line);
            if (takesWhatIsThere) await tellOfDeadIngest(database.target, say);
            else say(describeWatch(config.inputDir, opened.streams));
            const watch = takesWhatIsThere ? await watchBacklog(database.target, progress, { isDrawn }) : null;
            const runLog = machineLog ?? createLog({ format: "text", write: progress.log });
            const notifier = openNotifier({ target: database.target, config, log: runLog, part: "ingest" });
            const summary = await runIngest({
                target: database.target,
                ...opened,
                config,
                signal: stopper.signal,
                revive: database.embedded ? () => database.embedded!.ensureRunning() : null,
                log: runLog,
                onStreamDone: notifier.settle,
                onSignOfLife: (sign) => service.alive("ingest", formatSignOfLife(sign)),
                onBatch: (batch) => {
                    if (config.json) print(JSON.stringify(batch));
                    else if (machineLog) machineLog.info(formatBatch(batch), factsOfBatch(batch));
                    else print(formatBatch(batch));
                },
            }).finally(() => Promise.all([watch?.stop(), notifier.stop()]));
            progress.end();
            for (const facts of factsOfStreams(summary)) machineLog?.info(`${facts.stream}: has ended.`, facts);
            machineLog?.info("The ingest has ended.", factsOfSummary(summary));
            if (stoppedBy !== null) {
                if (!config.json && !machineLog) for (const line of formatSummary(summary)) logToStderr(line);
                return exitCodeOf(stoppedBy);
            }
            if (config.json) print(JSON.stringify(summary));
            else if (!machineLog) for (const line of formatSummary(summary)) print(line);
            const brokenChecks = config.checkAtEnd ? await checkAtEnd(database.target, log) : 0;
            return exitCodeOfSummary(summary, brokenChecks);
        } finally {
            progress.end();
            await Promise.all([database.close(), service.sent()]);
            stopListening();
        }
    },
};

if (import.meta.main) await runCommand(command);

function describeWatch(inputDir: string, streams: readonly { name: string }[]): string {
    return `Watching ${inputDir} for ${streams.map(({ name }) => name).join(", ")}. Ctrl-C stops.`;
}

/** It waits without a word otherwise: an ingest that was killed holds its files until its lease ends. */
async function tellOfDeadIngest(target: Parameters<typeof connect>[0], say: (line: string) => void): Promise<void> {
    const sql = connect(target, { applicationName: "sluice ingest", max: 1 });
    try {
        const running = await readRunning(sql);
        const dead = running.find(({ host, pid }) => host === hostname() && !isAlive(pid));
        if (dead) say(`Waiting up to 10 s for the ingest that died (pid ${dead.pid}) to lose its hold on the files.`);
    } finally {
        await sql.end({ timeout: 1 });
    }
}

function isAlive(pid: number): boolean {
    try {
        return process.kill(pid, 0);
    } catch (error) {
        return (error as NodeJS.ErrnoException).code === "EPERM";
    }
}

/** Runs the checks and says on stderr how they ended. Returns how many are broken. */
async function checkAtEnd(target: Parameters<typeof connect>[0], log: Log): Promise<number> {
    const sql = connect(target, { applicationName: "sluice check", max: 1 });
    try {
        const results = await runChecks(sql);
        const broken = results.filter(({ passed }) => !passed).length;
        const line = formatCheckSummary(results);
        if (log.format === "text") logToStderr(line);
        else log[broken > 0 ? "error" : "info"](line, { event: "checked", checks: results.length, broken });
        return broken;
    } finally {
        await sql.end({ timeout: 1 });
    }
}
