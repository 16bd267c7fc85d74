/** Declares every setting that takes a value: its flag, its variable, its parser and its default. */
import { availableParallelism, hostname } from "node:os";
import { describeTarget, parseDatabaseUrl } from "../database/database-target.ts";
import { parseRejectBudget, type RejectBudget } from "../streams/reject-budget.ts";
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
    parseLocalFolder,
    parsePath,
    parseSigningSecret,
    parseTrigger,
    parseWebAddress,
    parseWholeNumber,
    parseWorkerName,
    type Trigger,
} from "./parse-values.ts";

export interface Setting<Value> {
    /** For commander: `--trigger <when>`. Null for a secret (every user of the machine sees flags), and where a variable does. */
    flag: string | null;
    variable: string;
    description: string;
    parse(text: string): Parsed<Value>;
    fallback: Value;
    /** All values that `parse` takes, where they are few. */
    choices?: readonly string[];
    /** The default, for help. */
    fallbackText: string;
    /** Given for a secret, which is never printed as it is: turns a text that `parse` took into one that may be shown. */
    mask?(text: string): string;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/** One merge per core, but no more than four at once: beyond that they wait for the disk. */
const defaultMergeWorkers = Math.min(4, availableParallelism());

/** `fallbackText` is needed where the fallback does not say it. */
function setting<Value>(given: Omit<Setting<Value>, "fallbackText"> & { fallbackText?: string }): Setting<Value> {
    return { fallbackText: String(given.fallback), ...given };
}

const maskUrl = (text: string) => describeTarget(parseDatabaseUrl(text));

export const settings = {
    databaseUrl: setting<string | undefined>({
        flag: "--database-url <url>",
        variable: "DATABASE_URL",
        description:
            "the Postgres to use; SLUICE_DIRECT_DATABASE_URL: the server behind a pooler; SLUICE_READ_DATABASE_URL: a standby to read from",
        parse: parseConnectionString,
        fallback: undefined,
        fallbackText: "an embedded server under the data folder",
        mask: maskUrl,
    }),
    directDatabaseUrl: setting<string | undefined>({
        flag: null,
        variable: "SLUICE_DIRECT_DATABASE_URL",
        description: "the server behind the pooler of DATABASE_URL, for everything that writes",
        parse: parseConnectionString,
        fallback: undefined,
        fallbackText: "none: DATABASE_URL",
        mask: maskUrl,
    }),
    readDatabaseUrl: setting<string | undefined>({
        flag: null,
        variable: "SLUICE_READ_DATABASE_URL",
        description: "a standby of DATABASE_URL, for everything that only reads",
        parse: parseConnectionString,
        fallback: undefined,
        fallbackText: "none: DATABASE_URL",
        mask: maskUrl,
    }),
    dataDir: setting<string>({
        flag: "--data-dir <folder>",
        variable: "SLUICE_DATA_DIR",
        description: "where the embedded server keeps its data",
        parse: parseLocalFolder,
        fallback: "data",
    }),
    inputDir: setting<string | undefined>({
        flag: "--input <folder>",
        variable: "SLUICE_INPUT_DIR",
        description: "the folder of CSV files, or s3://bucket/prefix",
        parse: parsePath,
        fallback: undefined,
        fallbackText: "data/input_data",
    }),
    listEveryMs: setting<number>({
        flag: "--list-every <duration>",
        variable: "SLUICE_LIST_EVERY",
        description: "how often a bucket is listed in full; longer where that takes more than a twentieth of the time",
        parse: (text) => parseDuration(text),
        fallback: 60_000,
        fallbackText: "1m",
    }),
    trigger: setting<Trigger>({
        flag: "--trigger <when>",
        variable: "SLUICE_TRIGGER",
        description: "how often to merge: a duration, continuous, or available-now (take what is there, then exit)",
        parse: parseTrigger,
        fallback: { kind: "interval", ms: 1000 },
        fallbackText: "1s",
    }),
    tailSettleMs: setting<number>({
        flag: "--tail-settle <duration>",
        variable: "SLUICE_TAIL_SETTLE",
        description:
            "how long a file must be unchanged before a last line without line end is read; 0: read it at once",
        parse: (text) => parseDuration(text),
        fallback: 10_000,
        fallbackText: "10s",
    }),
    maxChunkBytes: setting<number>({
        flag: "--max-chunk-bytes <size>",
        variable: "SLUICE_MAX_CHUNK_BYTES",
        description: "the largest part of a file that is loaded at once",
        parse: (text) => parseBytes(text, { least: KiB, most: GiB }),
        fallback: 16 * MiB,
        fallbackText: "16MiB",
    }),
    maxRecordBytes: setting<number>({
        flag: "--max-record-bytes <size>",
        variable: "SLUICE_MAX_RECORD_BYTES",
        description: "a record longer than this is rejected",
        parse: (text) => parseBytes(text, { least: KiB, most: 64 * MiB }),
        fallback: MiB,
        fallbackText: "1MiB",
    }),
    mergeWorkers: setting<number>({
        flag: "--merge-workers <count>",
        variable: "SLUICE_MERGE_WORKERS",
        description: "how many merges may run at once",
        parse: (text) => parseWholeNumber(text, { least: 1, most: 16 }),
        fallback: defaultMergeWorkers,
        fallbackText: "one per core, at most 4",
    }),
    workerName: setting<string>({
        flag: "--worker-name <name>",
        variable: "SLUICE_WORKER_NAME",
        description: "what status, API and page call this process among those that share the work",
        parse: parseWorkerName,
        fallback: hostname(),
        fallbackText: "this machine's name",
    }),
    maxBatchRecords: setting<number>({
        flag: "--max-batch-records <count>",
        variable: "SLUICE_MAX_BATCH_RECORDS",
        description: "the most records that one merge takes",
        parse: (text) => parseWholeNumber(text, { least: 1, most: 10_000_000 }),
        fallback: 500_000,
    }),
    maxRejects: setting<RejectBudget | null>({
        flag: "--max-rejects <budget>",
        variable: "SLUICE_MAX_REJECTS",
        description:
            "a file with more rejects than this (a number, or a share: 0.05, 5%) fails, and none of it is loaded",
        parse: parseRejectBudget,
        fallback: null,
        fallbackText: "any number",
    }),
    afterMerge: setting<AfterMerge>({
        flag: "--after-merge <what>",
        variable: "SLUICE_AFTER_MERGE",
        description: "what to do with a merged file; archive moves it to data/archive",
        choices: afterMergeChoices,
        parse: (text) => parseChoice(text, afterMergeChoices),
        fallback: "keep",
    }),
    maxExpandedBytes: setting<number>({
        flag: "--max-expanded-bytes <size>",
        variable: "SLUICE_MAX_EXPANDED_BYTES",
        description: "a compressed file that expands to more than this fails",
        parse: (text) => parseBytes(text, { least: KiB, most: 1024 * GiB }),
        fallback: 64 * GiB,
        fallbackText: "64GiB",
    }),
    maxExpansionRatio: setting<number>({
        flag: "--max-expansion-ratio <number>",
        variable: "SLUICE_MAX_EXPANSION_RATIO",
        description:
            "a compressed file that grows to more than this many times its size fails (checked after the first MiB)",
        parse: (text) => parseWholeNumber(text, { least: 1, most: 1_000_000 }),
        fallback: 1000,
    }),
    configFile: setting<string | undefined>({
        flag: "--config <file>",
        variable: "SLUICE_CONFIG",
        description: "how to read files: dialects, column mapping",
        parse: parsePath,
        fallback: undefined,
        fallbackText: "sluice.config.ts, if it is there",
    }),
    port: setting<number>({
        flag: "--port <number>",
        variable: "SLUICE_PORT",
        description: "the API's port; 0 takes any free one",
        parse: (text) => parseWholeNumber(text, { least: 0, most: 65_535 }),
        fallback: 4040,
    }),
    host: setting<string>({
        flag: "--host <address>",
        variable: "SLUICE_HOST",
        description: "the address that the API listens on",
        parse: parseHost,
        fallback: "127.0.0.1",
        fallbackText: "127.0.0.1, this machine only",
    }),
    allowedHosts: setting<readonly string[]>({
        flag: "--allowed-hosts <names>",
        variable: "SLUICE_ALLOWED_HOSTS",
        description: "more host names that the API answers to, such as those of a proxy or a container",
        parse: parseHostNames,
        fallback: [],
        fallbackText: "localhost, any address, and --host",
    }),
    logFormat: setting<LogFormat>({
        flag: "--log-format <format>",
        variable: "SLUICE_LOG_FORMAT",
        description: "the log format on stderr; json writes one object per line",
        choices: logFormatChoices,
        parse: (text) => parseChoice(text, logFormatChoices),
        fallback: "text",
    }),
    notifyWebhook: setting<string | undefined>({
        flag: "--notify-webhook <url>",
        variable: "SLUICE_NOTIFY_WEBHOOK",
        description: "where to POST a message when the state of a stream changes",
        parse: parseWebAddress,
        fallback: undefined,
        fallbackText: "nowhere",
        // The path of Slack's is its key.
        mask: (text) => `${new URL(text).origin}/***`,
    }),
    notifyAfterMs: setting<number>({
        flag: "--notify-after <duration>",
        variable: "SLUICE_NOTIFY_AFTER",
        description: "how long a problem must last before a message is sent; a recovery ten times as long",
        parse: (text) => parseDuration(text),
        fallback: 30_000,
        fallbackText: "30s",
    }),
    notifySecret: setting<string | undefined>({
        flag: null,
        variable: "SLUICE_NOTIFY_SECRET",
        description: "the key that signs the messages",
        parse: parseSigningSecret,
        fallback: undefined,
        fallbackText: "none: messages are not signed",
        mask: () => "***",
    }),
    pageUrl: setting<string | undefined>({
        flag: "--page-url <url>",
        variable: "SLUICE_PAGE_URL",
        description: "the address of the page for the readers of messages, which then link to it",
        parse: parseWebAddress,
        fallback: undefined,
        fallbackText: "none: messages have no link",
    }),
};

export type SettingName = keyof typeof settings;

/** The settings that sluice.config.ts may have: all but the path of that file and the secret. */
export type FileSettingName = Exclude<SettingName, "configFile" | "notifySecret">;

/** Those of `notify` in sluice.config.ts, by their names there. The others are in `settings`, by their own. */
export const notifyNames = {
    webhook: "notifyWebhook",
    after: "notifyAfterMs",
    page: "pageUrl",
} as const satisfies Record<string, FileSettingName>;

type NotifyName = (typeof notifyNames)[keyof typeof notifyNames];

export const fileSettingNames = (Object.keys(settings) as SettingName[]).filter(
    (name): name is Exclude<FileSettingName, NotifyName> => nameInFile(name)?.startsWith("settings.") ?? false,
);

/** `settings.trigger`, `notify.webhook`; null for one that the file may not have. */
export function nameInFile(name: SettingName): string | null {
    if (name === "configFile" || name === "notifySecret") return null;
    const [short] = Object.entries(notifyNames).find(([, full]) => full === name) ?? [];
    return short === undefined ? `settings.${name}` : `notify.${short}`;
}
