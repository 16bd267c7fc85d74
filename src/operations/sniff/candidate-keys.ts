/** Which sets of columns may be a key, the likeliest first, by their names, types and places. Pure. */

import type { NumberFormat } from "../../streams/source-config.ts";
import { createNumberReader } from "../../streams/values/read-number.ts";
import type { ColumnEvidence } from "./column-evidence.ts";
import { idRank, isEntityName, isSeriesName } from "./name-words.ts";
import type { KeyCandidate } from "./verify-keys.ts";

export interface KeyColumn {
    fileName: string;
    name: string;
    index: number;
    type: string;
    evidence: ColumnEvidence;
}

export interface NamedCandidate extends KeyCandidate {
    columns: readonly KeyColumn[];
}

const noKeyTypes = /^(?:numeric|double precision|boolean|jsonb)/;
const timeTypes = /^(?:date|timestamp|timestamptz)$/;
const longestFirstText = 40;
const mostTogether = 8;

/** Those of which a person would say that they are a key, if they are unique: of one column, of two, and of three. */
export function likelyKeys(columns: readonly KeyColumn[], format: NumberFormat | null): NamedCandidate[][] {
    const filled = columns.filter(({ type, evidence }) => !noKeyTypes.test(type) && evidence.countOf("empty") === 0);
    const singles = [
        ...filled.filter(({ fileName }) => idRank(fileName) === 2),
        ...filled.filter(({ fileName }) => idRank(fileName) === 1),
        ...filled.filter((column) => column.index === 0 && isKeyByPlace(column)),
    ];
    const sets = [...new Set(singles)].map((column) => [column]);
    const bySize = [sets, likelyPairs(filled), likelyTriples(filled)];
    return bySize.map((ofOneSize) => ofOneSize.map((set) => candidateOf(set, format)));
}

/** Those that may be unique by chance. */
export function otherKeys(columns: readonly KeyColumn[], format: NumberFormat | null): NamedCandidate[] {
    return columns
        .filter(({ type, evidence }) => !noKeyTypes.test(type) && evidence.countOf("empty") === 0)
        .map((column) => candidateOf([column], format));
}

/** In the first column, a short text without blanks, a number, a day, or the beginning of a minute. */
function isKeyByPlace({ type, evidence }: KeyColumn): boolean {
    if (type === "timestamp" || type === "timestamptz") return evidence.isWholeMinutes;
    if (type !== "text") return true;
    return !evidence.hasSpaces && evidence.longest <= longestFirstText && evidence.countOf("day_month", "clock") === 0;
}

const isTime = ({ type }: KeyColumn) => timeTypes.test(type);
const isThing = ({ fileName, type }: KeyColumn) => idRank(fileName) > 0 || isEntityName(fileName) || type === "uuid";
const isSeries = (column: KeyColumn) => isTime(column) || isSeriesName(column.fileName);

function strongOf(filled: readonly KeyColumn[]): KeyColumn[] {
    return filled.filter((column) => isThing(column) || isSeries(column)).slice(0, mostTogether);
}

/** A thing and what counts within it, before two things. */
function likelyPairs(filled: readonly KeyColumn[]): KeyColumn[][] {
    const strong = strongOf(filled);
    const pairs = strong.flatMap((left, at) => strong.slice(at + 1).map((right) => [left, right]));
    const named = pairs.filter((pair) => pair.some(isThing));
    const isInSeries = (pair: KeyColumn[]) => pair.filter(isSeries).length === 1;
    return [...named.filter(isInSeries), ...named.filter((pair) => !isInSeries(pair))];
}

function likelyTriples(filled: readonly KeyColumn[]): KeyColumn[][] {
    const strong = strongOf(filled);
    return likelyPairs(filled)
        .flatMap((pair) => strong.filter(({ index }) => index > pair[1]!.index).map((third) => [...pair, third]))
        .sort((a, b) => a[0]!.index - b[0]!.index);
}

export function candidateOf(columns: readonly KeyColumn[], format: NumberFormat | null): NamedCandidate {
    const places = columns.map(({ index }) => index);
    const canonical = columns.map(({ type }) => canonicalText(type, format));
    return {
        columns,
        places,
        // No value holds a NUL.
        textOf: (values) => places.map((place, at) => canonical[at]!(values[place]!)).join("\u0000"),
    };
}

/** Values that are equal in the type have the same text. */
function canonicalText(type: string, format: NumberFormat | null): (value: string) => string {
    if (type === "uuid") return (value) => value.toLowerCase();
    if (/^(?:integer|bigint|numeric|double precision)/.test(type)) {
        const read = createNumberReader(format ?? {});
        return (value) => (plainInteger.test(value) ? value : read(value));
    }
    if (type === "timestamp" || type === "timestamptz") return canonicalMoment;
    return (value) => value;
}

const plainInteger = /^[1-9]\d{0,17}$/;

function canonicalMoment(value: string): string {
    const [, day, clock, seconds = ":00", decimals = "", written = ""] = momentForm.exec(value) ?? [];
    const offset = written.replace("UTC", "Z").replace(/^([+-]\d\d):?(\d\d)?$/, (_, hours, minutes = "00") => {
        return `${hours}:${minutes}`;
    });
    return `${Date.parse(`${day}T${clock}${seconds}${offset || "Z"}`)}.${decimals.replace(/0+$/, "")}`;
}

const momentForm = /^([\d-]+)[T ](\d\d:\d\d)(:\d\d)?(?:\.(\d+))? ?(.*)$/;
