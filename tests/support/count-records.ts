/**
 * The oracle: the expected result of a folder of CSV files that Sluice merges in path order, undisturbed.
 *
 * Written from the rules of the data contract alone: no import from src/, no CSV library, no SQL. A disagreement with Sluice
 * is a fault in one of the two, or a rule that is not clear.
 */
import { isUtf8 } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { columnNames, createRules, readText, requiredColumns } from "./oracle/read-values.ts";
import { type SplitRecord, splitRecords } from "./oracle/split-records.ts";

export interface CountOptions {
    /** Longest record in bytes, without its line end. */
    maxRecordBytes?: number;
    delimiter?: string;
    /** Records with a later timestamp are rejected. */
    latestTimestamp?: Date;
}

export interface Counts {
    read: number;
    inserted: number;
    duplicate: number;
    conflict: number;
    rejected: number;
}

export interface FileCounts extends Counts {
    file: string;
    state: "merged" | "skipped" | "failed";
    /** The merged file that a skipped one repeats, or why a file failed. */
    problem: string | null;
}

/** Typed values as text: see oracle/read-values.ts. */
export interface ExpectedEvent {
    eventId: string;
    eventType: string;
    productId: string;
    userId: string;
    eventTimestamp: string;
    quantity: string | null;
    price: string | null;
    attributes: Record<string, string> | null;
    file: string;
    recordNo: number;
}

export interface RecordOutcome {
    file: string;
    /** From 1, without the header. */
    recordNo: number;
    kind: "duplicate" | "conflict" | "rejected";
    /** In words of the oracle's own; those of a duplicate or a conflict name the file and record that came first. */
    reasons: string[];
}

export interface FolderCounts {
    files: FileCounts[];
    total: Counts;
    /** By event_id, in the order of insertion. */
    events: Map<string, StoredEvent>;
    /** Every record that is not an event, in the order of reading. */
    outcomes: RecordOutcome[];
}

interface StoredEvent {
    file: string;
    recordNo: number;
    /** The seven typed values and the attributes as JSON, so that a million of them stay small. */
    content: string;
}

interface InputFile {
    name: string;
    bytes: Buffer;
}

/** Counts the files `*.csv` of a folder: regular files in byte order of their names, without those that are not ready. */
export function countFolder(dir: string, options: CountOptions = {}): FolderCounts {
    const isReady = (name: string) => /^[^._].*\.csv$/s.test(name);
    const names = readdirSync(dir, { withFileTypes: true })
        .filter((entry) => entry.isFile() && isReady(entry.name))
        .map((entry) => entry.name)
        .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return countFiles(readEach(dir, names), options);
}

function* readEach(dir: string, names: string[]): Generator<InputFile> {
    for (const name of names) yield { name, bytes: readFileSync(join(dir, name)) };
}

/** Counts files in the order in which they are given. */
export function countFiles(inputFiles: Iterable<InputFile>, options: CountOptions = {}): FolderCounts {
    const counts: FolderCounts = { files: [], total: noCounts(), events: new Map(), outcomes: [] };
    const mergedByContent = new Map<string, string>();

    for (const { name, bytes } of inputFiles) {
        const content = `${bytes.length} ${Bun.SHA256.hash(bytes, "hex")}`;
        const original = mergedByContent.get(content);
        const file =
            original === undefined
                ? countFile({ name, bytes }, options, counts)
                : { file: name, state: "skipped" as const, problem: `same content as ${original}`, ...noCounts() };
        if (file.state === "merged") mergedByContent.set(content, name);
        counts.files.push(file);
        for (const key of countKeys) counts.total[key] += file[key];
    }
    return counts;
}

/** The events with their values spelled out, by event_id. */
export function* listEvents(counts: FolderCounts): Generator<ExpectedEvent> {
    for (const [eventId, { file, recordNo, content }] of counts.events) {
        const [, eventType, productId, userId, eventTimestamp, quantity, price, attributes] = JSON.parse(content);
        const sorted = attributes as [string, string][] | null;
        yield {
            eventId,
            eventType,
            productId,
            userId,
            eventTimestamp,
            quantity,
            price,
            attributes: sorted === null ? null : Object.fromEntries(sorted),
            file,
            recordNo,
        };
    }
}

const countKeys = ["read", "inserted", "duplicate", "conflict", "rejected"] as const;

function noCounts(): Counts {
    return { read: 0, inserted: 0, duplicate: 0, conflict: 0, rejected: 0 };
}

const oneMiB = 1024 * 1024;
const oneDayMs = 86_400_000;

function countFile({ name, bytes }: InputFile, options: CountOptions, into: FolderCounts): FileCounts {
    const { maxRecordBytes = oneMiB, delimiter = ",", latestTimestamp } = options;
    const file: FileCounts = { file: name, state: "merged", problem: null, ...noCounts() };
    const text = bytes.toString("latin1");
    let layout: { width: number; keyPlace: number } | null = null;
    const records = splitRecords(text, { delimiter, maxRecordBytes, layout: () => layout });
    const header = readHeader(records.next().value ?? null);
    if ("problem" in header) return { ...file, state: "failed", problem: header.problem };
    const firstRecords = splitRecords(text, { delimiter, maxRecordBytes }).drop(1).take(20);
    if (holdsMostlyUnnamed(header, [...firstRecords])) {
        return { ...file, state: "failed", problem: "header: values without a column name" };
    }
    layout = { width: header.width, keyPlace: header.places[0]! };

    const isClean = isUtf8(bytes) && !bytes.includes(0);
    const readRecord = createReader(header, createRules(latestTimestamp?.getTime() ?? Date.now() + oneDayMs));
    for (const record of records) {
        const again = compareWithHeader(header, record);
        if (again === "other" || endsWithOtherHeader(header, record, text.slice(record.start, record.end), delimiter)) {
            return { ...file, state: "failed", problem: "a header of other columns" };
        }
        file.read += 1;
        const reasons = isClean ? [] : findBadBytes(text.slice(record.start, record.end));
        if (again === "same") reasons.push("header repeated");
        const content = again === "same" ? null : readRecord(record, reasons);
        const kind = settle(content, { file: name, recordNo: file.read, reasons }, into);
        file[kind] += 1;
    }
    return file;
}

interface Place {
    file: string;
    recordNo: number;
    reasons: string[];
}

/** The first record of an id wins; an identical later one is a duplicate, a differing one a conflict. */
function settle(content: Content | null, { file, recordNo, reasons }: Place, into: FolderCounts) {
    if (content === null) {
        into.outcomes.push({ file, recordNo, kind: "rejected", reasons });
        return "rejected";
    }
    const first = into.events.get(content.eventId);
    if (first === undefined) {
        into.events.set(content.eventId, { file, recordNo, content: content.json });
        return "inserted";
    }
    const kind = first.content === content.json ? "duplicate" : "conflict";
    into.outcomes.push({ file, recordNo, kind, reasons: [`first seen in ${first.file}, record ${first.recordNo}`] });
    return kind;
}

interface Header {
    /** The place of each known column in the file's records; -1 where the file lacks it. */
    places: number[];
    /** Unknown columns, by name. */
    unknown: { name: string; place: number }[];
    /** Columns without a name: their values must be empty. */
    unnamed: number[];
    width: number;
    /** In lower case. */
    names: string[];
}

function holdsMostlyUnnamed({ unnamed, width }: Header, records: SplitRecord[]): boolean {
    const filled = records.filter(({ values }) => {
        return values?.length === width && unnamed.some((place) => values[place]!.trim() !== "");
    });
    return filled.length > records.length / 2;
}

function readHeader(record: SplitRecord | null): Header | { problem: string } {
    if (record === null) return { problem: "no header" };
    if (record.values === null) return { problem: `header: ${record.problem}` };
    if (findBadBytes(record.values.join("")).length > 0) return { problem: "header: NUL or invalid UTF-8" };
    const names = record.values.map((value) => readText(decode(value)) ?? "");
    // The lines end with something else: what stands in the names are values.
    if (names.some((name) => /[\v\f\x1c-\x1e\x85\u2028\u2029]/.test(name.trim())))
        return { problem: "header: line ends" };
    const matched = names.map((name) => name.toLowerCase());
    const isKnown = (name: string) => (columnNames as readonly string[]).includes(name);
    // Known columns match in any case; unknown ones are attributes under their own spelling.
    const given = names.map((name, place) => (isKnown(matched[place]!) ? matched[place]! : name)).filter(Boolean);
    if (new Set(given).size < given.length) return { problem: "header: a column twice" };

    const missing = requiredColumns.filter((column) => !matched.includes(column));
    if (missing.length > 0) return { problem: `header: no ${missing.join(", ")}` };
    return {
        places: columnNames.map((column) => matched.indexOf(column)),
        unknown: names
            .map((name, place) => ({ name, place }))
            .filter(({ name, place }) => name !== "" && !isKnown(matched[place]!))
            .sort((a, b) => (a.name < b.name ? -1 : 1)),
        unnamed: names.flatMap((name, place) => (name === "" ? [place] : [])),
        width: names.length,
        names: matched,
    };
}

/**
 * Whether a record is a header: two of its values, and half of them, are names of columns of this file or of the table, in
 * any case; what stands in the key's place has no digit in it, or is such a name.
 */
function compareWithHeader({ names, places }: Header, { values }: SplitRecord): "same" | "other" | null {
    if (values === null) return null;
    const read = values.map((value) => (readText(decode(value)) ?? "").toLowerCase());
    const isName = (value: string) =>
        value !== "" && (names.includes(value) || columnNames.some((name) => name === value));
    const key = read[places[0]!] ?? "";
    if (/\d/.test(key) && !names.some((name) => /\d/.test(name))) return null;
    const found = new Set(read.filter(isName)).size;
    if (found < 2 || found < read.length / 2) return null;
    const spelled = (list: string[]) => list.join("\0").replace(/\0$/, "");
    return spelled(read) === spelled(names) ? "same" : "other";
}

/**
 * Whether a line that is no good record (it does not split, has too many values, or its id was cut off) ends with a header of
 * as many columns as this file has, and not the same ones: the first name stands right behind what is left of the record.
 */
function endsWithOtherHeader(header: Header, { values }: SplitRecord, line: string, delimiter: string): boolean {
    const { names, width, places } = header;
    const columns = names.at(-1) === "" ? names.slice(0, -1) : names;
    const known = [...new Set([...columnNames, ...names])].filter((name) => name !== "");
    const key = readText(decode(values?.[places[0]!] ?? ""))?.toLowerCase() ?? "";
    const isCutId =
        /\d/.test(key) && !names.some((name) => /\d/.test(name)) && known.some((name) => key.endsWith(name));
    if (values !== null && values.length <= width && !isCutId) return false;
    const texts = line.split(delimiter).map((text) => readText(decode(text.replaceAll('"', "")))?.toLowerCase() ?? "");
    if (texts.at(-1) === "") texts.pop();
    if (columns.length < 2 || texts.length < columns.length) return false;
    const last = texts.slice(-columns.length);
    const [first] = known.filter((name) => last[0]!.endsWith(name)).sort((a, b) => b.length - a.length);
    if (first === undefined) return false;
    const found = [first, ...last.slice(1)];
    const named = new Set(found.filter((name) => known.includes(name))).size;
    return named >= 2 && named >= found.length / 2 && found.join("\0") !== columns.join("\0");
}

interface Content {
    eventId: string;
    json: string;
}

/** Gives a function that turns a record into its typed content, or into null after adding its reasons. */
function createReader({ places, unknown, unnamed, width }: Header, rules: ReturnType<typeof createRules>) {
    const columns = columnNames.map((name, index) => ({ name, place: places[index]!, rule: rules[name] }));

    return ({ values, problem }: SplitRecord, reasons: string[]): Content | null => {
        if (values === null) reasons.push(problem!);
        else if (values.length !== width) reasons.push(`${values.length} values, ${width} columns`);
        else if (unnamed.some((place) => values[place]!.trim() !== "")) reasons.push("a value without a column name");
        if (values === null || reasons.length > 0) return null;

        const textAt = (place: number) => (place === -1 ? null : readText(decode(values[place]!)));
        const typed: unknown[] = [];
        for (const { name, place, rule } of columns) {
            const result = rule(textAt(place));
            if ("problem" in result) reasons.push(`${name}: ${result.problem}`);
            else typed.push(result.value);
        }
        if (reasons.length > 0) return null;
        // An unknown column is kept to the character; only what is empty is no attribute.
        const attributes = unknown
            .map(({ name, place }) => [name, decode(values[place]!)])
            .filter(([, text]) => text !== "");
        typed.push(attributes.length === 0 ? null : attributes);
        return { eventId: typed[0] as string, json: JSON.stringify(typed) };
    };
}

function findBadBytes(byteString: string): string[] {
    const reasons: string[] = [];
    if (byteString.includes("\0")) reasons.push("NUL byte");
    if (!isUtf8(Buffer.from(byteString, "latin1"))) reasons.push("invalid UTF-8");
    return reasons;
}

const beyondAscii = /[\x80-\xff]/;

function decode(byteString: string): string {
    return beyondAscii.test(byteString) ? Buffer.from(byteString, "latin1").toString("utf8") : byteString;
}
