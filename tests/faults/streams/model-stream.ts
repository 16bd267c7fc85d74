/** A stream of the mixed model: its table as the model knows it, and what its rules say of a record. Shares nothing with src/. */
import type { Random } from "../../../src/shop/generator/random.ts";
import { type Rule, readText } from "../../support/oracle/read-values.ts";
import type { ContentOptions } from "../../support/random-files.ts";
import type { Fate, RawRecord } from "../../support/random-records.ts";
import { applyRules } from "./rules.ts";

/** What the streams of a schedule have in common: an order may be named before it is made, or never made. */
export interface StreamPool {
    orders: number;
    readings: number;
}

/** A record's typed values, by column. */
export type TypedRecord = Record<string, string | null>;

/** How its records meet the rows of its table. */
export type ModelMode =
    | { name: "insert" }
    /** `version`: a column that holds a number. `deletes`: whether a record takes its row away. */
    | { name: "upsert"; version: string | null; deletes: (typed: TypedRecord) => boolean; keepsHistory: boolean }
    /** `by`: none, and a file is the whole table. */
    | { name: "snapshot"; by: string[]; mayReject: Limit; mayRemove: Limit }
    /** No key. `once`: a column whose values a unique index, of this name, takes once. */
    | {
          name: "append";
          rewritten: "refuse" | "again";
          copies: "skip" | "again";
          once: { column: string; index: string } | null;
      };

/** Whether that many of that many are within it. */
export type Limit = (count: number, of: number) => boolean;

export interface ModelStream {
    name: string;
    mode: ModelMode;
    /** What its file says beside the files and the table. */
    settings: Record<string, unknown>;
    /** What the names of its files begin with. */
    prefix: string;
    table: string;
    /** In the order of the table, those of the key first. */
    rules: Record<string, Rule>;
    keys: string[];
    /** The key is made of these columns: no file has it. */
    derived: { key: string; from: string[]; namespace: string } | null;
    /** What the table checks beside the types: by the constraint's name. */
    checks: Record<string, (typed: TypedRecord) => boolean>;
    /** The foreign key, and the reason when the row is not there. */
    parent: { column: string; reason: string } | null;
    /** Only these columns stand last in a file: half a number with decimals is not clear. */
    last: string[];
    /** A new record that its rules accept. */
    fill(random: Random, pool: StreamPool): Record<string, string>;
    /**
     * All records of a file that is more than the sum of them, in place of `fill`. `source`: the records as whoever writes the
     * files has them, to be changed by and by.
     */
    fillFile?(random: Random, source: Record<string, string>[], options: ContentOptions): Record<string, string>[];
    /** Values that its rules refuse. */
    spoils: [column: string, value: string][];
    /** The same values in other words. */
    respell: Record<string, (value: string) => string>;
    /** How the model writes a column of the table, where it is not its text. */
    written: Record<string, string>;
}

export const notes = ["", "", "n-1", "n-1", "n-7", "Grüße", "two words", 'say "it"', "a, b"];
export const withZeros = (value: string) => value.replace(/^([+-]?)(?=\d)/, "$100");
export const withDecimals = (value: string) => (value === "" ? "" : value.includes(".") ? `${value}0` : `${value}.0`);
export const cents = (random: Random) => (random.below(1_000_000) / 100).toFixed(2);

/** The columns that its files have. */
export function fileColumns({ rules, derived }: ModelStream): string[] {
    return Object.keys(rules).filter((column) => column !== derived?.key);
}

/** By docs/column_mapping.md: from the file's values without white space around them; none when all are empty. */
export function withDerivedKey({ derived }: ModelStream, record: Record<string, string>): Record<string, string> {
    if (derived === null) return record;
    const parts = derived.from.map((column) => readText(record[column]!) ?? "");
    const isNone = parts.every((part) => part === "");
    const key = isNone ? "" : Bun.randomUUIDv5(JSON.stringify(parts), derived.namespace);
    return { ...record, [derived.key]: key };
}

/** What becomes of a record; `parent` where the table asks for a row of another one, whatever else is wrong with it. */
export function judge(stream: ModelStream, record: Record<string, string>): Fate {
    const { rules, checks, keys, parent } = stream;
    const raw: RawRecord = record;
    const verdict = applyRules(rules, withDerivedKey(stream, record));
    if ("reasons" in verdict) return { kind: "rejected", reasons: verdict.reasons, record: raw, rawText: null };
    const { typed } = verdict;
    const needs = parent === null ? null : typed[parent.column]!;
    const broken = Object.keys(checks).filter((name) => !checks[name]!(typed));
    if (broken.length > 0) return { kind: "rejected", reasons: broken, record: raw, rawText: null, parent: needs };
    const content = contentOf(stream, typed);
    return {
        kind: "valid",
        eventId: JSON.stringify(keys.map((column) => typed[column])),
        content,
        record: raw,
        parent: needs,
    };
}

/** Equal exactly when the typed values are. */
export const contentOf = ({ rules }: ModelStream, typed: TypedRecord): string =>
    JSON.stringify(Object.keys(rules).map((column) => typed[column]));

export function typedOf({ rules }: ModelStream, content: string): TypedRecord {
    const values = JSON.parse(content) as (string | null)[];
    return Object.fromEntries(Object.keys(rules).map((column, index) => [column, values[index]!]));
}

/** Of a table without a key: how many rows there are of each content. */
export function countRow(rows: Map<string, string>, content: string): void {
    rows.set(content, `${Number.parseInt(rows.get(content) ?? "0", 10) + 1} times`);
}

/**
 * The slice of a valid record, as docs/system_architecture.md has it. Of a stream that appends it goes by the record's number; where
 * one record may refuse another, all are in one slice.
 */
export function sliceOf(
    stream: ModelStream,
    { eventId, recordNo }: { eventId: string | null; recordNo: number },
): number {
    if (stream.mode.name !== "append") return sliceOfKey(stream, eventId!);
    return stream.mode.once === null ? recordNo % 16 : 0;
}

/**
 * The slice of a key, by the rule that docs/system_architecture.md gives: of its first column, the last digit of a uuid,
 * FNV-1a over the digits but zeros of a number, over the letters, digits and bytes beyond ASCII of a text.
 */
function sliceOfKey({ rules, keys, derived }: ModelStream, key: string): number {
    const [first] = JSON.parse(key) as [string];
    if (derived !== null) return Number.parseInt(first.at(-1)!, 16);
    const isNumber = Object.hasOwn(rules[keys[0]!]!("x"), "problem");
    let hash = 0x811c9dc5;
    for (const byte of Buffer.from(first)) {
        const character = String.fromCharCode(byte);
        const counts = isNumber ? /[1-9]/.test(character) : byte >= 0x80 || /[a-z0-9]/i.test(character);
        if (counts) hash = Math.imul(hash ^ byte, 0x01000193);
    }
    return (hash ^ (hash >>> 16)) & 15;
}
