/** Writes files of invented events into a folder until it has written enough of them, or is told to stop. */
import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { SluiceError } from "../../errors.ts";
import { findOptionFaults, type GeneratorOptions, refuseFaults } from "./options.ts";
import { type FilePlan, publishFile } from "./publish-file.ts";
import { createRandom } from "./random.ts";
import { createRecordStream, generateFile } from "./record-stream.ts";

export interface GeneratedFile {
    name: string;
    records: number;
    bytes: number;
}

export interface RunGeneratorControls {
    /** Stops within one piece of a file, leaving neither an incomplete nor a temporary file. */
    signal: AbortSignal;
    onFile?: (file: GeneratedFile) => void;
    /** The clock, in milliseconds since 1970. */
    now?: () => number;
}

const maxSpanSeconds = 3_600;
const recordsPerSecond = 10;

/**
 * Returns how much it wrote, also when it was aborted.
 *
 * Throws a SluiceError that names every impossible option, before anything is written; or one with the code
 * `generator_write_failed` when the folder cannot be written to any more.
 */
export async function runGenerator(
    options: GeneratorOptions,
    { signal, onFile, now = Date.now }: RunGeneratorControls,
): Promise<{ files: number; records: number }> {
    refuseFaults(findOptionFaults(options, new Date(now())));
    const { outputDir, files, minRecords, maxRecords, sleepSeconds } = options;
    await describeFailure(outputDir, mkdir(outputDir, { recursive: true }));

    const random = createRandom(options.seed);
    const nextRecord = createRecordStream({ random, ...options });
    const toFileSeconds = createFileClock(options, now);
    const written = { files: 0, records: 0 };
    let latest = { fileSeconds: -1, index: -1 };

    const goesOn = () => !signal.aborted && (files === 0 || written.files < files);

    while (goesOn()) {
        const fileSeconds = toFileSeconds(written.files);
        const records = random.between(minRecords, maxRecords);
        const spanSeconds = Math.min(maxSpanSeconds, Math.max(sleepSeconds, records / recordsPerSecond));
        const plan: FilePlan = {
            outputDir,
            fileSeconds,
            index: latest.fileSeconds === fileSeconds ? latest.index + 1 : 0,
            pieces: generateFile({ nextRecord, records, fileSeconds, spanSeconds }),
        };
        const file = await describeFailure(outputDir, publishFile(plan, signal));
        if (file === null) break;
        latest = { fileSeconds, index: file.index };
        written.files += 1;
        written.records += records;
        onFile?.({ name: file.name, records, bytes: file.bytes });
        if (goesOn()) await pause(sleepSeconds, signal);
    }
    return written;
}

/** Gives the moment of the n-th file in whole seconds; never earlier than the file before, also if the clock is. */
function createFileClock({ startTime, sleepSeconds }: GeneratorOptions, now: () => number) {
    let latestSeconds = 0;
    return (fileNo: number): number => {
        const milliseconds = startTime === null ? now() : startTime.getTime() + fileNo * sleepSeconds * 1000;
        latestSeconds = Math.max(latestSeconds, Math.floor(milliseconds / 1000));
        return latestSeconds;
    };
}

async function pause(seconds: number, signal: AbortSignal): Promise<void> {
    if (seconds === 0) return;
    await sleep(seconds * 1000, undefined, { signal }).catch((error: Error) => {
        if (error.name !== "AbortError") throw error;
    });
}

async function describeFailure<Result>(outputDir: string, work: Promise<Result>): Promise<Result> {
    return work.catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === undefined) throw cause;
        throw new SluiceError({
            code: "generator_write_failed",
            what: `No file could be written to ${outputDir} (${cause.code}).`,
            remedy: "Make sure that the folder exists, may be written to, and that its disk has room.",
            cause,
        });
    });
}
