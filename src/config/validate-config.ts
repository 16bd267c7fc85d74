/** The value that sluice.config.ts exports → its settings and sources, or every fault in it at once. Pure. */

import { parseDatabaseUrl } from "../database/database-target.ts";
import { encodings, trailingDelimiters } from "../streams/dialect.ts";
import { idSources, newColumnPolicies, type SourceConfig } from "../streams/source-config.ts";
import { columnNames, type Stream } from "../streams/stream.ts";
import { formatFault } from "../streams/values/timestamp-form.ts";
import { isZone } from "../streams/values/zone.ts";
import { suggestName } from "../terminal/suggest-name.ts";
import { type FileSettingName, fileSettingNames, settings } from "./settings.ts";

/** `at` is a path such as `sources[0].aliases.event_time`. */
export interface ConfigFault {
    at: string;
    problem: string;
}

/** By name, as text: read like the text of a flag. */
export type FileSettings = Partial<Record<FileSettingName, string>>;

export type Validated = { sources: SourceConfig[]; settings: FileSettings } | { faults: ConfigFault[] };

/** `stream`: the one that the sources are of; without it the names of columns are not looked at. */
export function validateConfig(value: unknown, stream: Stream | null): Validated {
    const faults: ConfigFault[] = [];
    const fault = (at: string, problem: string) => void faults.push({ at, problem });
    if (!isObject(value))
        return { faults: [{ at: "export default", problem: "is no object: write { sources: [ … ] }" }] };
    checkKeys(value, ["settings", "sources"], "", fault);
    const { sources = [], settings: given = {} } = value;
    if (!Array.isArray(sources)) {
        fault("sources", "must be a list");
    } else {
        const check = sourceCheck(stream);
        for (const [index, source] of sources.entries()) check(source, `sources[${index}]`, fault);
    }
    const texts = readSettings(given, fault);
    return faults.length > 0 ? { faults } : { sources: sources as SourceConfig[], settings: texts };
}

/** The texts of the settings, each seen to be one that its flag would take. */
function readSettings(given: unknown, fault: Fault): FileSettings {
    const texts: FileSettings = {};
    if (!isObject(given)) {
        fault("settings", "must be an object");
        return texts;
    }
    checkKeys(given, fileSettingNames, "settings", fault);
    for (const name of fileSettingNames) {
        const value = given[name];
        if (value === undefined) continue;
        const at = `settings.${name}`;
        if (typeof value !== "string" && typeof value !== "number") {
            fault(at, "must be a text or a number");
            continue;
        }
        const parsed = settings[name].parse(String(value));
        if ("problem" in parsed) fault(at, `${parsed.problem} ${parsed.remedy}`);
        else if (name === "databaseUrl" && parseDatabaseUrl(String(value)).password !== "") {
            fault(at, "holds a password, and this file is shared: put DATABASE_URL into .env");
        }
        texts[name] = String(value);
    }
    return texts;
}

type Fault = (at: string, problem: string) => void;
type Check = (value: unknown, at: string, fault: Fault) => void;

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const offsetForm = /^(Z|[+-](0\d|1[0-5]):[0-5]\d)$/;

const isText: Check = (value, at, fault) => {
    if (typeof value !== "string") fault(at, "must be a text");
};

const isName: Check = (value, at, fault) => {
    if (typeof value !== "string" || value.trim() === "") fault(at, "must be a text that is not empty");
};

/** File names hold no slash: a glob with one would never fit. */
const isFileGlob: Check = (value, at, fault) => {
    isName(value, at, fault);
    if (typeof value === "string" && value.replace(/^\*\*\//, "").includes("/"))
        fault(at, "must fit names of files in the input folder: leave out what is before the last slash");
};

/** One ASCII character that can quote or begin a comment. */
const isMark: Check = (value, at, fault) => {
    if (typeof value !== "string" || !/^[\t -~]$/.test(value))
        fault(at, "must be one character, tab or printable ASCII");
    else if (/[A-Za-z0-9.\\-]/.test(value) && value !== "\\")
        fault(at, `must not be "${value}", which values are made of`);
};

const controlForm = /^[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]$/;

const isDelimiter: Check = (value, at, fault) => {
    if (typeof value === "string" && value.length > 1) {
        const remedy = "Replace it in the files, by a character that no value holds.";
        return fault(at, `is "${value}", and delimiters of several characters cannot be read. ${remedy}`);
    }
    if (typeof value !== "string" || !controlForm.test(value)) isMark(value, at, fault);
};

const isCount: Check = (value, at, fault) => {
    if (!Number.isSafeInteger(value) || (value as number) < 0) fault(at, "must be a whole number, 0 or more");
};

/** Null: any name is a column's. */
function columnCheck(stream: Stream | null): Check {
    return stream === null ? isName : oneOf(columnNames(stream), "column");
}

function aliasCheck(stream: Stream | null): Check {
    const isColumn = columnCheck(stream);
    if (stream === null) return isColumn;
    const { extras } = stream;
    return (value, at, fault) => {
        if (value === extras) return;
        if (typeof value !== "string" || !value.startsWith(`${extras}.`)) isColumn(value, at, fault);
        else if (value.slice(`${extras}.`.length).trim() === "") fault(at, `names no attribute: write ${extras}.name`);
    };
}

function unknownName(value: unknown, names: readonly string[], what: string): string {
    if (typeof value !== "string") return `must be one of ${names.join(", ")}`;
    const near = suggestName(value, names);
    return `"${value}" is no ${what}${near ? `; did you mean "${near}"?` : `: there are ${names.join(", ")}`}`;
}

function oneOf(names: readonly string[], what: string): Check {
    return (value, at, fault) => {
        if (typeof value !== "string" || !names.includes(value)) fault(at, unknownName(value, names, what));
    };
}

function listOf(check: Check): Check {
    return (value, at, fault) => {
        if (!Array.isArray(value) || value.length === 0) fault(at, "must be a list that is not empty");
        else for (const [index, item] of value.entries()) check(item, `${at}[${index}]`, fault);
    };
}

/** An object whose keys and values pass. */
function mapOf(checkKey: Check, checkValue: Check): Check {
    return (value, at, fault) => {
        if (!isObject(value)) return fault(at, "must be an object");
        for (const [key, item] of Object.entries(value)) {
            checkKey(key, `${at}.${key}`, fault);
            checkValue(item, `${at}.${key}`, fault);
        }
    };
}

function objectOf(checks: Record<string, Check>, required: string[] = []): Check {
    return (value, at, fault) => {
        if (!isObject(value)) return fault(at, "must be an object");
        checkKeys(value, Object.keys(checks), at, fault);
        for (const key of required) if (value[key] === undefined) fault(`${at}.${key}`, "is missing");
        for (const [key, check] of Object.entries(checks)) {
            if (value[key] !== undefined) check(value[key], `${at}.${key}`, fault);
        }
    };
}

const isBoolean: Check = (value, at, fault) => {
    if (typeof value !== "boolean") fault(at, "must be true or false");
};

const isFormat: Check = (value, at, fault) => {
    if (typeof value !== "string") return fault(at, "must be a text");
    const problem = formatFault(value);
    if (problem) fault(at, problem);
};

const isOffset: Check = (value, at, fault) => {
    if (typeof value !== "string" || !offsetForm.test(value)) fault(at, 'must be an offset such as "+02:00"');
};

const isZoneName: Check = (value, at, fault) => {
    if (typeof value === "string" && isZone(value)) return;
    const near = typeof value === "string" ? suggestName(value, Intl.supportedValuesOf("timeZone")) : null;
    fault(at, `must be a time zone such as "Europe/Berlin"${near ? `; did you mean "${near}"?` : ""}`);
};

const isLocale: Check = (value, at, fault) => {
    if (typeof value !== "string" || !isKnownLocale(value)) fault(at, 'must be a language such as "de" or "pt-BR"');
};

function isKnownLocale(name: string): boolean {
    try {
        return Intl.DateTimeFormat.supportedLocalesOf(name).length > 0;
    } catch {
        return false;
    }
}

const isCentury: Check = (value, at, fault) => {
    const isYear = typeof value === "number" && Number.isInteger(value) && value >= 1900 && value <= 2100;
    if (!isYear) fault(at, "must be a year from 1900 to 2100");
};

const isTimestampFormat: Check = (value, at, fault) => {
    objectOf({
        format: (format, place, fault) => (Array.isArray(format) ? listOf(isFormat) : isFormat)(format, place, fault),
        offset: isOffset,
        zone: isZoneName,
        fold: oneOf(["earlier", "later"], "choice"),
        decimals: oneOf(["truncate"], "choice"),
        yearsFrom: isCentury,
        locale: isLocale,
    })(value, at, fault);
    if (!isObject(value)) return;
    if (value.offset !== undefined && value.zone !== undefined) fault(`${at}.offset`, "contradicts the zone: keep one");
    if (value.fold !== undefined && value.zone === undefined && !/z/.test(String(value.format)))
        fault(`${at}.fold`, "has no meaning without a zone");
};

const isNumberFormat: Check = (value, at, fault) => {
    const marks = { decimal: oneOf([".", ","], "decimal mark"), thousands: oneOf([".", ",", " ", "'", "_"], "mark") };
    objectOf(marks)(value, at, fault);
    if (!isObject(value)) return;
    if (value.thousands !== undefined && value.thousands === (value.decimal ?? "."))
        fault(`${at}.thousands`, `is the decimal mark too: say which decimal mark the numbers have`);
};

const isCondition: Check = (value, at, fault) => {
    objectOf({ column: isName, equals: isText, startsWith: isText, isEmpty: isBoolean }, ["column"])(value, at, fault);
    if (!isObject(value)) return;
    const tests = ["equals", "startsWith", "isEmpty"].filter((test) => value[test] !== undefined);
    if (tests.length !== 1) fault(at, "needs exactly one of equals, startsWith, isEmpty");
};

const ruleCheck =
    (isColumn: Check): Check =>
    (value, at, fault) => {
        objectOf({ when: isCondition, absolute: isColumn, set: mapOf(isColumn, isText) })(value, at, fault);
        if (isObject(value) && value.absolute === undefined && value.set === undefined)
            fault(at, "needs absolute or set");
    };

const checksOfAnyStream: Record<Exclude<keyof SourceConfig, ColumnSetting>, Check> = {
    match: isFileGlob,
    delimiter: isDelimiter,
    quote: (value, at, fault) => (value === false ? undefined : isMark(value, at, fault)),
    escape: isMark,
    quotes: oneOf(["strict", "lenient"], "way to read quotes"),
    trimQuoted: isBoolean,
    comment: (value, at, fault) =>
        typeof value === "string" && /^[^\p{Cc}]{2,}$/u.test(value) ? undefined : isMark(value, at, fault),
    lineEnd: oneOf(["lf", "any"], "line end"),
    trailingDelimiter: oneOf(trailingDelimiters, "kind of line"),
    encoding: oneOf(encodings, "encoding"),
    header: (value, at, fault) => (value === "first-line" ? undefined : listOf(isName)(value, at, fault)),
    skipLines: isCount,
    skipAfterHeader: isCount,
    ignore: listOf(isText),
    newColumns: oneOf(newColumnPolicies, "policy for new columns"),
    timestamps: isTimestampFormat,
    numbers: isNumberFormat,
    nulls: listOf(isText),
    deriveEventId: objectOf(
        {
            from: (value, at, fault) => {
                if (Array.isArray(value)) return listOf(isName)(value, at, fault);
                const near = typeof value === "string" ? suggestName(value, idSources) : null;
                if (typeof value === "string" && (idSources as readonly string[]).includes(value)) return;
                const question = near ? `; did you mean "${near}"?` : "";
                fault(at, `must be a list of columns, "record" or "position"${question}`);
            },
            namespace: (value, at, fault) => {
                if (typeof value !== "string" || !uuidForm.test(value)) fault(at, "must be a uuid");
            },
        },
        ["from"],
    ),
};

type ColumnSetting = "aliases" | "constants" | "defaults" | "values" | "rules";

function sourceCheck(stream: Stream | null): Check {
    const isColumn = columnCheck(stream);
    const ofColumns: Record<ColumnSetting, Check> = {
        aliases: mapOf(isText, aliasCheck(stream)),
        constants: mapOf(isColumn, isText),
        defaults: mapOf(isColumn, isText),
        values: mapOf(isColumn, mapOf(isText, isText)),
        rules: listOf(ruleCheck(isColumn)),
    };
    const check = objectOf({ ...checksOfAnyStream, ...ofColumns }, ["match"]);
    return (value, at, fault) => {
        check(value, at, fault);
        if (isObject(value)) checkTogether(value, at, fault);
    };
}

/** What each may be, and not beside another. */
function checkTogether(value: Record<string, unknown>, at: string, fault: Fault): void {
    const { delimiter, quote = '"', escape: escapeMark, comment, aliases, constants, defaults, header } = value;
    const marks = { delimiter, quote: quote || undefined, comment };
    for (const [left, right] of [
        ["delimiter", "quote"],
        ["delimiter", "comment"],
        ["quote", "comment"],
    ] as const) {
        if (marks[left] !== undefined && marks[left] === marks[right]) fault(`${at}.${right}`, `is the ${left} too`);
    }
    if (escapeMark !== undefined && escapeMark === delimiter) fault(`${at}.escape`, "is the delimiter too");
    for (const key of ["quotes", "trimQuoted"]) {
        if (value[key] !== undefined && quote === false)
            fault(`${at}.${key}`, "has no meaning when no value is quoted");
    }
    if (escapeMark !== undefined && quote === false) fault(`${at}.escape`, "has no meaning when no value is quoted");
    for (const column of isObject(constants) && isObject(defaults) ? Object.keys(defaults) : []) {
        if (column in (constants as object)) fault(`${at}.defaults.${column}`, "is a constant too");
    }
    if (Array.isArray(header) && value.skipAfterHeader !== undefined) {
        fault(`${at}.skipAfterHeader`, "has no meaning in a file without a header line: use skipLines");
    }
    checkNames(aliases, header, at, fault);
}

/** Names that only differ in case would be one. */
function checkNames(aliases: unknown, header: unknown, at: string, fault: Fault): void {
    const lists = {
        aliases: isObject(aliases) ? Object.keys(aliases) : [],
        header: Array.isArray(header) ? header : [],
    };
    for (const [key, names] of Object.entries(lists)) {
        const lower = names.map((name) => String(name).toLowerCase());
        const repeated = lower.find((name, index) => lower.indexOf(name) !== index);
        if (repeated !== undefined) fault(`${at}.${key}`, `names ${repeated} twice`);
    }
}

function checkKeys(value: Record<string, unknown>, known: string[], at: string, fault: Fault): void {
    for (const key of Object.keys(value)) {
        if (known.includes(key)) continue;
        const near = suggestName(key, known);
        fault(at === "" ? key : `${at}.${key}`, `is not known${near ? `; did you mean ${near}?` : ""}`);
    }
}

function isObject(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
