import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { formatEquation } from "../src/commands/ingest-output.ts";
import { choiceOption } from "../src/commands/listing/listing-flags.ts";
import { logToStderr, withDatabase } from "../src/commands/with-database.ts";
import { configOptions, databaseFields, loadConfig } from "../src/config/config.ts";
import type { Sql } from "../src/database/connect.ts";
import { sqlStateOf } from "../src/database/sql-states.ts";
import { isDrawable } from "../src/environment.ts";
import { exitCodes, SluiceError } from "../src/errors.ts";
import { type ReplayRequest, type ReplaySummary, runReplay } from "../src/operations/run-replay.ts";
import { eventsStream } from "../src/shop/events-stream.ts";
import { rejectReasonsOf } from "../src/streams/reject-reasons.ts";
import { askYesOrNo, requireTerminal } from "../src/terminal/ask.ts";
import { formatCount } from "../src/terminal/format.ts";
import { createProgress } from "../src/terminal/progress.ts";
import { formatRecordTable } from "../src/terminal/record-table.ts";

await runCommand({
    name: "replay",
    summary:
        "Judges rejects again by today's rules; what passes becomes events, from the file and record it came from.",
    description:
        "A reject is never deleted: it names the batch that resolved it. What would end as before is left alone, so a\n" +
        "second replay does nothing. Edit a record first, if you like: update ingest.rejects set record = record || '{…}'.",
    options: [
        choiceOption("--reason <code>", "only rejects with this reason", rejectReasonsOf(eventsStream)),
        new Option("--file <path>", "only rejects of this file, as the watched folder names it"),
        new Option("--since <moment>", "only rejects from then on, such as 2026-01-31 or 2026-01-31T07:00:00Z"),
        new Option("--accept-conflicts", "let conflicting records replace the stored events, which become the rejects"),
        new Option("--yes", "with --accept-conflicts: do not ask"),
        new Option("--dry-run", "do it all, roll it back, say what came of it"),
        ...configOptions("json", ...databaseFields),
    ],
    examples: [
        ["bun run replay --dry-run", "what would pass today"],
        ["bun run replay --reason event_type_unknown", "after a type was added"],
        ["bun run replay --file events_7.csv --accept-conflicts", "this file is right where it contradicts"],
        ["bun run replay --accept-conflicts --yes", "for scripts: without a terminal nobody can be asked"],
    ],
    async run({ flags }) {
        const config = await loadConfig([...databaseFields, "json"], flags);
        const text = (name: string) => (typeof flags[name] === "string" ? flags[name] : undefined);
        const request = {
            reason: text("reason"),
            file: text("file"),
            since: text("since"),
            acceptConflicts: flags.acceptConflicts === true,
            dryRun: flags.dryRun === true,
        };
        const mustAsk = request.acceptConflicts && flags.yes !== true && !request.dryRun;
        if (mustAsk)
            requireTerminal(
                "replay --accept-conflicts",
                "Give --yes if you are sure, or --dry-run to see what it would do.",
            );
        const progress = createProgress({ label: "replay", isDrawable: isDrawable() });
        const { print } = progress;
        const summary = await withDatabase(
            config,
            { applicationName: "sluice replay", mayMigrate: true },
            async (sql) => {
                await requireMoment(sql, request.since);
                if (mustAsk && !(await agreesTo(sql, request))) return null;
                return await runReplay(
                    sql,
                    request,
                    (batch) => {
                        if (!config.json && !request.dryRun) print(`batch ${batch.batchId}  ${formatEquation(batch)}`);
                    },
                    (done, total) => progress.update({ done, total, unit: "reject ids" }),
                );
            },
        ).finally(() => progress.end());
        if (summary === null) {
            logToStderr("Nothing was changed.");
            return exitCodes.failed;
        }
        if (config.json) print(JSON.stringify(summary));
        else for (const line of describe(summary)) print(line);
        return exitCodes.done;
    },
});

/** Events are replaced, which another replay can undo only one by one: it is shown first. */
async function agreesTo(sql: Sql, request: ReplayRequest): Promise<boolean> {
    const { displaced, inserted } = await runReplay(sql, { ...request, dryRun: true });
    if (displaced === 0) return true;
    logToStderr(
        `${formatCount(displaced, "event")} will be replaced, and ${formatCount(inserted, "record")} will be events.`,
    );
    return await askYesOrNo("Go on?");
}

function describe({ dryRun, unchanged, unsplittable, displaced, refused, ...records }: ReplaySummary): string[] {
    const rejects = (count: number) => formatCount(count, "reject");
    return formatRecordTable(records, {
        title: dryRun ? "would be read" : "records read again",
        hasPointers: !dryRun,
        more: [
            ...(displaced > 0
                ? [["replaced", `${formatCount(displaced, "event")} by conflicting records`] as const]
                : []),
            ...(refused > 0
                ? [["refused", `${formatCount(refused, "conflict")} by the table: bun run rejects says why`] as const]
                : []),
            ...(unchanged > 0
                ? [["unchanged", `${rejects(unchanged)} would end as before and stand as they are`] as const]
                : []),
            ...(unsplittable > 0
                ? [["unsplittable", `${rejects(unsplittable)} have no values: set their record first`] as const]
                : []),
        ],
    });
}

async function requireMoment(sql: Sql, since: string | undefined): Promise<void> {
    if (since === undefined) return;
    await sql`select ${since}::text::timestamptz`.catch((error: unknown) => {
        if (!sqlStateOf(error)?.startsWith("22")) throw error;
        throw new SluiceError({
            code: "bad_flag_value",
            what: "--since is not a moment.",
            from: "the command line",
            remedy: "Write it like 2026-01-31 or 2026-01-31T07:00:00Z.",
            exitCode: exitCodes.usage,
        });
    });
}
