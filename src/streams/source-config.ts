/**
 * How the files of a source are read, as sluice.config.ts declares it: data throughout, so the ledger keeps it with each file.
 * The schema is the type, the check and what an editor shows. Only src/config loads it; the engine imports the types.
 */
import { z } from "zod";
import { suggestName } from "../terminal/suggest-name.ts";
import { deriveKey } from "./derive-key.ts";
import { encodings, trailingDelimiters } from "./dialect.ts";
import type { PathValues } from "./path-values.ts";
import { columnNames, type Stream } from "./stream.ts";
import { formatFault } from "./values/timestamp-form.ts";
import { isZone } from "./values/zone.ts";

/** A value against which `faultOf` has nothing to say; one that is missing is reported as missing. */
function checked<Value>(faultOf: (value: unknown) => string | undefined) {
    return z.custom<Value>((value) => value !== undefined && faultOf(value) === undefined, {
        error: ({ input }) => (input === undefined ? undefined : faultOf(input)),
        // Or what is said between keys would wait until this is right.
        abort: false,
    });
}

/** The fault of a name that is not among `names`. */
function unknownName(value: unknown, names: readonly string[], what: string): string {
    if (typeof value !== "string") return `must be one of ${names.join(", ")}`;
    const near = suggestName(value, names);
    return `"${value}" is no ${what}${near ? `; did you mean "${near}"?` : `: there are ${names.join(", ")}`}`;
}

function oneOf<const Names extends readonly [string, ...string[]]>(names: Names, what: string) {
    return z.enum(names, { error: ({ input }) => unknownName(input, names, what) });
}

/** Where a fault between keys is reported. It is found even if one of them has a fault of its own. */
function between(key: string | null, error: string) {
    const when = ({ value }: { value: unknown }) => isObject(value);
    return { path: key === null ? [] : [key], error, when };
}

function isObject(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

const name = z
    .string({ error: ({ input }) => (input === undefined ? undefined : "must be a non-empty string") })
    .refine((text) => text.trim() !== "", "must be a non-empty string");

function listOf<Item extends z.ZodType>(item: Item) {
    const error = "must be a non-empty list";
    return z.array(item, { error: ({ code }) => (code === "invalid_type" ? error : undefined) }).min(1, error);
}

/** File names hold no slash: a glob with one would never fit. */
const fileGlob = name.refine(
    (glob) => !glob.replace(/^\*\*\//, "").includes("/"),
    "must match file names in the input folder: remove the part before the last slash",
);

/** One ASCII character that can quote or begin a comment. */
const mark = checked<string>(faultOfMark);

function faultOfMark(value: unknown): string | undefined {
    if (typeof value !== "string" || !/^[\t -~]$/.test(value)) return "must be one character, tab or printable ASCII";
    return /[A-Za-z0-9.-]/.test(value) ? `must not be "${value}", which values are made of` : undefined;
}

const controlForm = /^[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]$/;

const delimiter = checked<string>((value) => {
    if (typeof value === "string" && value.length > 1) {
        const remedy = "Replace it in the files with a character that no value contains.";
        return `is "${value}", and delimiters of several characters cannot be read. ${remedy}`;
    }
    return typeof value === "string" && controlForm.test(value) ? undefined : faultOfMark(value);
});

const timestampForm = checked<string>((value) =>
    typeof value === "string" ? (formatFault(value) ?? undefined) : "must be a text",
);

const zone = checked<string>((value) => {
    if (typeof value === "string" && isZone(value)) return undefined;
    const near = typeof value === "string" ? suggestName(value, Intl.supportedValuesOf("timeZone")) : null;
    return `must be a time zone such as "Europe/Berlin"${near ? `; did you mean "${near}"?` : ""}`;
});

const localeError = 'must be a language such as "de" or "pt-BR"';

function isKnownLocale(locale: string): boolean {
    try {
        return Intl.DateTimeFormat.supportedLocalesOf(locale).length > 0;
    } catch {
        return false;
    }
}

const yearError = "must be a year from 1900 to 2100";
const countError = "must be a whole number, 0 or more";

const timestamps = z
    .strictObject({
        /**
         * `yyyy` `yy` `M` `MM` `MMM` or `MMMM` (the month's name) `d` `dd` `EEE` or `EEEE` (the weekday's name) `H` `HH` `h` `hh`
         * `m` `mm` `s` `ss` `S`…`SSSSSSSSS` (decimals) `a` (AM/PM) `X` (an offset: `Z`, `+02`, `+0200`, `+02:00`) `z` (a zone:
         * `UTC`, `America/New_York`), text in 'single quotes', and anything else as itself. A single letter takes one or two
         * digits. Or `epoch-seconds`, `-milliseconds`, `-microseconds`, `-nanoseconds`: when several of these are listed, the
         * number of digits tells which it is (up to 11, 12 to 14, 15 to 17, 18 to 20). Or `iso`, the default: ISO 8601 with or
         * without seconds, with a comma before the decimals, and with an offset, `UTC` or `GMT` behind a space.
         */
        format: z.union([listOf(timestampForm), timestampForm]).optional(),
        /**
         * The offset from UTC of values that say none: `+02:00`. Default: UTC. With an offset or a zone, ISO values are taken
         * beside those of `format`.
         */
        offset: z
            .string()
            .regex(/^(Z|[+-](0\d|1[0-5]):[0-5]\d)$/, 'must be an offset such as "+02:00"')
            .optional(),
        /**
         * In place of `offset`, the zone of values that say none: `Europe/Berlin`. A time that summer time skips is rejected
         * (`<column>_skipped`), and so is one that comes twice (`<column>_ambiguous`) unless `fold` says which it is.
         */
        zone: zone.optional(),
        fold: oneOf(["earlier", "later"], "choice").optional(),
        /** How to treat decimals of a second beyond six that are not zeros. Default: the record is rejected. */
        decimals: oneOf(["truncate"], "choice").optional(),
        /** The first year that `yy` can mean. Default: 1970, so that 70 is 1970 and 69 is 2069. */
        yearsFrom: z.int(yearError).min(1900, yearError).max(2100, yearError).optional(),
        /** The language of the names: `de`, `pt-BR`. Default: `en`. */
        locale: z.string(localeError).refine(isKnownLocale, localeError).optional(),
    })
    .refine(
        (given) => given.offset === undefined || given.zone === undefined,
        between("offset", "contradicts the zone: keep one"),
    )
    .refine(
        ({ fold, zone, format }) => fold === undefined || zone !== undefined || /z/.test(String(format)),
        between("fold", "has no meaning without a zone"),
    );
export type TimestampFormat = z.infer<typeof timestamps>;

const numbers = z
    .strictObject({
        /** `,` or `.` (default). */
        decimal: oneOf([".", ","], "decimal mark").optional(),
        /** The mark between groups of three digits. A space also stands for a no-break space. */
        thousands: oneOf([".", ",", " ", "'", "_"], "mark").optional(),
    })
    .refine(
        ({ thousands, decimal = "." }) => thousands !== decimal,
        between("thousands", "is the decimal mark too: say which decimal mark the numbers have"),
    );
export type NumberFormat = z.infer<typeof numbers>;

/** `column` is ours or the file's; of the tests exactly one is given. Values are compared trimmed; a missing one is "". */
const condition = z
    .strictObject({
        column: name,
        equals: z.string().optional(),
        startsWith: z.string().optional(),
        isEmpty: z.boolean().optional(),
    })
    .refine(
        ({ equals, startsWith, isEmpty }) =>
            [equals, startsWith, isEmpty].filter((test) => test !== undefined).length === 1,
        between(null, "needs exactly one of equals, startsWith, isEmpty"),
    );
export type RuleCondition = z.infer<typeof condition>;

/** Null: any name is a column's. */
function columnSchema(stream: Stream | null) {
    if (stream === null) return name;
    const names = columnNames(stream);
    return checked<string>((value) =>
        names.some((column) => column === value) ? undefined : unknownName(value, names, "column"),
    );
}

function aliasSchema(stream: Stream | null) {
    const column = columnSchema(stream);
    if (stream === null) return column;
    const { extras } = stream;
    return checked<string>((value) => {
        if (value === extras) return undefined;
        if (typeof value !== "string" || !value.startsWith(`${extras}.`)) {
            return column.safeParse(value).error?.issues[0]?.message;
        }
        return value.slice(`${extras}.`.length).trim() === "" ? `names no attribute: write ${extras}.name` : undefined;
    });
}

/** `{ absolute: "quantity" }` drops a minus sign; `set` gives columns other values; `when` says for which records. */
function ruleSchema(stream: Stream | null) {
    const column = columnSchema(stream);
    return z
        .strictObject({
            when: condition.optional(),
            absolute: column.optional(),
            set: z.record(column, z.string()).optional(),
        })
        .refine(
            ({ absolute, set }) => absolute !== undefined || set !== undefined,
            between(null, "needs absolute or set"),
        );
}
export type ValueRule = z.infer<ReturnType<typeof ruleSchema>>;

/** The settings that name columns of the table. */
function columnSettings(stream: Stream | null) {
    const column = columnSchema(stream);
    return {
        /**
         * The file's name for a column → the table's: `{ event_time: "event_timestamp" }`. Compared without regard to case. A
         * column that is not what its name says goes to the attributes, under its own name (`{ price: "attributes" }`) or
         * another (`{ price: "attributes.list_price" }`). The name "" stands for a column without a name.
         */
        aliases: z.record(z.string(), aliasSchema(stream)).optional(),
        /**
         * Columns whose value stands in the file's folders: `["day"]` for `…/day=2026-05-01/a.csv`. Percent-decoded;
         * `__HIVE_DEFAULT_PARTITION__` is no value. A file that has such a column, too, must not say anything else there.
         */
        partitions: listOf(column).optional(),
        /** Values that every record has, for columns that the file does not have. */
        constants: z.record(column, z.string()).optional(),
        /** Values for where the file's is empty or the column is missing. They are filled in last. */
        defaults: z.record(column, z.string()).optional(),
        /** By column, a file's value → ours: `{ event_type: { cart: "add_to_cart" } }`. What is not listed stays as it is. */
        values: z.record(column, z.record(z.string(), z.string())).optional(),
        /** Carried out in their order, after `values` and `constants`. */
        rules: listOf(ruleSchema(stream)).optional(),
    };
}

/** Sources of a derived id other than columns. */
const idSources = ["record", "position"] as const;

const derivedId = z.strictObject({
    /**
     * Columns of the file (its name or ours), in this order; or "record": all of them by name, empty ones left out, so
     * that neither the order of columns nor an empty new one matters; or "position": the file's name in the watched
     * folder, without `.gz` or `.zst`, and the record's number in it.
     *
     * With "position" identical records stay apart, and the id says nothing of the content. A file that grows keeps its
     * ids, and so does one that is delivered again under its name. The same records under another name are other
     * events, unless the whole file is a copy, which is skipped. Other records under a name that was used before are
     * conflicts: each file needs a name of its own, and records may only be added at its end.
     */
    from: z.union([
        listOf(name),
        z.enum(idSources, {
            error: ({ input }) => {
                if (input === undefined) return undefined;
                const near = typeof input === "string" ? suggestName(input, idSources) : null;
                const question = near ? `; did you mean "${near}"?` : "";
                return `must be a list of columns, "record" or "position"${question}`;
            },
        }),
    ]),
    /** A uuid. Two sources with the same namespace and the same values make the same id. Default: Sluice's own. */
    namespace: z.guid("must be a uuid").optional(),
});
export type DerivedId = z.infer<typeof derivedId>;

const dialect = {
    /**
     * One character, a control character such as "\x01" too. Undeclared: what a `sep=` line says; else comma, semicolon, tab,
     * pipe or a control character, whichever makes the header hold every required column.
     */
    delimiter: delimiter.optional(),
    /** One character (default `"`), or false: no value is quoted, and quotes are text. */
    quote: z.union([mark, z.literal(false)]).optional(),
    /** One character; default: the quote itself, doubled. */
    escape: mark.optional(),
    /**
     * `lenient`: a quote inside an unquoted value is one of its characters (`5" pipe`). A value that begins with a quote is a
     * quoted one all the same. Default, `strict`: such a record is rejected as stray_quote.
     */
    quotes: oneOf(["strict", "lenient"], "way to read quotes").optional(),
    /** Blanks between a quoted value and a delimiter or line end are left out: `"a" , "b"`. Default: such a quote is a stray one. */
    trimQuoted: z.boolean().optional(),
    /** Lines that begin with this text are no records: `#`, `--`, or a footer's `Total;`. Not by a letter or a digit alone. */
    comment: checked<string>((value) =>
        typeof value === "string" && /^[^\p{Cc}]{2,}$/u.test(value) ? undefined : faultOfMark(value),
    ).optional(),
    /** `lf`: LF and CRLF. `any`: a lone CR too. Undeclared: `any` when the first lines hold CR and no LF. */
    lineEnd: oneOf(["lf", "any"], "line end").optional(),
    /**
     * Which lines end with a delimiter that the others do not have. Undeclared: as certain as the first records make it. When
     * both do, the column has no name: see `ignore`.
     */
    trailingDelimiter: oneOf(trailingDelimiters, "kind of line").optional(),
    /** Undeclared: UTF-8, or UTF-16 or UTF-32 when the file begins with its byte order mark. */
    encoding: oneOf(encodings, "encoding").optional(),
    /**
     * The names of the columns, for files without a header line; or "first-line": the first line is the header, although
     * none of its names is known. Undeclared: the first line, which needs a name that is known.
     */
    header: z
        .union([listOf(name), z.literal("first-line", 'must be a non-empty list of names, or "first-line"')])
        .optional(),
    /** How many lines come before the header, or before the first record of a file without one. A `sep=` line is found. */
    skipLines: z.int(countError).min(0, countError).optional(),
    /** How many lines between the header and the first record are no records: units, descriptions. */
    skipAfterHeader: z.int(countError).min(0, countError).optional(),
};
export type DeclaredDialect = z.infer<z.ZodObject<typeof dialect>>;

/** `stream`: the one that the source is of; without it the names of columns are not looked at. */
export function createSourceSchema(stream: Stream | null) {
    const settings = {
        /** A glob over file names, in any case and however compressed: `*.csv`, `{a,b}.csv`; `orders-*.csv.gz` for those alone. */
        match: fileGlob,
        ...dialect,
        ...columnSettings(stream),
        /** Columns of the file that are left out altogether. "" stands for all columns without a name, whatever they hold. */
        ignore: listOf(z.string()).optional(),
        /** How to treat columns that no setting names: keep them in the attributes (default), fail the file, or leave them out. */
        newColumns: oneOf(["keep", "reject-file", "ignore"], "policy for new columns").optional(),
        /** How timestamps are written, when not as YYYY-MM-DD HH:MM:SS. A value of no such form is left as it is. */
        timestamps: timestamps.optional(),
        /** How quantity and price are written, when not as `1234.5`. `{}` takes `+5`, `1.0` for a quantity, and `1e3`. */
        numbers: numbers.optional(),
        /** Texts that stand for no value, in every column, quoted or not: `["\\N", "NULL"]`. Compared trimmed. */
        nulls: listOf(z.string()).optional(),
        /**
         * Makes a key (a uuid v5) for files that have none; a file with the key's column keeps its own.
         *
         * THE CONSEQUENCE: records that are identical in what the id is derived from become one, unless that is "position".
         * Someone who clicks twice within a second, in a log with whole seconds, has clicked once; with `from` too narrow,
         * records that differ elsewhere count as conflicts and are kept in ingest.rejects. Changing this setting changes
         * every id: files that are read again would then be inserted again.
         */
        [deriveKey]: derivedId.optional(),
    };
    return z.strictObject(settings).superRefine(checkBetweenKeys, { when: ({ value }) => isObject(value) });
}
export type SourceConfig = z.infer<ReturnType<typeof createSourceSchema>> & {
    /** Of a file that is read: the values of its `partitions`. Never declared. */
    pathValues?: PathValues;
};

/** Contradictions between settings. Each of them may have a fault of its own, and be of any type. */
function checkBetweenKeys(source: Record<string, unknown>, context: z.RefinementCtx): void {
    const fault = (path: string[], message: string) => context.addIssue({ code: "custom", path, message });
    const { delimiter, quote = '"', escape: escapeMark, comment, constants, defaults, header } = source;
    const marks = { delimiter, quote: quote || undefined, comment };
    for (const [left, right] of [
        ["delimiter", "quote"],
        ["delimiter", "comment"],
        ["quote", "comment"],
    ] as const) {
        if (marks[left] !== undefined && marks[left] === marks[right]) fault([right], `is the ${left} too`);
    }
    if (escapeMark !== undefined && escapeMark === delimiter) fault(["escape"], "is the delimiter too");
    for (const key of ["quotes", "trimQuoted", "escape"]) {
        if (source[key] !== undefined && quote === false) fault([key], "has no meaning when no value is quoted");
    }
    for (const column of isObject(constants) && isObject(defaults) ? Object.keys(defaults) : []) {
        if (column in (constants as object)) fault(["defaults", column], "is a constant too");
    }
    if (Array.isArray(header) && source.skipAfterHeader !== undefined) {
        fault(["skipAfterHeader"], "has no meaning in a file without a header line: use skipLines");
    }
    const partitions = Array.isArray(source.partitions) ? source.partitions : [];
    for (const column of isObject(constants) ? partitions.filter((name) => String(name) in constants) : []) {
        fault(["partitions"], `names ${column}, which is a constant too`);
    }
    // Names that only differ in case would be one.
    for (const [key, names] of [
        ["partitions", partitions],
        ["aliases", isObject(source.aliases) ? Object.keys(source.aliases) : []],
        ["header", Array.isArray(header) ? header : []],
    ] as const) {
        const lower = names.map((name) => String(name).toLowerCase());
        const repeated = lower.find((name, index) => lower.indexOf(name) !== index);
        if (repeated !== undefined) fault([key], `names ${repeated} twice`);
    }
}
