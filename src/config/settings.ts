/** Every setting that takes a value: its flag, its variable, how it is read and what it is when nobody sets it. */
import { availableParallelism } from "node:os";
import { describeTarget, parseDatabaseUrl } from "../database/database-target.ts";
import {
    type AfterMerge,
    afterMergeChoices,
    type LogFormat,
    logFormatChoices,
    type Parsed,
    parseBytes,
    parseChoice,
    parseConnectionString,
    parseDuration,
    parseHost,
    parseHostNames,
    parsePath,
    parseRejectBudget,
    parseTrigger,
    parseWholeNumber,
    type RejectBudget,
    type Trigger,
} from "./parse-values.ts";

export interface Setting<Value> {
    /** As commander reads it: `--trigger <when>`. */
    flag: string;
    variable: string;
    description: string;
    parse(text: string): Parsed<Value>;
    fallback: Value;
    /** What help says of the default. */
    fallbackText: string;
    /** Never printed as it is. */
    secret?: boolean;
    /** Of a text that `parse` took: what of it may be shown. */
    mask?(text: string): string;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/** As many merges at once as there are cores, but no more than four: past that they wait for the disk. */
const defaultMergeWorkers = Math.min(4, Math.max(1, availableParallelism()));

const databaseUrl: Setting<string | undefined> = {
    flag: "--database-url <url>",
    variable: "DATABASE_URL",
    description: "the Postgres to use",
    parse: parseConnectionString,
    fallback: undefined,
    fallbackText: "an embedded server under the data folder",
    secret: true,
    mask: (text) => describeTarget(parseDatabaseUrl(text)),
};

const dataDir: Setting<string> = {
    flag: "--data-dir <folder>",
    variable: "SLUICE_DATA_DIR",
    description: "where the embedded server keeps its data",
    parse: parsePath,
    fallback: "data",
    fallbackText: "data",
};

const inputDir: Setting<string | undefined> = {
    flag: "--input <folder>",
    variable: "SLUICE_INPUT_DIR",
    description: "the folder of CSV files",
    parse: parsePath,
    fallback: undefined,
    fallbackText: "data/input_data",
};

const trigger: Setting<Trigger> = {
    flag: "--trigger <when>",
    variable: "SLUICE_TRIGGER",
    description: "how often to merge: a duration, continuous, or available-now (take what is there, then exit)",
    parse: parseTrigger,
    fallback: { kind: "interval", ms: 1000 },
    fallbackText: "1s",
};

const tailSettleMs: Setting<number> = {
    flag: "--tail-settle <duration>",
    variable: "SLUICE_TAIL_SETTLE",
    description: "how long a file must be still before its unfinished last record is taken; 0: take it at once",
    parse: (text) => parseDuration(text),
    fallback: 10_000,
    fallbackText: "10s",
};

const maxChunkBytes: Setting<number> = {
    flag: "--max-chunk-bytes <size>",
    variable: "SLUICE_MAX_CHUNK_BYTES",
    description: "the most of one file that is loaded as one chunk",
    parse: (text) => parseBytes(text, { least: KiB, most: GiB }),
    fallback: 16 * MiB,
    fallbackText: "16MiB",
};

const maxRecordBytes: Setting<number> = {
    flag: "--max-record-bytes <size>",
    variable: "SLUICE_MAX_RECORD_BYTES",
    description: "a record longer than this is rejected",
    parse: (text) => parseBytes(text, { least: KiB, most: 64 * MiB }),
    fallback: MiB,
    fallbackText: "1MiB",
};

const mergeWorkers: Setting<number> = {
    flag: "--merge-workers <count>",
    variable: "SLUICE_MERGE_WORKERS",
    description: "how many merges may run at once",
    parse: (text) => parseWholeNumber(text, { least: 1, most: 16 }),
    fallback: defaultMergeWorkers,
    fallbackText: "one per core, at most 4",
};

const maxBatchRecords: Setting<number> = {
    flag: "--max-batch-records <count>",
    variable: "SLUICE_MAX_BATCH_RECORDS",
    description: "how many records one merge takes at most",
    parse: (text) => parseWholeNumber(text, { least: 1, most: 10_000_000 }),
    fallback: 500_000,
    fallbackText: "500000",
};

const maxRejects: Setting<RejectBudget | null> = {
    flag: "--max-rejects <budget>",
    variable: "SLUICE_MAX_REJECTS",
    description: "a file with more rejects (100, 0.05 or 5%) fails, and nothing of it gets in",
    parse: parseRejectBudget,
    fallback: null,
    fallbackText: "any number",
};

const afterMerge: Setting<AfterMerge> = {
    flag: "--after-merge <what>",
    variable: "SLUICE_AFTER_MERGE",
    description: "what becomes of a file that is merged: keep, archive (to data/archive) or delete",
    parse: (text) => parseChoice(text, afterMergeChoices),
    fallback: "keep",
    fallbackText: "keep",
};

const maxExpandedBytes: Setting<number> = {
    flag: "--max-expanded-bytes <size>",
    variable: "SLUICE_MAX_EXPANDED_BYTES",
    description: "a compressed file that expands to more fails",
    parse: (text) => parseBytes(text, { least: KiB, most: 1024 * GiB }),
    fallback: 64 * GiB,
    fallbackText: "64GiB",
};

const maxExpansionRatio: Setting<number> = {
    flag: "--max-expansion-ratio <number>",
    variable: "SLUICE_MAX_EXPANSION_RATIO",
    description: "a compressed file that expands to more times its size fails, past the first MiB",
    parse: (text) => parseWholeNumber(text, { least: 1, most: 1_000_000 }),
    fallback: 1000,
    fallbackText: "1000",
};

const configFile: Setting<string | undefined> = {
    flag: "--config <file>",
    variable: "SLUICE_CONFIG",
    description: "how files are to be read: dialects, column mapping",
    parse: parsePath,
    fallback: undefined,
    fallbackText: "sluice.config.ts, if it is there",
};

const port: Setting<number> = {
    flag: "--port <number>",
    variable: "SLUICE_PORT",
    description: "the API's port; 0 takes any free one",
    parse: (text) => parseWholeNumber(text, { least: 0, most: 65_535 }),
    fallback: 4040,
    fallbackText: "4040",
};

const host: Setting<string> = {
    flag: "--host <address>",
    variable: "SLUICE_HOST",
    description: "the address that the API listens on",
    parse: parseHost,
    fallback: "127.0.0.1",
    fallbackText: "127.0.0.1, this machine alone",
};

const allowedHosts: Setting<readonly string[]> = {
    flag: "--allowed-hosts <names>",
    variable: "SLUICE_ALLOWED_HOSTS",
    description: "further names that the API may be asked by, such as a proxy's or a container's",
    parse: parseHostNames,
    fallback: [],
    fallbackText: "localhost, any address, and --host",
};

const logFormat: Setting<LogFormat> = {
    flag: "--log-format <format>",
    variable: "SLUICE_LOG_FORMAT",
    description: "how to tell on stderr what happens: text, or json (an object a line)",
    parse: (text) => parseChoice(text, logFormatChoices),
    fallback: "text",
    fallbackText: "text",
};

export const settings = {
    databaseUrl,
    dataDir,
    inputDir,
    trigger,
    tailSettleMs,
    maxChunkBytes,
    maxRecordBytes,
    mergeWorkers,
    maxBatchRecords,
    maxRejects,
    afterMerge,
    maxExpandedBytes,
    maxExpansionRatio,
    configFile,
    port,
    host,
    allowedHosts,
    logFormat,
};

export type SettingName = keyof typeof settings;

/** What sluice.config.ts may set: all but where it is itself. */
export type FileSettingName = Exclude<SettingName, "configFile">;

export const fileSettingNames = Object.keys(settings).filter((name) => name !== "configFile") as FileSettingName[];
