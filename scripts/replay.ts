import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { formatEquation } from "../src/commands/ingest-output.ts";
import { logToStderr } from "../src/commands/log.ts";
import { isOfOne } from "../src/commands/rejects/edit-rejects.ts";
import { filterOptions, readFilter } from "../src/commands/rejects/filter-options.ts";
import { formatOutcome } from "../src/commands/rejects/format-preview.ts";
import { chooseStream } from "../src/commands/streams/choose-stream.ts";
import type { Sql } from "../src/database/connect.ts";
import { commandHere, isDrawable, program } from "../src/environment.ts";
import { exitCodes } from "../src/errors.ts";
import { type ReplaysSummary, replayStreams } from "../src/operations/replay-streams.ts";
import type { ReplayBatch, ReplaySummary } from "../src/operations/run-replay.ts";
import { type KnownStream, readStreams } from "../src/operations/streams/read-streams.ts";
import { eventsStream } from "../src/shop/events-stream.ts";
import { askYesOrNo, requireTerminal } from "../src/terminal/ask.ts";
import { formatCount } from "../src/terminal/format.ts";
import { createProgress } from "../src/terminal/progress.ts";
import { formatRecordTable } from "../src/terminal/record-table.ts";
import { sanitize } from "../src/terminal/sanitize.ts";

export const command = databaseCommand({
    name: "replay",
    summary:
        "Validates rejects again, with the current rules; those that pass become rows, with the file and record they came from.",
    description:
        "A reject is never deleted: it names the batch that resolved it. A reject that would fail again is not changed, so a second replay does nothing. You can edit a record first: `rejects --set`.",
    options: [
        ...filterOptions(),
        new Option("--accept-conflicts", "let conflicting records replace the stored rows, which become the rejects"),
        new Option("--yes", "with --accept-conflicts: do not ask"),
        new Option("--preview", "do it all, undo it, and show the result"),
        new Option("--dry-run", "the same as --preview").hideHelp(),
    ],
    examples: [
        [`${program} replay --preview`, "which rejects would pass now"],
        [`${program} replay --reason event_type_unknown`, "after a type was added"],
        [`${program} replay --stream orders`, "of one stream; without it of all, in turns"],
        [
            `${program} replay --id 12 --accept-conflicts --preview`,
            "one conflict, beside the row that it would replace",
        ],
        [`${program} replay --file events_7.csv --accept-conflicts`, "where records conflict, this file is right"],
        [`${program} replay --accept-conflicts --yes`, "for scripts: it asks on a terminal only"],
    ],
    async run({ flags, config, inDatabase }) {
        const wishes = {
            acceptConflicts: flags.acceptConflicts === true,
            dryRun: flags.preview === true || flags.dryRun === true,
        };
        const mustAsk = wishes.acceptConflicts && flags.yes !== true && !wishes.dryRun;
        if (mustAsk) {
            const remedy = "Give --yes if you are sure, or --preview to see what it would do.";
            requireTerminal("replay --accept-conflicts", remedy);
        }
        const progress = createProgress({ label: "replay", isDrawable: isDrawable() });
        const onBatch = (batch: ReplayBatch, stream: string) => {
            if (config.json || wishes.dryRun) return;
            progress.print(`batch ${batch.batchId}  ${sanitize(stream)}  ${formatEquation(batch)}`);
        };
        const onLook = (done: number, total: number) => progress.update({ done, total, unit: "reject ids" });
        const summary = await inDatabase(
            async (sql) => {
                const chosen = await chooseStream(sql, flags);
                const all = await readStreams(sql);
                const request = {
                    ...(await readFilter(sql, flags, {
                        streams: chosen === null ? all : [chosen],
                        builtIn: eventsStream,
                    })),
                    ...wishes,
                };
                const streams = chosen === null ? all.filter(({ isActive }) => isActive) : [chosen];
                if (mustAsk && !(await agreesTo(sql, streams, request))) return null;
                return await replayStreams(sql, streams, request, { onBatch, onLook });
            },
            { mayMigrate: true },
        ).finally(() => progress.end());
        if (summary === null) {
            logToStderr("Nothing was changed.");
            return exitCodes.failed;
        }
        const hasFailed = summary.streams?.some(({ problem }) => problem !== null) === true;
        return {
            lines: describeAll(summary, isOfOne(flags)),
            json: summary,
            indent: 0,
            exitCode: hasFailed ? exitCodes.failed : exitCodes.done,
        };
    },
});

if (import.meta.main) await runCommand(command);

/** Rows are replaced, which another replay can undo only one by one: it is shown first. */
async function agreesTo(
    sql: Sql,
    streams: readonly KnownStream[],
    request: Parameters<typeof replayStreams>[2],
): Promise<boolean> {
    const { displaced, inserted, samples } = await replayStreams(sql, streams, { ...request, dryRun: true });
    if (displaced === 0) return true;
    const lines = [
        ...formatOutcome({ dryRun: true, remaining: [], samples }),
        `${formatCount(displaced, "stored row")} will be replaced, and ${formatCount(inserted, "record")} will be stored.`,
    ];
    for (const line of lines) logToStderr(line);
    return await askYesOrNo("Go on?");
}

/** With several streams, those of which anything was chosen; and the sum. */
function describeAll({ streams = [], ...total }: ReplaysSummary, isSingle: boolean): string[] {
    const troubles = streams.flatMap(({ stream, problem }) =>
        problem === null
            ? []
            : [`${sanitize(stream)}: its table has changed: ${sanitize(problem)}. Fix that, then replay again.`],
    );
    const busy = streams.filter(({ read, unchanged, unsplittable }) => read + unchanged + unsplittable > 0);
    const each =
        busy.length < 2
            ? []
            : busy.map((replay) => {
                  const unchanged =
                      replay.unchanged > 0 ? `, ${formatCount(replay.unchanged, "reject")} unchanged` : "";
                  return `${sanitize(replay.stream)}  ${formatEquation(replay)}${unchanged}`;
              });
    const outcome = isSingle || total.dryRun ? formatOutcome(total) : [];
    return [...each, ...describe(total), ...outcome, ...troubles];
}

function describe({ dryRun, unchanged, busy, unsplittable, displaced, refused, ...records }: ReplaySummary): string[] {
    const more = [
        ["replaced", displaced, "stored row", "by conflicting records"],
        ["refused", refused, "conflict", `by the table: ${commandHere("rejects")} shows why`],
        ["unchanged", unchanged, "reject", "would fail again; nothing changes"],
        ["busy", busy, "reject", "left out: somebody else was changing them; replay again"],
        ["unsplittable", unsplittable, "reject", "could not be split into values: set ingest.rejects.record first"],
    ] as const;
    return formatRecordTable(records, {
        title: dryRun ? "would be read" : "records read again",
        hasPointers: !dryRun,
        more: more
            .filter(([, count]) => count > 0)
            .map(([name, count, noun, fate]) => [name, `${formatCount(count, noun)} ${fate}`]),
    });
}
