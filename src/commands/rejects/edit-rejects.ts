/** `rejects --set`: values for the next replay, of one reject or of all that a filter chooses. */
import { InvalidArgumentError } from "commander";
import type { Flags } from "../../config/config.ts";
import type { Sql } from "../../database/connect.ts";
import { sluiceStates, sqlStateOf } from "../../database/sql-states.ts";
import { commandHere } from "../../environment.ts";
import { exitCodes, SluiceError } from "../../errors.ts";
import { type EditSummary, editReject, editRejects, findUnknownColumn } from "../../operations/rejects/edit-rejects.ts";
import { countChosen } from "../../operations/rejects/reject-filter.ts";
import { type ReplaySummary, runReplay } from "../../operations/run-replay.ts";
import { findStream, type KnownStream, readStreams } from "../../operations/streams/read-streams.ts";
import type { Stream } from "../../streams/stream.ts";
import { askYesOrNo, requireTerminal } from "../../terminal/ask.ts";
import { formatCount } from "../../terminal/format.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import type { Answer } from "../command.ts";
import { logToStderr } from "../log.ts";
import { refuse } from "../refuse.ts";
import { filterFlags, readFilter } from "./filter-options.ts";
import { formatOutcome } from "./format-preview.ts";
import { formatReject, requireReject } from "./show-reject.ts";

export type Changes = Record<string, string | null>;

/** For --set, which may be given again. */
export function collectChanges(text: string, before: Changes | undefined): Changes {
    const at = text.indexOf("=");
    if (at < 1) throw new InvalidArgumentError("It is COLUMN=VALUE; COLUMN= for no value.");
    return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** Before anything is connected. @throws SluiceError */
export function checkEdit(flags: Flags): void {
    const isSingle = isOfOne(flags);
    if (!filterFlags.some((name) => flags[name] !== undefined)) {
        throw refuse(
            "filter_needed",
            "--set needs the rejects that it is for.",
            "Choose them: --id, --reason, --file, …",
        );
    }
    if (!isSingle && Object.keys(flags.set as Changes).length > 1) {
        throw refuse("bad_flag_value", "--set is given twice.", "One column at a time, unless one --id is given.");
    }
    if (!isSingle && flags.yes !== true && flags.preview !== true) {
        requireTerminal("rejects --set", "Give --yes if you are sure, or --preview to see what would come of it.");
    }
}

export const isOfOne = ({ id }: Flags) => (id as number[] | undefined)?.length === 1;

export async function editOne(sql: Sql, flags: Flags, builtIn: Stream): Promise<Answer> {
    const id = (flags.id as number[])[0]!;
    const changes = flags.set as Changes;
    const before = await requireReject(sql, id);
    const found = findStream(await readStreams(sql), before.stream);
    if (!("stream" in found)) throw refuse("unknown_stream", found.problem, "");
    requireColumns(changes, { stream: found.stream, builtIn, record: before.record });
    if (flags.preview === true) return await preview(sql, { ids: [id], streamId: found.stream.streamId }, changes);
    const { edited, busy, resolved } = await editReject(sql, id, changes).catch(explainHistory);
    if (resolved > 0) throw history();
    if (busy > 0) {
        const remedy = "Look at it again, then repeat the command.";
        throw new SluiceError({ code: "reject_busy", what: `Somebody else is changing reject ${id}.`, remedy });
    }
    const reject = await requireReject(sql, id);
    const next = `Replay it: ${commandHere("replay")} --id ${id} --preview`;
    return {
        lines: [edited > 0 ? "Saved." : "It had these values already.", ...(await formatReject(sql, reject)), next],
        json: reject,
    };
}

export async function editMany(
    sql: Sql,
    flags: Flags,
    { streams, builtIn }: { streams: readonly KnownStream[]; builtIn: Stream },
): Promise<Answer | number> {
    const [stream] = streams;
    if (stream === undefined || streams.length > 1) {
        const names = streams.map(({ name }) => name).join(", ");
        throw refuse("stream_needed", "A column belongs to a stream.", `Name it with --stream: ${sanitize(names)}.`);
    }
    const changes = flags.set as Changes;
    const filter = { ...(await readFilter(sql, flags, { streams, builtIn })), streamId: stream.streamId };
    requireColumns(changes, { stream, builtIn, record: null });
    if (flags.preview === true) return await preview(sql, filter, changes);
    if (flags.yes !== true) {
        const { splittable } = await countChosen(sql, filter);
        const [[column, value]] = Object.entries(changes) as [[string, string]];
        logToStderr(
            `${formatCount(splittable, "reject")} will get ${sanitize(column)}=${sanitize(value, { most: 80 })}. The values of the file are kept beside.`,
        );
        if (splittable === 0 || !(await askYesOrNo("Go on?"))) {
            logToStderr("Nothing was changed.");
            return exitCodes.failed;
        }
    }
    const edits = await editRejects(sql, filter, changes);
    return { lines: describeEdits(edits), json: edits };
}

function describeEdits({ edited, unchanged, busy, resolved }: EditSummary): string[] {
    return [
        `${formatCount(edited, "reject")} edited. Replay them: ${commandHere("replay")} --preview with the same filter.`,
        ...(unchanged > 0 ? [`${formatCount(unchanged, "reject")} had the value already.`] : []),
        ...(busy > 0
            ? [`${formatCount(busy, "reject")} left out: somebody else was changing them. Repeat the command.`]
            : []),
        ...(resolved > 0 ? [`${formatCount(resolved, "reject")} left out: a replay has resolved them meanwhile.`] : []),
    ];
}

async function preview(sql: Sql, filter: Parameters<typeof runReplay>[1], tried: Changes): Promise<Answer> {
    const summary = await runReplay(sql, { ...filter, tried, dryRun: true }).catch(explainHistory);
    return { lines: [...describeTried(summary), ...formatOutcome(summary)], json: summary };
}

function describeTried(summary: ReplaySummary): string[] {
    const { inserted, updated, superseded, deleted, duplicate, conflict, rejected, unchanged } = summary;
    const counts = [
        [inserted, "would be inserted"],
        [updated, "would update their row"],
        [deleted, "would delete their row"],
        [superseded, "would be superseded"],
        [duplicate, "would count as duplicates"],
        [conflict, "would be conflicts"],
        [rejected + unchanged, "would stand as rejects"],
    ] as const;
    const parts = counts
        .filter(([count]) => count > 0)
        .map(([count, fate]) => `${formatCount(count, "record")} ${fate}`);
    return [
        parts.length === 0 ? "The filter chooses no rejects with values." : `${parts.join(", ")}. Nothing was changed.`,
    ];
}

function requireColumns(changes: Changes, of: Parameters<typeof findUnknownColumn>[1]): void {
    const found = findUnknownColumn(Object.keys(changes), of);
    if (found === null) return;
    const remedy = found.problem.replace(/^Unknown column\. /, "");
    throw refuse("column_unknown", `${of.stream.name} has no column ${found.column}.`, remedy);
}

function explainHistory(error: unknown): never {
    throw sqlStateOf(error) === sluiceStates.rejectNotEditable ? history() : error;
}

const history = () =>
    new SluiceError({
        code: "reject_resolved",
        what: "A replay has resolved this reject, so it is history.",
        remedy: `\`${commandHere("rejects")}\` lists those that stand.`,
    });
