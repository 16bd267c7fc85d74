/** The flags of `bun run add`, and what they say. */

import { Argument, Option } from "commander";
import type { Flags } from "../../config/config.ts";
import { streamModes } from "../../database/schema.ts";
import { program } from "../../environment.ts";
import type { ReadingSettings } from "../../operations/sniff/read-values.ts";
import type { ModeDeclaration } from "../../streams/mode.ts";
import { createSourceSchema } from "../../streams/source-config.ts";
import { refuse } from "../refuse.ts";

export const addArguments = [
    new Argument(
        "<files...>",
        "a CSV file or object, or a glob of paths in the input folder or of addresses: 'orders-*.csv', 's3://drops/in/orders-*.csv'",
    ),
];

/** Not commander's own way, which takes the files that follow for more of them. */
function repeatable(flag: string, description: string): Option {
    const collect = (text: string, before: string[] = []) => [...before, text];
    return new Option(flag, `${description}; may be given again`).argParser(collect);
}

export const addOptions = [
    new Option("--table <name>", "your own table for the records; without it, add makes one"),
    new Option("--key <columns>", "the columns that identify a record: order_id, or order_id,line_no"),
    new Option("--mode <mode>", "how records meet the rows with their key (default: insert)").choices([...streamModes]),
    new Option(
        "--by <columns>",
        "with --mode snapshot: a file is all rows with its values in these columns of --table",
    ),
    new Option("--name <name>", "the stream's name (default: from the file's, or the table's)"),
    new Option("--files <glob>", "which files of the input folder the stream takes"),
    repeatable("--type <column=type>", "a column's type, in place of the proposed one: placed_at=timestamptz"),
    new Option("--date <format>", "how its dates are written: dd/MM/yyyy, M/d/yyyy HH:mm"),
    repeatable("--alias <name=column>", "the file's name for a column of --table"),
    repeatable("--null <text>", "a text that means null: NA"),
    new Option("--decimal <mark>", "the decimal mark of numbers").choices([".", ","]),
    new Option("--thousands <mark>", "the mark between thousands"),
    new Option("--delimiter <character>", "if it cannot be detected"),
    new Option("--encoding <name>", "if it is not UTF-8 and has no byte order mark"),
    new Option("--header <names>", "the names of the columns of a file without a header; or first-line"),
    new Option("--allow-triggers", "accept a --table with triggers that run before an insert"),
    new Option("--print", "print the files instead of writing them, and change nothing"),
    new Option("--replace", "make a stream and its table anew: one that add made and that is still empty"),
    new Option("--yes", "accept the proposal without asking"),
];

export interface AddRequest {
    table: string | null;
    key: string[] | null;
    /** As the stream's file says it. */
    mode: ModeDeclaration;
    name: string | null;
    files: string | null;
    types: Record<string, string>;
    settings: ReadingSettings;
    allowsTriggers: boolean;
    isPrint: boolean;
    isReplace: boolean;
    isYes: boolean;
    /** --input: what loads the files needs it too. */
    isInputGiven: boolean;
}

/** @throws SluiceError (usage) that names the flag */
export function readAddFlags(flags: Flags): AddRequest {
    const text = (name: string) => (typeof flags[name] === "string" ? (flags[name] as string) : null);
    const list = (name: string) => (Array.isArray(flags[name]) ? (flags[name] as string[]) : []);
    const key = text("key");
    const types = pairsOf("type", list("type"));
    for (const [column, type] of Object.entries(types)) requireType(column, type);
    return {
        table: text("table"),
        key: key === null ? null : namesOf(key),
        mode: readMode(text),
        name: text("name"),
        files: text("files"),
        types,
        settings: readSettings(text, list),
        allowsTriggers: flags.allowTriggers === true,
        isPrint: flags.print === true,
        isReplace: flags.replace === true,
        isYes: flags.yes === true,
        isInputGiven: text("input") !== null,
    };
}

function readMode(text: (name: string) => string | null): ModeDeclaration {
    const [mode, by] = [text("mode"), text("by")];
    if (by !== null && (mode !== "snapshot" || text("table") === null)) {
        throw refuse(
            "invalid_option",
            "--by names columns of --table, whose files are snapshots of a part of it.",
            "Give --table and --mode snapshot with it.",
        );
    }
    if (mode === "append" && text("key") !== null) {
        throw refuse(
            "invalid_option",
            "--key has no meaning with --mode append, in which each record becomes a row.",
            "Leave one of them out.",
        );
    }
    return { ...optional("mode", mode), ...optional("by", by === null ? null : namesOf(by)) } as ModeDeclaration;
}

const namesOf = (text: string) => text.split(",").map((name) => name.trim());

function readSettings(text: (name: string) => string | null, list: (name: string) => string[]): ReadingSettings {
    const [decimal, thousands, header] = [text("decimal"), text("thousands"), text("header")];
    const date = text("date");
    const aliases = pairsOf("alias", list("alias"));
    const numbers = { ...(decimal === "," && { decimal }), ...(thousands !== null && { thousands }) };
    const hasNumbers = decimal !== null || thousands !== null;
    const given = {
        ...optional("delimiter", text("delimiter")?.replace("\\t", "\t") ?? null),
        ...optional("encoding", text("encoding")),
        ...optional("header", header === null || header === "first-line" ? header : namesOf(header)),
        ...optional("nulls", list("null").length > 0 ? list("null") : null),
        ...optional("numbers", hasNumbers ? numbers : null),
        ...optional("timestamps", date === null ? null : { format: date }),
        ...optional("aliases", Object.keys(aliases).length > 0 ? aliases : null),
    };
    const parsed = createSourceSchema(null).safeParse({ match: "*", ...given });
    if (!parsed.success) {
        const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
        throw refuse("invalid_option", `${faults.join("; ")}.`, `\`${program} add --help\` lists the flags.`);
    }
    return given as ReadingSettings;
}

function optional(name: string, value: unknown): Record<string, unknown> {
    return value === null ? {} : { [name]: value };
}

function pairsOf(flag: string, given: readonly string[]): Record<string, string> {
    const pairs = given.map((text) => {
        const at = text.lastIndexOf("=");
        if (at > 0 && at < text.length - 1) return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
        throw refuse("invalid_option", `--${flag} ${text} is not a pair.`, `Write --${flag} "one=other".`);
    });
    return Object.fromEntries(pairs);
}

function requireType(column: string, type: string): void {
    if (/^[a-z][a-z0-9_. ]*(?:\(\d+(?:, ?\d+)?\))?(?: with(?:out)? time zone)?(?:\[\])?$/i.test(type)) return;
    throw refuse(
        "invalid_option",
        `--type ${column}=${type}: this is not a type.`,
        'Write one as SQL does: "numeric(12,3)".',
    );
}
