/**
 * A dry run of an ingest: the real load into a temporary table of one connection, then the real merge of it, slice by
 * slice, each a statement that ends by undoing itself (sql/engine/try_slice.sql).
 *
 * Guarantee: nothing is left, killed or not. The temporary table ends with the connection, and a slice's merge ends in an
 * exception. A lost connection loses the temporary table too, so that no later step can go on without it.
 */

import type { SQL } from "bun";
import type { IngestConfig, RejectBudget } from "../../config/config.ts";
import { connect, connectForCopy, type Sql } from "../../database/connect.ts";
import { copyRows } from "../../database/copy-rows.ts";
import type { DatabaseTarget } from "../../database/database-target.ts";
import type { Refusal } from "../../database/schema.ts";
import { sluiceStates, sqlStateOf } from "../../database/sql-states.ts";
import type { IngestContext } from "../../engine/context.ts";
import { type LocatedFile, locateFile } from "../../engine/discover/locate-file.ts";
import type { LedgerFile } from "../../engine/ledger/files.ts";
import { findCopies } from "../../engine/load/find-copies.ts";
import { loadByLadder } from "../../engine/load/ladder.ts";
import { otherHeaderFailure } from "../../engine/load/load-parts.ts";
import { prepareFile, type Reader } from "../../engine/load/prepare-file.ts";
import { createHeaderReader } from "../../engine/read/known-headers.ts";
import { InputFault } from "../../engine/read/open-input.ts";
import { type LoadPart, type StagedOutcome, stageParts } from "../../engine/stage/stage-parts.ts";
import { copyStatement, type Way } from "../../engine/stage/stage-records.ts";
import type { Stream } from "../../streams/stream.ts";
import { sliceCount } from "../../streams/types/column-type.ts";
import { noRecords, type RecordCounts } from "../../terminal/record-counts.ts";
import { notesOf } from "./notes-of.ts";

export interface TryOptions {
    target: DatabaseTarget;
    stream: Stream;
    config: Pick<
        IngestConfig,
        "maxRecordBytes" | "maxChunkBytes" | "maxExpandedBytes" | "maxExpansionRatio" | "sources"
    > &
        Partial<Pick<IngestConfig, "maxRejects" | "tailSettleMs">>;
    /** Paths and addresses of objects: they need not be in the watched folder. Tried in this order, as one ingest. */
    files: readonly string[];
    /** How many records of each kind to show. */
    samples?: number;
    /** Steps are files to load, then slices to try: how many there are is known when the files are loaded. */
    onStep?: (done: number, total: number) => void;
}

export interface RecordSample {
    recordNo: number;
    lineNo?: number | null;
    byteOffset?: number | null;
    record: Record<string, string | null> | null;
    rawText?: string | null;
    /** For a conflict: the record that is stored, in the same shape. */
    stored?: Record<string, string | null> | null;
    /** For a refused record: the table's answer. */
    refusal?: Refusal | null;
}

export interface TriedFile {
    file: string;
    /** Why the file as a whole would fail; then nothing else is known of it. */
    problem: string | null;
    problemDetail: string | null;
    /** The merged file whose content it repeats: an ingest would skip it. */
    copyOf: string | null;
    sizeBytes: number | null;
    header: string[] | null;
    /** Columns of the file that we don't know: they go to attributes. */
    extraColumns: string[] | null;
    /** How an ingest would differ from this dry run, in sentences. */
    notes: string[];
    way: Way | null;
    /** How the file is written, where the loader says so. */
    dialect: unknown;
    records: RecordCounts;
    /** Most frequent first. A record counts once for each of its reasons. */
    reasons: { reason: string; records: number; samples: RecordSample[] }[];
    insertedSamples: RecordSample[];
}

interface StagedFile {
    report: TriedFile;
    chunkId: number;
    extraColumns: string[] | null;
    isPadded: boolean;
}

const noLoad = -1;

/** Throws what the database throws. A file that would fail is reported, and the others are tried. */
export async function tryFiles(options: TryOptions): Promise<TriedFile[]> {
    const { target, config, files, samples = 3, onStep } = options;
    const session = connectForCopy(target, { applicationName: "sluice try" });
    const sql = connect(target, { applicationName: "sluice try", max: 1 });
    try {
        await session.unsafe(`select ${options.stream.home}.open_try()`);
        const staged: StagedFile[] = [];
        const reports: TriedFile[] = [];
        for (const [index, file] of files.entries()) {
            // Ascending, as chunks of one ingest are: the first record of an id wins.
            const located = locateFile(file);
            const reader = readerOf(sql, options, located);
            const { report, loaded } = await stageFile(session, reader, { ...located, file }, index - files.length);
            reports.push(report);
            if (loaded) staged.push(loaded);
            onStep?.(index + 1, files.length + sliceCount);
        }
        const shares = await sharesOf(session, options.stream, staged);
        for (const [index, { slice, of }] of shares.entries()) {
            addSlice(of, await trySlice(session, options.stream.id, slice, of, samples));
            onStep?.(files.length + index + 1, files.length + shares.length);
        }
        for (const report of reports) {
            trimSamples(report, samples);
            applyBudget(report, config.maxRejects ?? null);
        }
        return reports;
    } finally {
        await session.close({ timeout: 0 }).catch(() => {});
        await sql.end({ timeout: 1 });
    }
}

/** One file into the temporary table; a file that would fail is reported, and nothing of it is staged. */
async function stageFile(
    session: SQL,
    reader: TryReader,
    { file, path }: LocatedFile & { file: string },
    chunkId: number,
): Promise<{ report: TriedFile; loaded: StagedFile | null }> {
    const report = emptyReport(file);
    const failed = (failure: { problem: string; detail: string }) => {
        return { report: { ...report, problem: failure.problem, problemDetail: failure.detail }, loaded: null };
    };
    const ledgerFile = unknownFile(path);
    const prepared = await prepareFile(reader, ledgerFile, () => true);
    if (prepared.kind === "fault") return failed(prepared.failure);
    if (prepared.kind !== "load") {
        await prepared.file.close();
        return failed({ problem: "empty_file", detail: "It holds no finished record." });
    }
    const { part } = prepared;
    try {
        describe(report, part);
        // Under no name: of a file that is loaded already nothing is loaded again, either.
        const { copies } = await findCopies(reader, [{ ledgerFile: unknownFile(""), part }]);
        report.copyOf = copies[0]?.original.path ?? null;
        const { outcome, way } = await copyWhole(session, reader, part, chunkId);
        report.way = way;
        report.notes = [...notesOf(reader, part, outcome), ...(await noteReadBefore(reader, part, file))];
        const failure = otherHeaderFailure(part, outcome);
        if (failure) Object.assign(report, { problem: failure.problem, problemDetail: failure.detail });
        const isPadded = outcome.isPadded || way === "parsed";
        return { report, loaded: { report, chunkId, extraColumns: part.shape.extraColumns, isPadded } };
    } catch (error) {
        if (error instanceof InputFault) return failed(error.failure);
        throw error;
    } finally {
        await part.file.close();
    }
}

/** Where records have no key, nothing in the table shows that a part of the file is there. */
async function noteReadBefore(
    { sql, stream }: TryReader,
    { path, file }: LoadPart,
    address: string,
): Promise<string[]> {
    if (stream.mode.name !== "append") return [];
    const [known] = await sql<{ loadedBytes: number }[]>`
        select loaded_bytes as "loadedBytes"
        from ingest.files
        where
            stream_id = ${stream.id} and path in (${path}, ${address}) and state <> 'replaced'
            and loaded_bytes between 1 and ${file.sizeBytes - 1}`;
    if (!known) return [];
    const read = `A file of this name was read up to byte ${known.loadedBytes}`;
    return [`${read}: if this one begins with the same bytes, an ingest reads only what follows.`];
}

/** @throws InputFault when the file cannot be read, or Postgres refuses its records. */
async function copyWhole(
    session: SQL,
    { config }: TryReader,
    part: LoadPart,
    chunkId: number,
): Promise<{ outcome: StagedOutcome; way: Way }> {
    const whole = { ...part, stopAt: Number.MAX_SAFE_INTEGER, mostRecords: Number.POSITIVE_INFINITY };
    const [copied] = await loadByLadder([whole], {
        async attempt(parts, way) {
            const outcomes: StagedOutcome[] = [];
            const source = stageParts(config, parts, way, noLoad, [chunkId], outcomes);
            await copyRows(session, copyStatement(part.shape, way, "pg_temp.try_staging"), source);
            return [{ outcome: outcomes[0]!, way }];
        },
        giveUp: (_, fault) => Promise.reject(fault),
    });
    return copied!;
}

interface Share {
    /** Null: all of them. */
    slice: number | null;
    of: StagedFile[];
}

/** What is tried at a time: a slice of all files, or a whole file where each is a snapshot. */
async function sharesOf(session: SQL, { mode }: Stream, staged: StagedFile[]): Promise<Share[]> {
    if (mode.name === "snapshot") return staged.map((file) => ({ slice: null, of: [file] }));
    return (await slicesOf(session)).map((slice) => ({ slice, of: staged }));
}

/** The slices that have any record. */
async function slicesOf(session: SQL): Promise<number[]> {
    const rows: { slice_no: number }[] = await session.unsafe(
        "select distinct slice_no from pg_temp.try_staging order by slice_no",
    );
    return rows.map(({ slice_no }) => slice_no);
}

interface SliceAnswer {
    files: ({ chunkId: number } & TriedFile["records"])[];
    reasons: { chunkId: number; reason: string; records: number; samples: RecordSample[] | null }[];
    inserted: ({ chunkId: number } & RecordSample)[];
    /** Why a snapshot would fail. */
    problem: { problem: string; detail: string } | null;
}

async function trySlice(
    session: SQL,
    streamId: number,
    slice: number | null,
    staged: StagedFile[],
    samples: number,
): Promise<SliceAnswer> {
    const files = staged.map(({ chunkId, extraColumns, isPadded }) => ({ chunkId, extraColumns, isPadded }));
    try {
        await session`
            select ingest.try_slice(
                ${streamId}::smallint, ${slice}, ${JSON.stringify(files)}::text::jsonb, ${samples}
            )`;
    } catch (error) {
        const answer = () => JSON.parse((error as { detail: string }).detail);
        if (sqlStateOf(error) === sluiceStates.triedOnly) return answer();
        if (sqlStateOf(error) !== sluiceStates.snapshotRefused) throw error;
        return { files: [], reasons: [], inserted: [], problem: answer() };
    }
    throw new Error("A slice that was tried was not undone.");
}

function addSlice(staged: StagedFile[], answer: SliceAnswer): void {
    const reports = new Map(staged.map(({ chunkId, report }) => [chunkId, report]));
    for (const { chunkId, ...counts } of answer.files) {
        const { records } = reports.get(chunkId)!;
        for (const name of Object.keys(records) as (keyof typeof records)[]) records[name] += counts[name];
    }
    for (const { chunkId, reason, records, samples } of answer.reasons) {
        const { reasons } = reports.get(chunkId)!;
        const known = reasons.find((entry) => entry.reason === reason);
        if (known) {
            known.records += records;
            known.samples.push(...(samples ?? []));
        } else {
            reasons.push({ reason, records, samples: samples ?? [] });
        }
    }
    for (const { chunkId, ...sample } of answer.inserted) reports.get(chunkId)!.insertedSamples.push(sample);
    if (answer.problem === null) return;
    const { problem, detail: problemDetail } = answer.problem;
    for (const { report } of staged) Object.assign(report, { problem, problemDetail });
}

/** For the file alone: how the files after it would fare without it is not tried. */
function applyBudget(report: TriedFile, budget: RejectBudget | null): void {
    const { rejected, read } = report.records;
    if (budget === null || rejected <= (budget.kind === "count" ? budget.most : budget.most * read)) return;
    report.problem = "too_many_rejects";
    report.problemDetail = `${rejected} of ${read} records would be rejected, so none of the file would be loaded.`;
}

function trimSamples(report: TriedFile, samples: number): void {
    const firstOf = (list: RecordSample[]) => list.sort((a, b) => a.recordNo - b.recordNo).slice(0, samples);
    report.reasons.sort((a, b) => b.records - a.records || (a.reason < b.reason ? -1 : 1));
    for (const entry of report.reasons) entry.samples = firstOf(entry.samples);
    report.insertedSamples = firstOf(report.insertedSamples);
}

function describe(report: TriedFile, part: LoadPart): void {
    report.sizeBytes = part.file.seen.sizeBytes;
    report.header = part.shape.header;
    report.extraColumns = part.shape.extraColumns;
    report.dialect = part.shape.dialect;
}

function emptyReport(file: string): TriedFile {
    return {
        file,
        problem: null,
        problemDetail: null,
        copyOf: null,
        sizeBytes: null,
        header: null,
        extraColumns: null,
        notes: [],
        way: null,
        dialect: null,
        records: noRecords(),
        reasons: [],
        insertedSamples: [],
    };
}

/** A file that the ledger has never seen. */
function unknownFile(path: string): LedgerFile {
    return {
        fileId: 0,
        path,
        version: 1,
        state: "pending",
        sizeBytes: 0,
        mtimeNs: "0",
        inode: "0",
        versionTag: null,
        loadedBytes: 0,
        loadedRecords: 0,
        loadedLines: 0,
        tailByte: null,
        tailRecordNo: null,
        tailLineNo: null,
        problem: null,
        dialect: null,
        source: null,
        waitsAs: null,
        comparedCtimeNs: null,
        copyOf: null,
    };
}

type TryReader = Reader &
    Pick<IngestContext, "stream"> &
    Pick<LocatedFile, "inbox"> & { config: { tailSettleMs: number } };

/** All that it takes to read a file as an ingest does; nothing here loads, or writes to the ledger. */
function readerOf(sql: Sql, { stream, config }: TryOptions, { inbox, above }: LocatedFile): TryReader {
    const { tailSettleMs = 0 } = config;
    return {
        stream,
        sql,
        inbox,
        above,
        config: { ...config, tailSettleMs, maxBatchRecords: Number.MAX_SAFE_INTEGER },
        readHeader: createHeaderReader(stream),
    };
}
