/** The flags of `bun run generate`, and how their texts are read. */
import { Option } from "commander";
import type { Flags } from "../../config/config.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import { defaultGeneratorOptions, type GeneratorOptions, type OptionFault } from "./options.ts";

const defaults = defaultGeneratorOptions;

const flagOptions: Record<keyof GeneratorOptions, Option> = {
    outputDir: new Option("--output-dir <folder>", `where to write (default: ${defaults.outputDir})`),
    minRecords: new Option("--min-records <count>", `fewest records in a file (default: ${defaults.minRecords})`),
    maxRecords: new Option("--max-records <count>", `most records in a file (default: ${defaults.maxRecords})`),
    sleepSeconds: new Option(
        "--sleep <seconds>",
        `pause between files, such as 0.5 (default: ${defaults.sleepSeconds})`,
    ),
    files: new Option("--files <count>", "how many files; 0 writes until it is stopped (default: 0)"),
    seed: new Option("--seed <number>", "the same seed gives the same records (default: another one each time)"),
    dirtyRatio: new Option("--dirty <ratio>", "share of records that are broken in some way (default: 0)"),
    duplicateRatio: new Option("--duplicates <ratio>", "share that repeats a record, or contradicts it (default: 0)"),
    lateRatio: new Option("--late <ratio>", "share with a timestamp hours to days back (default: 0)"),
    startTime: new Option("--start-time <instant>", "pins timestamps and file names, such as 2024-05-01T12:00:00Z"),
};

export const generatorFlags: readonly Option[] = Object.values(flagOptions);

export interface ReadFlags {
    options: GeneratorOptions;
    /** Texts that cannot be read; `options` has the default in their place. What they mean is checked elsewhere. */
    faults: OptionFault[];
}

/** `flags` as commander parsed them; `seed` is taken when there is none among them. */
export function readGeneratorFlags(flags: Flags, seed: number): ReadFlags {
    const faults: OptionFault[] = [];

    function read<Value>(name: keyof GeneratorOptions, fallback: Value, parse: (text: string) => Value | null): Value {
        const option = flagOptions[name];
        const text = flags[option.attributeName()];
        if (typeof text !== "string") return fallback;
        const value = parse(text);
        if (value !== null) return value;
        const flag = option.long!;
        const { kind, example } = name === "startTime" ? instant : number;
        faults.push({
            flag,
            what: `${flag} "${sanitize(text, { most: 60 })}" is not ${kind}.`,
            remedy: `Write it like ${example}.`,
        });
        return fallback;
    }

    const options: GeneratorOptions = {
        outputDir: read("outputDir", defaults.outputDir, (text) => text),
        minRecords: read("minRecords", defaults.minRecords, parseNumber),
        maxRecords: read("maxRecords", defaults.maxRecords, parseNumber),
        sleepSeconds: read("sleepSeconds", defaults.sleepSeconds, parseNumber),
        files: read("files", defaults.files, parseNumber),
        seed: read("seed", seed, parseNumber),
        dirtyRatio: read("dirtyRatio", defaults.dirtyRatio, parseNumber),
        duplicateRatio: read("duplicateRatio", defaults.duplicateRatio, parseNumber),
        lateRatio: read("lateRatio", defaults.lateRatio, parseNumber),
        startTime: read<Date | null>("startTime", defaults.startTime, parseInstant),
    };
    return { options, faults };
}

const number = { kind: "a number", example: "2 or 0.5" };
const instant = { kind: "an instant with a time zone", example: "2024-05-01T12:00:00Z" };

/** Decimal digits with a sign and a fraction: Number() alone would take hexadecimals, exponents and nothing at all. */
function parseNumber(text: string): number | null {
    return /^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(text) ? Number(text) : null;
}

/** A date and time without a zone would mean another instant on each machine. */
function parseInstant(text: string): Date | null {
    const match = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.exec(text);
    if (match === null) return null;
    const midnight = new Date(`${match[1]}T00:00:00Z`);
    const date = new Date(text);
    // 30 February is the first of March to some engines.
    const isReal = !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(match[1]!);
    return isReal && !Number.isNaN(date.getTime()) ? date : null;
}
