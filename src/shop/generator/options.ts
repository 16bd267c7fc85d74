/** What the generator can be told, and what of it is impossible. */
import { accessSync, constants, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { exitCodes, SluiceError } from "../../errors.ts";

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
    flag: string;
    /** Whole sentences; `what` names the flag. */
    what: string;
    remedy: string;
}

const maxSleepSeconds = 86_400;

/** Says everything that is impossible about the options; looks at the output folder, and changes nothing. */
export function findOptionFaults(options: GeneratorOptions, now: Date): OptionFault[] {
    const { minRecords, maxRecords, files, seed, sleepSeconds, dirtyRatio, duplicateRatio, lateRatio } = options;
    return [
        ...wholeNumberFaults({
            "--min-records": minRecords,
            "--max-records": maxRecords,
            "--files": files,
            "--seed": seed,
        }),
        minRecords > maxRecords && {
            flag: "--min-records",
            what: `--min-records ${minRecords} is more than --max-records ${maxRecords}.`,
            remedy: "Give it at most as many as --max-records.",
        },
        !(sleepSeconds >= 0 && sleepSeconds <= maxSleepSeconds) && {
            flag: "--sleep",
            what: `--sleep ${sleepSeconds} is not a number of seconds from 0 to ${maxSleepSeconds}.`,
            remedy: "Give it the pause in seconds, such as 2 or 0.5.",
        },
        ...ratioFaults({ "--dirty": dirtyRatio, "--duplicates": duplicateRatio, "--late": lateRatio }),
        dirtyRatio <= 1 &&
            duplicateRatio <= 1 &&
            dirtyRatio + duplicateRatio > 1 && {
                flag: "--dirty",
                what: `--dirty ${dirtyRatio} and --duplicates ${duplicateRatio} are more than all records.`,
                remedy: "Make the sum of the two at most 1.",
            },
        findStartTimeFault(options.startTime, now),
        findOutputDirFault(options.outputDir),
    ].filter((fault) => fault !== false && fault !== null);
}

/** Throws one error that names every fault, or does nothing. */
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

function wholeNumberFaults(values: Record<string, number>): OptionFault[] {
    return Object.entries(values)
        .filter(([, value]) => !(Number.isSafeInteger(value) && value >= 0))
        .map(([flag, value]) => ({
            flag,
            what: `${flag} ${value} is not a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`,
            remedy: "Give it digits only, such as 100.",
        }));
}

function ratioFaults(ratios: Record<string, number>): OptionFault[] {
    return Object.entries(ratios)
        .filter(([, ratio]) => !(ratio >= 0 && ratio <= 1))
        .map(([flag, ratio]) => ({
            flag,
            what: `${flag} ${ratio} is not a ratio from 0 to 1.`,
            remedy: "Give it a share such as 0.1, for one record in ten.",
        }));
}

function findStartTimeFault(startTime: Date | null, now: Date): OptionFault | null {
    if (startTime === null || (startTime.getTime() >= 0 && startTime <= now)) return null;
    const given = Number.isNaN(startTime.getTime()) ? "" : ` ${startTime.toISOString()}`;
    return {
        flag: "--start-time",
        what: `--start-time${given} does not lie between 1970 and now.`,
        remedy: "Give it a past instant such as 2024-05-01T12:00:00Z.",
    };
}

/** A folder that is missing is no fault if it can be made. */
function findOutputDirFault(outputDir: string): OptionFault | null {
    const flag = "--output-dir";
    if (outputDir === "") return { flag, what: `${flag} is empty.`, remedy: "Give it the path of a folder." };
    const existing = findExistingAncestor(resolve(outputDir));
    if (!statSync(existing, { throwIfNoEntry: false })?.isDirectory()) {
        return {
            flag,
            what: `${flag} ${outputDir}: ${existing} is not a folder.`,
            remedy: "Give it the path of a folder.",
        };
    }
    try {
        accessSync(existing, constants.W_OK | constants.X_OK);
        return null;
    } catch {
        return {
            flag,
            what: `${flag} ${outputDir}: ${existing} cannot be written to.`,
            remedy: "Give it a folder that you may write to.",
        };
    }
}

function findExistingAncestor(path: string): string {
    if (exists(path)) return path;
    const parent = dirname(path);
    return parent === path ? path : findExistingAncestor(parent);
}

/** Below a file stat raises ENOTDIR in place of ENOENT. */
function exists(path: string): boolean {
    try {
        return statSync(path, { throwIfNoEntry: false }) !== undefined;
    } catch (error) {
        return (error as NodeJS.ErrnoException).code !== "ENOTDIR";
    }
}
