/** What the generator can be told, and what of it is impossible. */
import { accessSync, constants, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { exitCodes, SluiceError } from "../errors.ts";

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

export interface OptionFault {
    what: string;
    remedy: string;
}

const maxSleepSeconds = 86_400;

/** Says everything that is impossible about the options; looks at the output folder, and changes nothing. */
export function findOptionFaults(options: GeneratorOptions, now: Date): OptionFault[] {
    const { minRecords, maxRecords, files, seed, sleepSeconds, startTime, outputDir } = options;
    const ratios = {
        "--dirty": options.dirtyRatio,
        "--duplicates": options.duplicateRatio,
        "--late": options.lateRatio,
    };
    return [
        ...wholeNumberFaults({
            "--min-records": minRecords,
            "--max-records": maxRecords,
            "--files": files,
            "--seed": seed,
        }),
        minRecords > maxRecords && {
            what: `--min-records ${minRecords} is more than --max-records ${maxRecords}.`,
            remedy: "Make --max-records at least as large as --min-records.",
        },
        !(sleepSeconds >= 0 && sleepSeconds <= maxSleepSeconds) && {
            what: `--sleep ${sleepSeconds} is not a number of seconds from 0 to ${maxSleepSeconds}.`,
            remedy: "Give the pause in seconds, such as 2 or 0.5.",
        },
        ...ratioFaults(ratios),
        options.dirtyRatio + options.duplicateRatio > 1 && {
            what: `--dirty ${options.dirtyRatio} and --duplicates ${options.duplicateRatio} are more than all records.`,
            remedy: "Make their sum at most 1.",
        },
        startTimeFault(startTime, now),
        outputDirFault(outputDir),
    ].filter((fault) => fault !== false && fault !== null);
}

/** Throws one error that names every fault, or does nothing. */
export function refuseFaults(faults: readonly OptionFault[]): void {
    if (faults.length === 0) return;
    throw new SluiceError({
        code: "invalid_generator_options",
        what: faults.map((fault) => fault.what).join(" "),
        remedy: faults.map((fault) => fault.remedy).join(" "),
        exitCode: exitCodes.usage,
    });
}

function wholeNumberFaults(values: Record<string, number>): OptionFault[] {
    return Object.entries(values)
        .filter(([, value]) => !(Number.isSafeInteger(value) && value >= 0))
        .map(([flag, value]) => ({
            what: `${flag} ${value} is not a whole number from 0.`,
            remedy: `Give ${flag} digits only.`,
        }));
}

function ratioFaults(ratios: Record<string, number>): OptionFault[] {
    return Object.entries(ratios)
        .filter(([, ratio]) => !(ratio >= 0 && ratio <= 1))
        .map(([flag, ratio]) => ({
            what: `${flag} ${ratio} is not a ratio from 0 to 1.`,
            remedy: `Give ${flag} a share such as 0.1 for one record in ten.`,
        }));
}

function startTimeFault(startTime: Date | null, now: Date): OptionFault | null {
    if (startTime === null) return null;
    const isPast = startTime.getTime() >= 0 && startTime <= now;
    if (isPast) return null;
    const name = Number.isNaN(startTime.getTime())
        ? "--start-time is no instant"
        : `--start-time ${startTime.toISOString()}`;
    return {
        what: `${name} does not lie between 1970 and now, so that its records would be rejected.`,
        remedy: "Give a past instant such as 2024-05-01T12:00:00Z.",
    };
}

/** A folder that is missing is no fault if it can be made. */
function outputDirFault(outputDir: string): OptionFault | null {
    if (outputDir === "") return { what: "--output-dir is empty.", remedy: "Name a folder." };
    const path = resolve(outputDir);
    const existing = findExistingAncestor(path);
    if (!statSync(existing, { throwIfNoEntry: false })?.isDirectory()) {
        return { what: `--output-dir ${outputDir}: ${existing} is not a folder.`, remedy: "Name a folder." };
    }
    try {
        accessSync(existing, constants.W_OK | constants.X_OK);
        return null;
    } catch {
        return {
            what: `--output-dir ${outputDir}: ${existing} cannot be written to.`,
            remedy: "Name a folder that you may write to.",
        };
    }
}

function findExistingAncestor(path: string): string {
    if (exists(path)) return path;
    const parent = dirname(path);
    return parent === path ? path : findExistingAncestor(parent);
}

/** Below a file (`/etc/hosts/x`) stat raises ENOTDIR in place of ENOENT. */
function exists(path: string): boolean {
    try {
        return statSync(path, { throwIfNoEntry: false }) !== undefined;
    } catch (error) {
        return (error as NodeJS.ErrnoException).code !== "ENOTDIR";
    }
}
