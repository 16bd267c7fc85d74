/**
 * The only place that reads the environment. A flag wins over a variable (Bun has put `.env` into those), a variable
 * over the default. A command reads the settings it takes, once, and gets a frozen object or one error that names every fault.
 */
import { join } from "node:path";
import { Option } from "commander";
import type { AfterMerge, RejectBudget, Trigger } from "./config/parse-values.ts";
import { type Setting, settings } from "./config/settings.ts";
import type { SourceConfig } from "./config-file/source-config.ts";
import { exitCodes, SluiceError } from "./errors.ts";
import { sanitize } from "./terminal/sanitize.ts";
import { decideColor } from "./terminal/use-color.ts";

export type { AfterMerge, RejectBudget, Trigger } from "./config/parse-values.ts";

export interface Config {
    /** A `postgres://` address; undefined means the embedded server under `dataDir`. */
    databaseUrl: string | undefined;
    dataDir: string;
    inputDir: string;
    trigger: Trigger;
    tailSettleMs: number;
    maxChunkBytes: number;
    maxRecordBytes: number;
    mergeWorkers: number;
    maxBatchRecords: number;
    /** A file, or an addition to one, with more rejects than this fails whole; null: it may have any number. */
    maxRejects: RejectBudget | null;
    afterMerge: AfterMerge;
    /** Where `afterMerge` archive moves files to: under the data folder. */
    archiveDir: string;
    maxExpandedBytes: number;
    maxExpansionRatio: number;
    /** What to read sources from; undefined: sluice.config.ts in the working folder, if it is there. */
    configFile: string | undefined;
    port: number;
    host: string;
    /** What the API asks of its callers; undefined: nothing, and then it serves this machine alone. */
    apiToken: string | undefined;
    checkAtEnd: boolean;
    json: boolean;
    /** Whether `start` generates events: by default only into its own embedded server. */
    generate: boolean;
    /** Whether stdout takes colour. Every command has it. */
    color: boolean;
}

export type ConfigField = Exclude<keyof Config, "color">;

export const ingestFields = [
    "inputDir",
    "trigger",
    "tailSettleMs",
    "maxChunkBytes",
    "maxRecordBytes",
    "mergeWorkers",
    "maxBatchRecords",
    "maxRejects",
    "afterMerge",
    "archiveDir",
    "maxExpandedBytes",
    "maxExpansionRatio",
    "configFile",
] as const satisfies readonly ConfigField[];

/** What the engine needs to know of the command line. */
export type IngestConfig = Pick<
    Config,
    Exclude<(typeof ingestFields)[number], "maxExpandedBytes" | "maxExpansionRatio" | "configFile">
> &
    Partial<Pick<Config, "maxExpandedBytes" | "maxExpansionRatio">> & {
        /** Of sluice.config.ts: see src/config-file. */
        sources?: readonly SourceConfig[];
    };

/** Where the database is: every command that opens one takes these. */
export const databaseFields = ["databaseUrl", "dataDir"] as const satisfies readonly ConfigField[];

export type Flags = Record<string, unknown>;
export type Environment = Record<string, string | undefined>;

type ValueField = keyof typeof settings;

const switches = {
    // Never a flag: every user of the machine sees those.
    apiToken: () => [],
    // It goes with the data folder.
    archiveDir: () => [],
    checkAtEnd: () => [new Option("--check", "run the checks at the end; exit 1 if one fails")],
    json: () => [new Option("--json", "print JSON on stdout")],
    generate: () => [
        new Option("--generate", "generate events (default: only into the embedded server)"),
        new Option("--no-generate", "generate none"),
    ],
} satisfies Partial<Record<ConfigField, () => Option[]>>;

/** The flags of these fields for a command; pass what they parse to readConfig. */
export function configOptions(...fields: ConfigField[]): Option[] {
    return fields.flatMap((field) => {
        if (field in switches) return switches[field as keyof typeof switches]();
        const { flag, description, fallbackText, variable } = settings[field as ValueField];
        return [new Option(flag, `${description} (default: ${fallbackText}; or ${variable})`)];
    });
}

/**
 * The effective settings of a command: `fields` (and always `color`), from the flags that commander parsed and the
 * environment. Throws one SluiceError that names every fault: usage (2) when a flag is among them, else configuration (3).
 */
export function readConfig<Field extends ConfigField>(
    fields: readonly Field[],
    flags: Flags,
    environment: Environment = process.env,
): Readonly<Pick<Config, Field | "color">> {
    const source: Source = { flags, environment, faults: new Map() };
    const entries = [...fields, "color" as const].map((field) => [field, freeze(readers[field](source))]);
    if (source.faults.size > 0) throw configError([...source.faults.values()]);
    return Object.freeze(Object.fromEntries(entries));
}

/** Whether npm started this process (`npx -y bun run …`): npx dies of a signal without passing it on. */
export function isStartedByNpm(environment: Environment = process.env): boolean {
    return environment.npm_config_user_agent?.startsWith("npm/") ?? false;
}

/** SLUICE_DEBUG: an unexpected error shows its whole stack. */
export function isDebugging(environment: Environment = process.env): boolean {
    return Boolean(environment.SLUICE_DEBUG);
}

interface Fault {
    /** The flag or variable, and unless it is secret its value. */
    given: string;
    fromFlag: boolean;
    problem: string;
    remedy: string;
}

interface Source {
    flags: Flags;
    environment: Environment;
    /** By flag, so that a setting that two others depend on is named once. */
    faults: Map<string, Fault>;
}

const readers: { [Field in keyof Config]: (source: Source) => Config[Field] } = {
    databaseUrl: (source) => readSetting(settings.databaseUrl, source),
    dataDir: (source) => readSetting(settings.dataDir, source),
    inputDir: (source) =>
        readSetting(settings.inputDir, source) ?? join(readSetting(settings.dataDir, source), "input_data"),
    trigger: (source) => readSetting(settings.trigger, source),
    tailSettleMs: (source) => readSetting(settings.tailSettleMs, source),
    maxChunkBytes: (source) => readSetting(settings.maxChunkBytes, source),
    maxRecordBytes: (source) => readSetting(settings.maxRecordBytes, source),
    mergeWorkers: (source) => readSetting(settings.mergeWorkers, source),
    maxBatchRecords: (source) => readSetting(settings.maxBatchRecords, source),
    maxRejects: (source) => readSetting(settings.maxRejects, source),
    afterMerge: (source) => readSetting(settings.afterMerge, source),
    archiveDir: (source) => join(readSetting(settings.dataDir, source), "archive"),
    maxExpandedBytes: (source) => readSetting(settings.maxExpandedBytes, source),
    maxExpansionRatio: (source) => readSetting(settings.maxExpansionRatio, source),
    configFile: (source) => readSetting(settings.configFile, source),
    port: (source) => readSetting(settings.port, source),
    host: (source) => readSetting(settings.host, source),
    apiToken: ({ environment }) => environment.SLUICE_API_TOKEN?.trim() || undefined,
    checkAtEnd: ({ flags }) => flags.check === true,
    json: ({ flags }) => flags.json === true,
    generate: (source) => {
        const generateFlag = source.flags.generate;
        return generateFlag === undefined ? readers.databaseUrl(source) === undefined : generateFlag === true;
    },
    color: ({ flags, environment }) =>
        decideColor({ noColorFlag: flags.color === false, environment, isTerminal: process.stdout.isTTY === true }),
};

function readSetting<Value>(setting: Setting<Value>, { flags, environment, faults }: Source): Value {
    const flag = new Option(setting.flag);
    const flagText = flags[flag.attributeName()];
    const fromFlag = typeof flagText === "string";
    const text = fromFlag ? flagText : environment[setting.variable]?.trim();
    // A variable that is set to nothing is not set: that is how one is switched off for a single command.
    if (text === undefined || (text === "" && !fromFlag)) return setting.fallback;
    const parsed = setting.parse(text);
    if ("value" in parsed) return parsed.value;
    const name = fromFlag ? flag.long! : setting.variable;
    const given = setting.secret ? name : `${name} "${sanitize(text, { most: 60 })}"`;
    faults.set(setting.flag, { given, fromFlag, ...parsed });
    return setting.fallback;
}

function configError(faults: Fault[]): SluiceError {
    const isUsage = faults.some(({ fromFlag }) => fromFlag);
    const sentences = faults.map(({ given, problem }) => `${given} ${problem}`);
    const remedies = faults.map(({ given, remedy }) =>
        faults.length === 1 ? remedy : `${given.split(" ")[0]}: ${remedy}`,
    );
    return new SluiceError({
        code: isUsage ? "bad_flag_value" : "bad_configuration",
        what: sentences.join("\n"),
        remedy: remedies.join("\n"),
        exitCode: isUsage ? exitCodes.usage : exitCodes.configuration,
    });
}

function freeze<Value>(value: Value): Value {
    return Object.freeze(value);
}
