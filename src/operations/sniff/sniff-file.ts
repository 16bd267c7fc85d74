/**
 * Proposes a table for a CSV file: a type for every column with the evidence for it, a key that is unique in the whole file, and
 * the settings that its source needs. Reads all of the file, and proposes nothing that one of its values contradicts. What
 * could be meant in two ways is text, or is asked.
 */
import type { NumberFormat } from "../../streams/source-config.ts";
import { formatNumber } from "../../terminal/format.ts";
import { suggestName } from "../../terminal/suggest-name.ts";
import { candidateOf, type KeyColumn, likelyKeys, type NamedCandidate, otherKeys } from "./candidate-keys.ts";
import { ColumnEvidence } from "./column-evidence.ts";
import { type NamedColumn, nameColumns, namesOf } from "./column-names.ts";
import { dateFormatsOf, isContradictory, isTimeType, isWrittenSo } from "./date-format.ts";
import { doubtHeader } from "./doubt-header.ts";
import { type NumberStyle, numberStyleOf } from "./number-style.ts";
import { proposeType } from "./propose-type.ts";
import {
    askForEncoding,
    type BrokenRecords,
    notText,
    type OpenCsv,
    openCsv,
    type ReadConfig,
    type ReadingQuestion,
    type ReadingSettings,
} from "./read-values.ts";
import { type KeyVerdict, verifyKeys } from "./verify-keys.ts";

export interface ColumnProposal {
    /** In the table. */
    name: string;
    /** In the file; empty for a column without a name. */
    fileName: string;
    /** As `create table` writes it. */
    type: string;
    /** Some record has no value in it. */
    isNullable: boolean;
    /** What the type rests on, in words. */
    note: string;
    /** Of dates that are not ISO: how they may be written. One: it is certain. */
    dateFormats: readonly string[];
}

export interface KeyProposal {
    columns: readonly string[];
    /** Whether no two records have the same, in the whole file, and every record has one. */
    isUnique: boolean;
    note: string;
}

export type Question = ReadingQuestion | { about: "key" | "date"; what: string; remedy: string };

export interface Proposal {
    records: number;
    brokenRecords: BrokenRecords;
    columns: readonly ColumnProposal[];
    key: KeyProposal | null;
    /** What has to be said before a stream can be made. */
    asks: readonly Question[];
    /** For the stream's file. */
    source: ReadingSettings;
}

export interface SniffOptions {
    config: ReadConfig;
    path: string;
    /** What the user says of the file: delimiter, encoding, header, nulls, numbers. */
    settings?: ReadingSettings;
    /** Names of columns, in the table or in the file; null: one is proposed; false: none is looked for. */
    key?: readonly string[] | null | false;
    /** By the column's name in the table: the type that the user wants. */
    types?: Readonly<Record<string, string>>;
}

/** @throws InputFault when the file cannot be read */
export async function sniffFile(options: SniffOptions): Promise<Proposal> {
    const { config, path, settings = {}, types = {} } = options;
    const csv = await openCsv(config, path, settings);
    if ("about" in csv) return nothingProposed(csv, settings);
    try {
        const seen = await seeColumns(csv, settings);
        if (seen.broken.first?.reason === notText) {
            return nothingProposed(await askForEncoding(csv, path, config), settings);
        }
        const style = numberStyleOf(
            seen.columns.map(({ evidence }) => evidence),
            settings.numbers ?? null,
        );
        const columns = seen.columns.map((column): KeyColumn & { note: string } => ({
            ...column,
            ...typeOf(column, settings, types[column.name], style),
        }));
        const doubt = settings.header === undefined ? doubtHeader(columns) : null;
        if (doubt !== null) return nothingProposed(doubt, settings);
        const dates = formatsOfDates(columns, options);
        if ("about" in dates) return nothingProposed(dates, settings);
        return await propose(csv, { ...options, settings: { ...settings, ...dates } }, { ...seen, columns, style });
    } finally {
        await csv.close();
    }
}

function typeOf(
    { fileName, name, evidence }: NamedColumn & { evidence: ColumnEvidence },
    { timestamps }: ReadingSettings,
    wanted: string | undefined,
    style: NumberStyle,
): { type: string; note: string } {
    const proposed = proposeType(fileName || name, evidence, style);
    const note = proposed.note.replaceAll("COLUMN=", `${name}=`);
    const formats = timestamps?.format === undefined ? dateFormatsOf(evidence) : [timestamps.format].flat();
    const isDates = timestamps?.format === undefined ? formats.length === 1 : isWrittenSo(evidence, formats);
    const asDates = `dates such as "${evidence.forms.get("day_month")?.first.value}", read by ${formats.join(" or ")}`;
    if (wanted === undefined) {
        if (timestamps?.format === undefined || !isDates) return { type: proposed.type, note };
        return { type: formats.some((format) => format.includes("mm")) ? "timestamp" : "date", note: asDates };
    }
    if (isDates && isTimeType(wanted)) return { type: wanted, note: `as you said; ${asDates}` };
    return {
        type: wanted,
        note: note.startsWith("text: ") ? `as you said; proposed was ${note}` : `as you said; ${note}`,
    };
}

/** For the stream's file: how the dates are written that get a type of time. Asked where that is not certain. */
function formatsOfDates(
    columns: readonly KeyColumn[],
    { settings = {}, types = {} }: SniffOptions,
): Pick<ReadingSettings, "timestamps"> | Question {
    if (settings.timestamps?.format !== undefined) return {};
    const dates = columns
        .filter(({ name }) => isTimeType(types[name] ?? ""))
        .map(({ name, evidence }) => ({ name, formats: dateFormatsOf(evidence), evidence }))
        .filter(({ formats }) => formats.length > 0);
    const either = dates.find(({ formats }) => formats.length > 1);
    if (either !== undefined) {
        const { value } = either.evidence.forms.get("day_month")!.first;
        return {
            about: "date",
            what: `${either.name}: "${value}" does not say whether the day or the month comes first, and no other value does.`,
            remedy: `Say which: ${either.formats.map((format) => `--date "${format}"`).join(" or ")}.`,
        };
    }
    const formats = [...new Set(dates.map(({ formats: [format] }) => format!))];
    if (isContradictory(formats)) {
        return {
            about: "date",
            what: `Some columns have the day first and others the month first: ${formats.join(", ")}.`,
            remedy: "Give --type for those of one order; the others stay text.",
        };
    }
    const [only] = formats;
    return only === undefined ? {} : { timestamps: { format: formats.length === 1 ? only : formats } };
}

interface Seen<Column> {
    columns: readonly Column[];
    broken: BrokenRecords;
    records: number;
}

/** A column without a name that holds nothing is none: many programs end each line with a delimiter. */
async function seeColumns(
    csv: OpenCsv,
    { nulls }: ReadingSettings,
): Promise<Seen<NamedColumn & { evidence: ColumnEvidence }>> {
    const evidence = csv.header.map((name) => new ColumnEvidence(name));
    const isNull = nullTest(nulls);
    let records = 0;
    const broken = await csv.readAll((values, recordNo) => {
        records += 1;
        for (let place = 0; place < evidence.length; place += 1) {
            const value = values[place]!;
            evidence[place]!.add(isNull(value) ? "" : value, recordNo);
        }
    });
    const columns = nameColumns(csv.header)
        .map((column) => ({ ...column, evidence: evidence[column.index]! }))
        .filter(({ fileName, evidence: seen }) => fileName !== "" || seen.countOf("empty") < seen.records);
    return { columns, broken, records };
}

function nullTest(nulls: readonly string[] | undefined): (value: string) => boolean {
    if (nulls === undefined) return () => false;
    const marks = new Set(nulls);
    return (value) => marks.has(value);
}

function nothingProposed(question: Question, source: ReadingSettings): Proposal {
    return {
        records: 0,
        brokenRecords: { count: 0, first: null },
        columns: [],
        key: null,
        asks: [question],
        source,
    };
}

async function propose(
    csv: OpenCsv,
    { settings = {}, key: wanted = null }: SniffOptions,
    { columns, broken, records, style }: Seen<KeyColumn & { note: string }> & { style: NumberStyle },
): Promise<Proposal> {
    const found = await findKey(csv, columns, style.format, records, wanted);
    return {
        records,
        brokenRecords: broken,
        columns: columns.map(({ name, fileName, type, note, evidence }) => ({
            name,
            fileName,
            type,
            isNullable: evidence.records === 0 || evidence.countOf("empty") > 0,
            note: [note, found.notes.get(name)].filter(Boolean).join("; "),
            dateFormats: dateFormatsOf(evidence),
        })),
        key: found.key,
        asks: found.key === null ? [found.question] : [],
        source: sourceOf(csv, columns, settings, style),
    };
}

function sourceOf(
    csv: OpenCsv,
    columns: readonly KeyColumn[],
    settings: ReadingSettings,
    style: NumberStyle,
): ReadingSettings {
    const { delimiter } = csv.shape.dialect;
    const isChosen = csv.shape.source?.delimiter !== undefined && settings.delimiter === undefined;
    const numbers = style.format === null ? {} : { numbers: style.format };
    const dialect = { ...settings, ...(isChosen && { delimiter }), ...numbers };
    if (Array.isArray(settings.header)) {
        return { ...dialect, header: nameColumns(csv.header).map(({ name }) => name) };
    }
    const aliases = namesOf(csv.header, columns);
    // Names cannot tell these columns apart: their places do.
    if (aliases === null) {
        const header = nameColumns(csv.header).map(({ name }) => name);
        const dropped = header.filter((name) => !columns.some((column) => column.name === name));
        const skipLines = (settings.skipLines ?? 0) + csv.shape.headerLines;
        return { ...dialect, header, skipLines, ...(dropped.length > 0 && { ignore: dropped }) };
    }
    return { ...dialect, ...(Object.keys(aliases).length > 0 && { aliases }) };
}

interface FoundKey {
    key: KeyProposal | null;
    question: Question;
    /** By column: that it is unique, or that it is not. */
    notes: Map<string, string>;
}

async function findKey(
    csv: OpenCsv,
    columns: readonly KeyColumn[],
    format: NumberFormat | null,
    records: number,
    wanted: readonly string[] | null | false,
): Promise<FoundKey> {
    const pass = csv.readAll;
    const notes = new Map<string, string>();
    const noted = (verdicts: readonly KeyVerdict<NamedCandidate>[]) => {
        for (const { candidate, isUnique, repeated } of verdicts) {
            if (candidate.columns.length > 1) continue;
            const note = isUnique
                ? "none twice"
                : `"${repeated!.text}" comes again in record ${formatNumber(repeated!.recordNo)}`;
            notes.set(candidate.columns[0]!.name, note);
        }
    };
    if (wanted === false) return { key: null, question: keyQuestion([]), notes };
    if (wanted !== null) {
        const found = wanted.map((name) => columns.find((column) => column.name === name || column.fileName === name));
        const unknown = wanted.filter((_, index) => found[index] === undefined);
        if (unknown.length > 0) return { key: null, question: unknownKey(unknown, columns), notes };
        const named = found.filter((column) => column !== undefined);
        const [verdict] = await verifyKeys(pass, [candidateOf(named, format)]);
        noted([verdict!]);
        return { key: keyOf(verdict!, records), question: keyQuestion([]), notes };
    }
    // A set is not looked at when fewer columns do: all sets that hold these are unique as well.
    for (const ofOneSize of records < 2 ? [] : likelyKeys(columns, format)) {
        const verdicts = await verifyKeys(pass, ofOneSize);
        noted(verdicts);
        const unique = verdicts.find(({ isUnique }) => isUnique);
        if (unique) return { key: keyOf(unique, records), question: keyQuestion([]), notes };
    }
    const others = records < 2 ? [] : await verifyKeys(pass, otherKeys(columns, format));
    const names = others.filter(({ isUnique }) => isUnique).map(({ candidate }) => candidate.columns[0]!.name);
    return { key: null, question: keyQuestion(names), notes };
}

function keyOf({ candidate, isUnique, repeated }: KeyVerdict<NamedCandidate>, records: number): KeyProposal {
    const { columns } = candidate;
    const missing = Math.max(...columns.map(({ evidence }) => evidence.countOf("empty")));
    const seen = `${formatNumber(records)} of ${formatNumber(records)} have one, none twice`;
    const faults = [
        ...(missing > 0 ? [`${formatNumber(missing)} of ${formatNumber(records)} have none, and are rejected`] : []),
        ...(isUnique ? [] : [`record ${formatNumber(repeated!.recordNo)} has one that came before`]),
    ];
    return {
        columns: columns.map(({ name }) => name),
        isUnique: isUnique && missing === 0,
        note: faults.length === 0 ? seen : faults.join("; "),
    };
}

function unknownKey(names: readonly string[], columns: readonly KeyColumn[]): Question {
    const known = columns.map(({ name }) => name);
    const near = suggestName(names[0]!, known);
    return {
        about: "key",
        what: `The file has no column ${names.join(", ")}.`,
        remedy: near ? `Did you mean --key ${near}?` : `There are ${known.slice(0, 20).join(", ")}.`,
    };
}

function keyQuestion(unique: readonly string[]): Question {
    const seen =
        unique.length === 0
            ? "No column or set of columns that looks like a key is filled and unique in the whole file."
            : `No column that looks like a key is filled and unique in the whole file; ${unique.join(", ")} happens to be unique.`;
    return {
        about: "key",
        what: seen,
        remedy: "Name the columns that identify a record: --key COLUMN or --key COLUMN,COLUMN. If each record is to become a row: --mode append.",
    };
}
