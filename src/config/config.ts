/**
 * The only place that reads the environment. A command reads the settings it takes, once, and gets a frozen object or one
 * error that names every fault.
 */
import { join } from "node:path";
import { Option } from "commander";
import type { FaultPlan } from "../database/faults/fault-points.ts";
import { parseFaultPlan } from "../database/faults/parse-fault-plan.ts";
import type { Environment } from "../environment.ts";
import { exitCodes, SluiceError } from "../errors.ts";
import { isInBucket } from "../streams/route-files.ts";
import type { SourceConfig } from "../streams/source-config.ts";
import type { Stream } from "../streams/stream.ts";
import { sanitize } from "../terminal/sanitize.ts";
import { decideColor } from "../terminal/use-color.ts";
import { explainConfig } from "./explain-config.ts";
import { describeOrigin, type Origin, originOfVariable } from "./origin.ts";
import type { LogFormat } from "./parse-values.ts";
import { loadConfigFile } from "./read-config-file.ts";
import { type Flags, type Given, resolveSetting, type ValueOf } from "./resolve-setting.ts";
import { type Setting, type SettingName, settings } from "./settings.ts";
import { findUnknownVariables, knownVariables, tokenVariable } from "./unknown-variables.ts";

export type { RejectBudget } from "../streams/reject-budget.ts";
export type { AfterMerge, LogFormat, Trigger } from "./parse-values.ts";
export type { Flags } from "./resolve-setting.ts";

type SettingValues = { [Name in SettingName]: ValueOf<Name> };

/** The values of the settings, and of the derived fields below. */
export type Config = Omit<SettingValues, keyof DerivedFields> & {
    [Field in keyof DerivedFields]: ReturnType<DerivedFields[Field]["read"]>;
};

export type ConfigField = Exclude<keyof Config, "color">;

export const ingestFields = [
    "inputDir",
    "trigger",
    "tailSettleMs",
    "maxChunkBytes",
    "maxRecordBytes",
    "mergeWorkers",
    "workerName",
    "maxBatchRecords",
    "maxRejects",
    "afterMerge",
    "archiveDir",
    "listEveryMs",
    "maxExpandedBytes",
    "maxExpansionRatio",
    "deferIndexes",
    "configFile",
] as const satisfies readonly ConfigField[];

/** The settings of the engine. */
export type IngestConfig = Pick<
    Config,
    Exclude<
        (typeof ingestFields)[number],
        "maxExpandedBytes" | "maxExpansionRatio" | "listEveryMs" | "workerName" | "deferIndexes" | "configFile"
    >
> &
    Partial<Pick<Config, "maxExpandedBytes" | "maxExpansionRatio" | "listEveryMs" | "workerName" | "deferIndexes">> & {
        sources?: readonly SourceConfig[];
    };

/** Who is told when the state of a stream changes. */
export const notifyFields = [
    "notifyWebhook",
    "notifyAfterMs",
    "notifySecret",
    "pageUrl",
] as const satisfies readonly ConfigField[];

/** Where the database is: every command that opens one takes these. */
export const databaseFields = [
    "databaseUrl",
    "directDatabaseUrl",
    "readDatabaseUrl",
    "dataDir",
] as const satisfies readonly ConfigField[];

interface DerivedField<Value> {
    options?(): Option[];
    read(source: Source): Value;
}

/** The fields that are not the value of one setting, with their flags. */
const derivedFields = {
    directDatabaseUrl: { read: (source) => readBesideUrl("directDatabaseUrl", source) },
    readDatabaseUrl: { read: (source) => readBesideUrl("readDatabaseUrl", source) },
    inputDir: {
        options: () => settingOptions("inputDir"),
        read: (source) => readSetting("inputDir", source) ?? join(readSetting("dataDir", source), "input_data"),
    },
    /** Nobody named the input folder: it is ours to make. */
    isInputDefault: { read: (source) => resolveSetting("inputDir", source).text === null },
    /** The folder that --after-merge archive moves files to. */
    archiveDir: { read: (source) => join(readSetting("dataDir", source), "archive") },
    /** Never a flag: every user of the machine sees those. Without it, the API serves this machine only. */
    apiToken: { read: ({ environment }) => environment[tokenVariable]?.trim() || undefined },
    checkAtEnd: {
        options: () => [new Option("--check", "run the checks at the end; exit 1 if one fails")],
        read: ({ flags }) => flags.check === true,
    },
    deferIndexes: {
        options: () => [
            new Option(
                "--defer-indexes",
                "drop a table's non-unique indexes while a backlog larger than it is loaded, and make them again after that",
            ),
        ],
        read: ({ flags }) => flags.deferIndexes === true,
    },
    json: {
        options: () => [new Option("--json", "print JSON on stdout")],
        read: ({ flags }) => flags.json === true,
    },
    lab: {
        options: () => [
            new Option("--lab", "a panel of experiments that break things (embedded database, this machine only)"),
        ],
        read: ({ flags }) => flags.lab === true,
    },
    generate: {
        options: () => [
            new Option("--generate", "generate sample data (default: only into the embedded server)"),
            new Option("--no-generate", "generate none"),
        ],
        read: (source) => {
            const { generate } = source.flags;
            if (generate !== undefined) return generate === true;
            return (
                readSetting("databaseUrl", source) === undefined && !isInBucket(readSetting("inputDir", source) ?? "")
            );
        },
    },
    /** Whether stdout takes colour. Every command has it. */
    color: { read: ({ flags, environment }) => takesColor(flags, environment) },
} satisfies Record<string, DerivedField<unknown>>;

type DerivedFields = typeof derivedFields;

function isDerived(field: keyof Config): field is keyof DerivedFields {
    return field in derivedFields;
}

/** The flags of these fields for a command; pass what they parse to readConfig. */
export function configOptions(...fields: ConfigField[]): Option[] {
    return fields.flatMap((field) =>
        isDerived(field) ? ((derivedFields[field] as DerivedField<unknown>).options?.() ?? []) : settingOptions(field),
    );
}

/** None for a setting without a flag. */
function settingOptions(name: SettingName): Option[] {
    const { flag, description, fallbackText, variable, choices }: Setting<unknown> = settings[name];
    if (flag === null) return [];
    const option = new Option(flag, `${description} (default: ${fallbackText}; or ${variable})`);
    // A wrong value is told with the faults of the other settings.
    return [choices === undefined ? option : option.choices(choices).argParser((text) => text)];
}

/** The flags of these fields as they were given, for a command that starts another one. */
export function passFlags(fields: readonly ConfigField[], flags: Flags): string[] {
    return configOptions(...fields).flatMap((option) => {
        const given = flags[option.attributeName()];
        if (given === true) return [option.long!];
        return typeof given === "string" ? [option.long!, given] : [];
    });
}

export interface Sources {
    sources: readonly SourceConfig[];
    /** Whether the stream of the sources is turned off. */
    isBuiltInOff: boolean;
}

/**
 * The effective settings of a command: `fields` (and always `color`), and the sources of sluice.config.ts.
 * @throws SluiceError as readConfig does; `bad_config_file` (3) when that file alone is at fault
 */
export async function loadConfig<Field extends ConfigField>(
    fields: readonly Field[],
    flags: Flags,
    stream: Stream | null = null,
): Promise<Readonly<Pick<Config, Field | "color"> & Sources>> {
    const { given, sources, isBuiltInOff } = await gatherConfig(flags, stream);
    const config = readConfig(fields, flags, given.environment, given.configFile);
    return Object.freeze({ ...config, sources, isBuiltInOff });
}

/**
 * Loads everything that settings may come from, and parses none of them. Never throws for what a person wrote. `stream`: the
 * one that the sources belong to, for a command that reads files.
 */
export async function gatherConfig(
    flags: Flags,
    stream: Stream | null = null,
    environment: Environment = process.env,
): Promise<{ given: Given } & Sources> {
    // A fault of this setting is reported with those of the others.
    const path = readSetting("configFile", { flags, environment, configFile: null, faults: new Map() });
    const configFile = await loadConfigFile(path, stream);
    const { sources, streams } = configFile;
    const isBuiltInOff = stream !== null && streams[stream.name] === false;
    return { given: { flags, environment, configFile }, sources, isBuiltInOff };
}

/**
 * The effective settings of a command: `fields` (and always `color`), from the flags that commander parsed, the
 * environment and what sluice.config.ts sets. Throws one SluiceError that names every fault: usage (2) when a flag is
 * among them, else configuration (3).
 */
export function readConfig<Field extends ConfigField>(
    fields: readonly Field[],
    flags: Flags,
    environment: Environment = process.env,
    configFile: Given["configFile"] = null,
): Readonly<Pick<Config, Field | "color">> {
    const source: Source = { flags, environment, configFile, faults: new Map() };
    const entries = [...fields, "color" as const].map((field) => [field, freeze(readField(field, source))]);
    const faults = [...source.faults.values(), ...describeUnknown(environment)];
    if (faults.length > 0 || configFile?.error) throw configError(faults, configFile?.error ?? null);
    return Object.freeze(Object.fromEntries(entries));
}

/** The origin of a setting's value, for an error about it: `SLUICE_PORT in .env, line 3`. Null when there is no such setting. */
export async function describeGiver(name: string, flags: Flags): Promise<string | null> {
    const { given } = await gatherConfig(flags);
    const explained = explainConfig(given).find((setting) => setting.name === name);
    if (!explained) return null;
    const origin = describeOrigin(explained.origin);
    return explained.origin.kind === "default" ? `${origin} of ${explained.flag ?? explained.variable}` : origin;
}

/** Whether stdout takes colour, for a command whose settings could not be read. */
export function takesColor(flags: Flags, environment: Environment = process.env): boolean {
    return decideColor({ noColorFlag: flags.color === false, environment, isTerminal: process.stdout.isTTY === true });
}

/** --log-format before the flags are parsed, by the command line or the environment; null when neither names it. */
export function readLogFormat(argv: readonly string[], environment: Environment = process.env): LogFormat | null {
    const at = argv.lastIndexOf("--log-format");
    const joined = argv.findLast((argument) => argument.startsWith("--log-format="))?.split("=")[1];
    const text = (at === -1 ? joined : argv[at + 1]) ?? environment[settings.logFormat.variable];
    return text === "json" || text === "text" ? text : null;
}

/** The fault that a test asks for by FAULT_AT=point[:pass] and FAULT_ACTION (default kill), or null. */
export function readFaultPlan(environment: Environment = process.env): FaultPlan | null {
    return parseFaultPlan(environment.FAULT_AT, environment.FAULT_ACTION);
}

interface Fault {
    /** The flag, variable or name in sluice.config.ts, and unless it is secret its value. */
    given: string;
    origin: Origin;
    problem: string;
    remedy: string;
}

interface Source extends Given {
    /** A setting that two fields depend on is named once. */
    faults: Map<SettingName, Fault>;
}

function readField(field: keyof Config, source: Source): unknown {
    return isDerived(field) ? derivedFields[field].read(source) : readSetting(field, source);
}

function readSetting<Name extends SettingName>(name: Name, source: Source): ValueOf<Name> {
    const { text, origin, parsed } = resolveSetting(name, source);
    if ("value" in parsed) return parsed.value;
    const writtenAs = origin.kind === "default" ? name : origin.name;
    const isSecret = "mask" in settings[name];
    const given = isSecret ? writtenAs : `${writtenAs} "${sanitize(text ?? "", { most: 60 })}"`;
    source.faults.set(name, { given, origin, ...parsed });
    return settings[name].fallback;
}

/**
 * Another way to the database of DATABASE_URL. With --database-url there is only that one: the variable belongs to another
 * database.
 */
function readBesideUrl(name: "directDatabaseUrl" | "readDatabaseUrl", source: Source): string | undefined {
    const url = readSetting(name, source);
    const { origin } = resolveSetting("databaseUrl", source);
    if (url === undefined || origin.kind === "flag") return undefined;
    if (origin.kind === "default") {
        source.faults.set(name, {
            given: settings[name].variable,
            origin: resolveSetting(name, source).origin,
            problem: "is set, and DATABASE_URL is not.",
            remedy: "Set both, or neither.",
        });
    }
    return url;
}

function describeUnknown(environment: Environment): Fault[] {
    return findUnknownVariables(environment).map(({ name, near }) => ({
        given: name,
        origin: originOfVariable(name, environment[name]!),
        problem: "is set, but Sluice has no such variable.",
        remedy: near === null ? `Unset it; there are ${knownVariables.join(", ")}.` : `Did you mean ${near}?`,
    }));
}

function configError(faults: Fault[], fileError: SluiceError | null): SluiceError {
    if (fileError && faults.length === 0) return fileError;
    const isUsage = faults.some(({ origin }) => origin.kind === "flag");
    const isSingle = faults.length === 1 && fileError === null;
    const nameOf = ({ given }: Fault) => given.split(" ")[0];
    const lines = (line: (fault: Fault) => string, ofFile: string) =>
        [...faults.map(line), ...(fileError ? [ofFile] : [])].join("\n");
    return new SluiceError({
        code: isUsage ? "bad_flag_value" : "bad_configuration",
        what: lines(({ given, problem }) => `${given} ${problem}`, fileError?.what ?? ""),
        remedy: lines((fault) => (isSingle ? "" : `${nameOf(fault)}: `) + fault.remedy, fileError?.remedy ?? ""),
        from: [...new Set(faults.map(({ origin }) => describeOrigin(origin)))].join("\n"),
        exitCode: isUsage ? exitCodes.usage : exitCodes.configuration,
        cause: fileError?.cause,
    });
}

function freeze<Value>(value: Value): Value {
    return Object.freeze(value);
}
