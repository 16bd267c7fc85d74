/** The generator's options: flags, defaults, and which values are possible. */
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Option } from "commander";
import { z } from "zod";
import type { Flags } from "../../config/config.ts";
import { exitCodes, SluiceError } from "../../errors.ts";
import { isInBucket } from "../../streams/route-files.ts";
import { sanitize } from "../../terminal/sanitize.ts";

export interface GeneratorOptions {
    outputDir: string;
    /** Records in a file: a whole number drawn between the two, both included. */
    minRecords: number;
    maxRecords: number;
    /** Pause between two files. Fractions are allowed. */
    sleepSeconds: number;
    /** How many files to write; 0: until it is stopped. */
    files: number;
    /** A whole number from 0 to 2⁵³ − 1. The same seed gives the same records. */
    seed: number;
    /** Shares from 0 to 1 of all records; dirty + duplicate is at most 1. */
    dirtyRatio: number;
    duplicateRatio: number;
    /** Share of records with a timestamp of hours to days ago. */
    lateRatio: number;
    /**
     * The moment of the first file, in place of the clock's: pins timestamps and file names. Each further file lies
     * `sleepSeconds` later.
     */
    startTime: Date | null;
}

export const defaultGeneratorOptions: Omit<GeneratorOptions, "seed"> = {
    outputDir: "data/input_data",
    minRecords: 10,
    maxRecords: 100,
    sleepSeconds: 2,
    files: 0,
    dirtyRatio: 0,
    duplicateRatio: 0,
    lateRatio: 0,
    startTime: null,
};
const defaults = defaultGeneratorOptions;

/** With a zone: without one it would be another instant on each machine. */
const instantSchema = z.union([z.iso.datetime({ offset: true }), z.iso.datetime({ offset: true, precision: -1 })]);

interface Kind<Value> {
    /** Null when the text is none. */
    read(text: string): Value | null;
    isPossible(value: Value, now: Date): boolean;
    /** After "is not". */
    words: string;
    remedy: string;
}

const wholeNumber: Kind<number> = {
    read: readNumber,
    isPossible: (value) => Number.isSafeInteger(value) && value >= 0,
    words: `a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
    remedy: "Give it digits only, such as 100.",
};
const seconds: Kind<number> = {
    read: readNumber,
    isPossible: (value) => value >= 0 && value <= 86_400,
    words: "a number of seconds from 0 to 86400",
    remedy: "Give it the pause in seconds, such as 2 or 0.5.",
};
const ratio: Kind<number> = {
    read: readNumber,
    isPossible: (value) => value >= 0 && value <= 1,
    words: "a ratio from 0 to 1",
    remedy: "Give it a share such as 0.1, for one record in ten.",
};
const instant: Kind<Date | null> = {
    read: readInstant,
    isPossible: (value, now) => value === null || (value.getTime() >= 0 && value <= now),
    words: "an instant between 1970 and now",
    remedy: "Give it a past instant with its time zone, such as 2024-05-01T12:00:00Z.",
};
const folder: Kind<string> = {
    read: (text) => text,
    isPossible: (path) => path !== "" && !isInBucket(path) && isWritable(existingPartOf(path)),
    words: "a folder that can be written to",
    remedy: "Give it the path of one.",
};

type Settings = { [Name in keyof GeneratorOptions]: [kind: Kind<GeneratorOptions[Name]>, flag: string, help: string] };

const settings: Settings = {
    outputDir: [folder, "--output-dir <folder>", `where to write (default: ${defaults.outputDir})`],
    minRecords: [wholeNumber, "--min-records <count>", `fewest records in a file (default: ${defaults.minRecords})`],
    maxRecords: [wholeNumber, "--max-records <count>", `most records in a file (default: ${defaults.maxRecords})`],
    sleepSeconds: [
        seconds,
        "--sleep <seconds>",
        `pause between files, such as 0.5 (default: ${defaults.sleepSeconds})`,
    ],
    files: [wholeNumber, "--files <count>", "how many files; 0 writes until it is stopped (default: 0)"],
    seed: [wholeNumber, "--seed <number>", "the same seed gives the same records (default: another one each time)"],
    dirtyRatio: [ratio, "--dirty <ratio>", "share of records that are broken in some way (default: 0)"],
    duplicateRatio: [ratio, "--duplicates <ratio>", "share that repeats a record, or contradicts it (default: 0)"],
    lateRatio: [ratio, "--late <ratio>", "share with a timestamp hours to days back (default: 0)"],
    startTime: [instant, "--start-time <instant>", "pins timestamps and file names, such as 2024-05-01T12:00:00Z"],
};

const flagList = Object.entries(settings).map(([name, [kind, flag, help]]) => ({
    name: name as keyof GeneratorOptions,
    kind: kind as Kind<unknown>,
    option: new Option(flag, help),
}));

export const generatorFlags: readonly Option[] = flagList.map(({ option }) => option);

export interface OptionFault {
    flag: string;
    /** A whole sentence that names the flag. */
    what: string;
    remedy: string;
}

/**
 * Takes flags as commander parsed them, and `seed` when there is none among them. A text that cannot be read is a fault;
 * its option has the default.
 */
export function readGeneratorFlags(flags: Flags, seed: number): { options: GeneratorOptions; faults: OptionFault[] } {
    const read: Record<string, unknown> = {};
    const faults: OptionFault[] = [];
    for (const { name, kind, option } of flagList) {
        const text = flags[option.attributeName()];
        if (typeof text !== "string") continue;
        const value = kind.read(text);
        if (value === null) faults.push(faultOf(option, kind, `"${sanitize(text, { most: 60 })}"`));
        else read[name] = value;
    }
    return { options: { ...defaults, seed, ...read }, faults };
}

/** Names everything that is impossible about the options. Looks at the output folder, and changes nothing. */
export function findOptionFaults(options: GeneratorOptions, now: Date): OptionFault[] {
    const { minRecords, maxRecords, dirtyRatio, duplicateRatio } = options;
    const faults = flagList
        .filter(({ name, kind }) => !kind.isPossible(options[name], now))
        .map(({ name, kind, option }) => faultOf(option, kind, show(options[name])));
    if (minRecords > maxRecords) {
        faults.push({
            flag: "--min-records",
            what: `--min-records ${minRecords} is more than --max-records ${maxRecords}.`,
            remedy: "Give it at most as many as --max-records.",
        });
    }
    if (dirtyRatio <= 1 && duplicateRatio <= 1 && dirtyRatio + duplicateRatio > 1) {
        faults.push({
            flag: "--dirty",
            what: `--dirty ${dirtyRatio} and --duplicates ${duplicateRatio} are more than all records.`,
            remedy: "Make the sum of the two at most 1.",
        });
    }
    return faults;
}

/** @throws SluiceError one that names every fault; does nothing when there is none */
export function refuseFaults(faults: readonly OptionFault[]): void {
    if (faults.length === 0) return;
    const remedies = faults.map(({ flag, remedy }) => (faults.length === 1 ? remedy : `${flag}: ${remedy}`));
    throw new SluiceError({
        code: "bad_flag_value",
        what: faults.map(({ what }) => what).join("\n"),
        from: "the command line",
        remedy: remedies.join("\n"),
        exitCode: exitCodes.usage,
    });
}

function faultOf({ long }: Option, { words, remedy }: Kind<unknown>, shown: string): OptionFault {
    return { flag: long!, what: `${long} ${shown} is not ${words}.`, remedy };
}

function show(value: GeneratorOptions[keyof GeneratorOptions]): string {
    if (typeof value === "string") return `"${sanitize(value)}"`;
    return String(value instanceof Date ? value.toJSON() : value);
}

/** Takes decimal digits with a sign and a fraction. Number() alone takes hexadecimals, exponents and nothing at all. */
function readNumber(text: string): number | null {
    return /^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(text) ? Number(text) : null;
}

function readInstant(text: string): Date | null {
    return instantSchema.safeParse(text).success ? new Date(text) : null;
}

/** A folder that is missing can be made, in the nearest one above it that exists. */
function existingPartOf(path: string): string {
    let existing = resolve(path);
    while (!existsSync(existing)) existing = dirname(existing);
    return existing;
}

function isWritable(path: string): boolean {
    try {
        accessSync(path, constants.W_OK | constants.X_OK);
        return statSync(path).isDirectory();
    } catch {
        return false;
    }
}
