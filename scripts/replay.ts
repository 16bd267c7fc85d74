import { Option } from "commander";
import { runDatabaseCommand } from "../src/commands/database-command.ts";
import { formatEquation } from "../src/commands/ingest-output.ts";
import { choiceOption } from "../src/commands/listing/list-page.ts";
import { logToStderr } from "../src/commands/log.ts";
import { refuse } from "../src/commands/refuse.ts";
import type { Sql } from "../src/database/connect.ts";
import { sqlStateOf } from "../src/database/sql-states.ts";
import { isDrawable } from "../src/environment.ts";
import { exitCodes } from "../src/errors.ts";
import { type ReplayBatch, type ReplayRequest, type ReplaySummary, runReplay } from "../src/operations/run-replay.ts";
import { eventsStream } from "../src/shop/events-stream.ts";
import { rejectReasonsOf } from "../src/streams/reject-reasons.ts";
import { askYesOrNo, requireTerminal } from "../src/terminal/ask.ts";
import { formatCount } from "../src/terminal/format.ts";
import { createProgress } from "../src/terminal/progress.ts";
import { formatRecordTable } from "../src/terminal/record-table.ts";

await runDatabaseCommand({
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
    ],
    examples: [
        ["bun run replay --dry-run", "what would pass today"],
        ["bun run replay --reason event_type_unknown", "after a type was added"],
        ["bun run replay --file events_7.csv --accept-conflicts", "this file is right where it contradicts"],
        ["bun run replay --accept-conflicts --yes", "for scripts: without a terminal nobody can be asked"],
    ],
    async run({ flags, config, inDatabase }) {
        const text = (name: string) => (typeof flags[name] === "string" ? flags[name] : undefined);
        const request = {
            reason: text("reason"),
            file: text("file"),
            since: text("since"),
            acceptConflicts: flags.acceptConflicts === true,
            dryRun: flags.dryRun === true,
        };
        const mustAsk = request.acceptConflicts && flags.yes !== true && !request.dryRun;
        if (mustAsk) {
            const remedy = "Give --yes if you are sure, or --dry-run to see what it would do.";
            requireTerminal("replay --accept-conflicts", remedy);
        }
        const progress = createProgress({ label: "replay", isDrawable: isDrawable() });
        const onBatch = (batch: ReplayBatch) => {
            if (!config.json && !request.dryRun) progress.print(`batch ${batch.batchId}  ${formatEquation(batch)}`);
        };
        const onRange = (done: number, total: number) => progress.update({ done, total, unit: "reject ids" });
        const summary = await inDatabase(
            async (sql) => {
                await requireMoment(sql, request.since);
                if (mustAsk && !(await agreesTo(sql, request))) return null;
                return await runReplay(sql, request, onBatch, onRange);
            },
            { mayMigrate: true },
        ).finally(() => progress.end());
        if (summary !== null) return { lines: describe(summary), json: summary, indent: 0 };
        logToStderr("Nothing was changed.");
        return exitCodes.failed;
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
    const more = [
        ["replaced", displaced, "event", "by conflicting records"],
        ["refused", refused, "conflict", "by the table: bun run rejects says why"],
        ["unchanged", unchanged, "reject", "would end as before and stand as they are"],
        ["unsplittable", unsplittable, "reject", "have no values: set their record first"],
    ] as const;
    return formatRecordTable(records, {
        title: dryRun ? "would be read" : "records read again",
        hasPointers: !dryRun,
        more: more
            .filter(([, count]) => count > 0)
            .map(([name, count, noun, fate]) => [name, `${formatCount(count, noun)} ${fate}`]),
    });
}

async function requireMoment(sql: Sql, since: string | undefined): Promise<void> {
    if (since === undefined) return;
    await sql`select ${since}::text::timestamptz`.catch((error: unknown) => {
        if (!sqlStateOf(error)?.startsWith("22")) throw error;
        throw refuse("bad_flag_value", "--since is not a moment.", "Write it like 2026-01-31 or 2026-01-31T07:00:00Z.");
    });
}
