/** How the files of a source are read, as sluice.config.ts declares it: data throughout, so the ledger keeps it with each file. */

import type { Encoding } from "./dialect.ts";

export interface SourceConfig extends DeclaredDialect {
    /** A glob over file names, in any case and however compressed: `*.csv`, `{a,b}.csv`; `orders-*.csv.gz` for those alone. */
    match: string;
    /**
     * The file's name for a column → the table's: `{ event_time: "event_timestamp" }`. Compared without regard to case. A
     * column that is not what its name says goes to the attributes, under its own name (`{ price: "attributes" }`) or
     * another (`{ price: "attributes.list_price" }`). The name "" stands for a column without a name.
     */
    aliases?: Record<string, string>;
    /** Columns of the file that are left out altogether. "" stands for all columns without a name, whatever they hold. */
    ignore?: string[];
    /** What to do about columns nobody named: keep them in the attributes (default), fail the file, or leave them out. */
    newColumns?: NewColumns;
    /** Values that every record has, for columns that the file does not have. */
    constants?: Record<string, string>;
    /** Values for where the file's is empty or the column is missing. They are filled in last. */
    defaults?: Record<string, string>;
    /** By column, a file's value → ours: `{ event_type: { cart: "add_to_cart" } }`. What is not listed stays as it is. */
    values?: Record<string, Record<string, string>>;
    /** Carried out in their order, after `values` and `constants`. */
    rules?: ValueRule[];
    /** How timestamps are written, when not as YYYY-MM-DD HH:MM:SS. A value of no such form is left as it is. */
    timestamps?: TimestampFormat;
    /** How quantity and price are written, when not as `1234.5`. `{}` takes `+5`, `1.0` for a quantity, and `1e3`. */
    numbers?: NumberFormat;
    /** Texts that stand for no value, in every column, quoted or not: `["\\N", "NULL"]`. Compared trimmed. */
    nulls?: string[];
    /**
     * Makes a key (a uuid v5) for files that have none; a file with the key's column keeps its own.
     *
     * THE CONSEQUENCE: records that are identical in what the id is derived from become one, unless that is "position".
     * Someone who clicks twice within a second, in a log with whole seconds, has clicked once; with `from` too narrow,
     * records that differ elsewhere count as conflicts and are kept in ingest.rejects. Changing this setting changes
     * every id: files that are read again would then be inserted again.
     */
    deriveEventId?: DerivedId;
}

export interface DeclaredDialect {
    /**
     * One character, a control character such as "\x01" too. Undeclared: what a `sep=` line says; else comma, semicolon, tab,
     * pipe or a control character, whichever makes the header hold every required column.
     */
    delimiter?: string;
    /** One character (default `"`), or false: no value is quoted, and quotes are text. */
    quote?: string | false;
    /** One character; default: the quote itself, doubled. */
    escape?: string;
    /**
     * `lenient`: a quote inside an unquoted value is one of its characters (`5" pipe`). A value that begins with a quote is a
     * quoted one all the same. Default, `strict`: such a record is rejected as stray_quote.
     */
    quotes?: "strict" | "lenient";
    /** Blanks between a quoted value and a delimiter or line end are left out: `"a" , "b"`. Default: such a quote is a stray one. */
    trimQuoted?: boolean;
    /** Lines that begin with this text are no records: `#`, `--`, or a footer's `Total;`. Not by a letter or a digit alone. */
    comment?: string;
    /** `lf`: LF and CRLF. `any`: a lone CR too. Undeclared: `any` when the first lines hold CR and no LF. */
    lineEnd?: "lf" | "any";
    /**
     * Which lines end with a delimiter that the others do not have. Undeclared: as certain as the first records make it. When
     * both do, the column has no name: see `ignore`.
     */
    trailingDelimiter?: "header" | "records";
    /** Undeclared: UTF-8, or UTF-16 or UTF-32 when the file begins with its byte order mark. */
    encoding?: Encoding;
    /**
     * The names of the columns, for files without a header line; or "first-line": the first line is the header, although
     * none of its names is known. Undeclared: the first line, which needs a name that is known.
     */
    header?: string[] | "first-line";
    /** How many lines come before the header, or before the first record of a file without one. A `sep=` line is found. */
    skipLines?: number;
    /** How many lines between the header and the first record are no records: units, descriptions. */
    skipAfterHeader?: number;
}

export const newColumnPolicies = ["keep", "reject-file", "ignore"] as const;
export type NewColumns = (typeof newColumnPolicies)[number];

/** `{ absolute: "quantity" }` drops a minus sign; `set` gives columns other values; `when` says for which records. */
export interface ValueRule {
    when?: RuleCondition;
    absolute?: string;
    set?: Record<string, string>;
}

/** `column` is ours or the file's; of the tests exactly one is given. Values are compared trimmed; a missing one is "". */
export interface RuleCondition {
    column: string;
    equals?: string;
    startsWith?: string;
    isEmpty?: boolean;
}

export interface TimestampFormat {
    /**
     * `yyyy` `yy` `M` `MM` `MMM` or `MMMM` (the month's name) `d` `dd` `EEE` or `EEEE` (the weekday's name) `H` `HH` `h` `hh`
     * `m` `mm` `s` `ss` `S`…`SSSSSSSSS` (decimals) `a` (AM/PM) `X` (an offset: `Z`, `+02`, `+0200`, `+02:00`) `z` (a zone:
     * `UTC`, `America/New_York`), text in 'single quotes', and anything else as itself. A single letter takes one or two
     * digits. Or `epoch-seconds`, `-milliseconds`, `-microseconds`, `-nanoseconds`: when several of these are listed, the
     * number of digits tells which it is (up to 11, 12 to 14, 15 to 17, 18 to 20). Or `iso`, the default: ISO 8601 with or
     * without seconds, with a comma before the decimals, and with an offset, `UTC` or `GMT` behind a space.
     */
    format?: string | string[];
    /**
     * The offset from UTC of values that say none: `+02:00`. Default: UTC. With an offset or a zone, ISO values are taken
     * beside those of `format`.
     */
    offset?: string;
    /**
     * In place of `offset`, the zone of values that say none: `Europe/Berlin`. A time that summer time skips is rejected
     * (`<column>_skipped`), and so is one that comes twice (`<column>_ambiguous`) unless `fold` says which it is.
     */
    zone?: string;
    fold?: "earlier" | "later";
    /** What to do with decimals of a second beyond six, when they are not zeros. Default: the record is rejected. */
    decimals?: "truncate";
    /** The first year that `yy` can mean. Default: 1970, so that 70 is 1970 and 69 is 2069. */
    yearsFrom?: number;
    /** The language of the names: `de`, `pt-BR`. Default: `en`. */
    locale?: string;
}

export interface NumberFormat {
    /** `,` or `.` (default). */
    decimal?: "." | ",";
    /** What stands between groups of three digits, where there are groups. A space is also a no-break space. */
    thousands?: "." | "," | " " | "'" | "_";
}

/** What an id can be derived from other than columns. */
export const idSources = ["record", "position"] as const;

export interface DerivedId {
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
    from: string[] | (typeof idSources)[number];
    /** A uuid. Two sources with the same namespace and the same values make the same id. Default: Sluice's own. */
    namespace?: string;
}
