/** `bun run add`: from a file, or a file and a table, to a stream. */
import { basename, relative, resolve } from "node:path";
import type { Config } from "../../config/config.ts";
import type { Sql } from "../../database/connect.ts";
import type { Database } from "../../database/open-database.ts";
import { InputFault } from "../../engine/read/open-input.ts";
import { isDrawable, program } from "../../environment.ts";
import { addCsvStream, filesForCsv, type NewCsvStream, refuseTaken } from "../../operations/add/add-csv.ts";
import { addTableStream, mapTable, refuseLacking } from "../../operations/add/add-table.ts";
import { findSample, type Sample } from "../../operations/add/find-sample.ts";
import { streamNameForm, streamNameOf } from "../../operations/add/name-stream.ts";
import { refuseExisting } from "../../operations/add/new-files.ts";
import { foldersWithValues } from "../../operations/add/propose-partitions.ts";
import { refuseRivals } from "../../operations/add/refuse-rivals.ts";
import { takeBack } from "../../operations/add/take-back.ts";
import { readRunning } from "../../operations/refuse-while-running.ts";
import { type Proposal, type SniffOptions, sniffFile } from "../../operations/sniff/sniff-file.ts";
import { streamOfTable } from "../../streams/load-streams.ts";
import { isInBucket } from "../../streams/route-files.ts";
import { askYesOrNo } from "../../terminal/ask.ts";
import { createProgress } from "../../terminal/progress.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import { suggestName } from "../../terminal/suggest-name.ts";
import type { Answer } from "../command.ts";
import { logToStderr } from "../log.ts";
import { refuse } from "../refuse.ts";
import type { AddRequest } from "./add-options.ts";
import { answerQuestion } from "./ask-questions.ts";
import { formatMapping, formatProposal, formatTrial, formatWritten } from "./format-add.ts";

export const addFields = [
    "inputDir",
    "maxRecordBytes",
    "maxChunkBytes",
    "maxExpandedBytes",
    "maxExpansionRatio",
    "tailSettleMs",
    "configFile",
] as const;

export interface AddContext {
    config: Pick<Config, Exclude<(typeof addFields)[number], "configFile">>;
    /** The name of the stream that needs no declaration. */
    builtIn: string;
    inDatabase(work: (sql: Sql, database: Database) => Promise<Answer>): Promise<Answer>;
}

export async function runAdd(named: readonly string[], request: AddRequest, context: AddContext): Promise<Answer> {
    const sample = await findSample(named, context.config.inputDir, request.files);
    return request.table === null
        ? await addForCsv(sample, request, context)
        : await addForTable(sample, request, request.table, context);
}

/** `path` as an ingest would name it. */
function exampleOf({ path, files }: Sample, inputDir: string): string | null {
    if (path === null) return null;
    if (isInBucket(path)) return isInBucket(files) ? path : path.slice(inputDir.replace(/\/+$/, "").length + 1);
    const inside = relative(resolve(inputDir), resolve(path));
    return inside.startsWith("..") ? basename(path) : inside;
}

function chooseName(request: AddRequest, proposed: string | null): string {
    const name = request.name ?? proposed;
    if (name !== null && streamNameForm.test(name)) return name;
    throw refuse(
        "invalid_name",
        name === null
            ? "The name of the file does not suggest a name for the stream."
            : `A stream cannot be named ${name}.`,
        "Give --name: up to 40 lower-case letters, digits and _, beginning with a letter.",
    );
}

async function addForCsv(sample: Sample, given: AddRequest, context: AddContext): Promise<Answer> {
    const { path, files } = sample;
    if (path === null) {
        throw refuse(
            "no_such_file",
            `${isInBucket(files) ? "No object" : `No file in ${context.config.inputDir}`} matches ${files}.`,
            "Name a CSV file.",
        );
    }
    const name = chooseName(given, streamNameOf(basename(path)));
    const { request, proposal } = await proposeUntilAnswered(path, given, context);
    const stream: NewCsvStream = { name, files, path, proposal, mode: request.mode };
    const { inputDir } = context.config;
    const lines = [...formatProposal(stream, proposal), ...noteFolders(exampleOf(sample, inputDir) ?? "")];
    const { isReplace: isReplacing, isInputGiven } = request;
    const example = exampleOf(sample, inputDir);
    await refuseRivals({ name, files, table: null, example, isReplacing }, context.builtIn);
    if (request.isPrint) return printed(filesForCsv(stream), { name, files, table: `public.${name}`, proposal });
    if (!isReplacing) refuseExisting(filesForCsv(stream));
    await confirm(request, lines, keyIsProposed(given, proposal, path));
    return await context.inDatabase(async (sql, { target }) => {
        if (isReplacing) await takeBack(sql, name);
        await refuseTaken(sql, stream);
        const { written, tried } = await addCsvStream(sql, target, stream, tryConfigOf(context), logToStderr);
        return {
            lines: [
                ...lines,
                ...formatTrial(tried),
                formatWritten(written, { name, path, inputDir, isInputGiven, running: await readRunning(sql) }),
            ],
            json: { name, files, table: `public.${name}`, proposal, tried, written },
        };
    });
}

/** The new table gets the file's columns. The values in the path are not among them. */
function noteFolders(path: string): string[] {
    const names = foldersWithValues(path);
    if (names.length === 0) return [];
    const columns = names.map((name) => sanitize(name)).join(", ");
    return [
        `The path gives a value of ${columns}, which the table will not have. If it should: make the table yourself, and add with --table.`,
    ];
}

/** A proposed key that nobody was asked about. */
function keyIsProposed({ key }: AddRequest, proposal: Proposal, path: string) {
    if (key !== null || proposal.key === null) return null;
    const columns = proposal.key.columns.join(",");
    return refuse(
        "key_not_confirmed",
        `The proposed key of ${path} is ${columns} (${proposal.key.note}), and nobody has confirmed it; nothing was written.`,
        `If that is right, give --key ${columns}, or --yes to accept the proposal.`,
    );
}

async function proposeUntilAnswered(
    path: string,
    given: AddRequest,
    { config }: AddContext,
): Promise<{ request: AddRequest; proposal: Proposal }> {
    let request = given;
    for (;;) {
        const { settings, key, types } = request;
        const isKeyless = request.mode.mode === "append";
        const proposal = await sniff({ config, path, settings, key: isKeyless ? false : key, types });
        const question = proposal.asks.find(({ about }) => !isKeyless || about !== "key");
        if (question === undefined) {
            requireColumns(Object.keys(types), proposal, "--type");
            return { request, proposal };
        }
        request = await answerQuestion(request, question);
    }
}

/** @throws SluiceError with the file's problem, by the code that an ingest would give it */
async function sniff(options: SniffOptions): Promise<Proposal> {
    const progress = createProgress({ label: "add", isDrawable: isDrawable() });
    const onRead = (bytes: number, ofBytes: number) =>
        progress.update({ done: Math.floor(bytes / MiB), total: Math.ceil(ofBytes / MiB), unit: "MiB" });
    try {
        return await sniffFile({ ...options, config: { ...options.config, onRead } });
    } catch (error) {
        if (!(error instanceof InputFault)) throw error;
        const { problem, detail } = error.failure;
        throw refuse(problem, `${options.path} cannot be read. ${detail}`, "Nothing was written.");
    } finally {
        progress.end();
    }
}

const MiB = 1024 * 1024;

function requireColumns(names: readonly string[], { columns }: Proposal, flag: string): void {
    const known = columns.map(({ name }) => name);
    const unknown = names.find((name) => !known.includes(name));
    if (unknown === undefined) return;
    const near = suggestName(unknown, known);
    throw refuse(
        "unknown_column",
        `${flag} names ${unknown}, but the file has no such column.`,
        near ? `Did you mean ${near}?` : `There are ${known.slice(0, 20).join(", ")}.`,
    );
}

async function addForTable(sample: Sample, given: AddRequest, table: string, context: AddContext): Promise<Answer> {
    const { path } = sample;
    const { inputDir } = context.config;
    const { isInputGiven } = given;
    if (given.isReplace) {
        throw refuse(
            "invalid_option",
            "--replace is for a table that add made.",
            "Edit the stream's file, or remove it.",
        );
    }
    const { request, proposal } =
        path === null ? { request: given, proposal: null } : await readUntilAnswered(path, given, context);
    const name = chooseName(request, streamOfTable(table).name);
    const { settings, key, mode, allowsTriggers } = request;
    return await context.inDatabase(async (sql, { target }) => {
        const example = exampleOf(sample, inputDir);
        const asked = { name, table, files: sample.files, key, mode, settings, allowsTriggers };
        const mapped = await mapTable(sql, { ...asked, example, isFilesGiven: sample.isFilesGiven }, proposal);
        const { files } = mapped.declared;
        const lines = formatMapping(mapped);
        const facts = { name, files, table: mapped.declared.table, columns: mapped.mapping.columns };
        if (path !== null) refuseLacking(mapped, path);
        const newStream = { name, files, table: mapped.declared.table, example, isReplacing: false };
        await refuseRivals(newStream, context.builtIn);
        if (request.isPrint) return printed([mapped.newFile], facts);
        refuseExisting([mapped.newFile]);
        await confirm(request, lines, null);
        const { written, tried } = await addTableStream(target, mapped, path, tryConfigOf(context));
        const trial = tried === null ? [`no file matches ${files} yet, so nothing was tried`] : formatTrial(tried);
        const running = await readRunning(sql);
        const last = formatWritten(written, { name, path, inputDir, isInputGiven, running });
        return { lines: [...lines, ...trial, last], json: { ...facts, tried, written } };
    });
}

/** The table says what the key is: only how the file is read may be asked. */
async function readUntilAnswered(
    path: string,
    given: AddRequest,
    { config }: AddContext,
): Promise<{ request: AddRequest; proposal: Proposal }> {
    let request = given;
    for (;;) {
        const proposal = await sniff({ config, path, settings: request.settings, key: false });
        const question = proposal.asks.find(({ about }) => about !== "key");
        if (question === undefined) return { request, proposal };
        request = await answerQuestion(request, question);
    }
}

function printed(files: readonly { path: string; text: string }[], json: object): Answer {
    const lines = files.flatMap(({ path, text }) => [`${path.endsWith(".sql") ? "--" : "//"} ${path}`, text]);
    return { lines, json: { ...json, files } };
}

/** `unanswered`: what would be taken for granted. Without a terminal that is refused, and what is left to say is said by flags. */
async function confirm(
    { isYes }: AddRequest,
    lines: readonly string[],
    unanswered: ReturnType<typeof keyIsProposed>,
): Promise<void> {
    if (isYes) return;
    if (!process.stdin.isTTY) {
        if (unanswered !== null) throw unanswered;
        return;
    }
    process.stderr.write(`${lines.join("\n")}\n`);
    if (await askYesOrNo("Create this stream?")) return;
    throw refuse("not_confirmed", "Nothing was written.", `Flags change the proposal: ${program} add --help.`);
}

function tryConfigOf({ config }: AddContext) {
    return { ...config, sources: [] };
}
