/** Finds, loads and validates sluice.config.ts. */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { program } from "../environment.ts";
import { exitCodes, SluiceError } from "../errors.ts";
import { importDeclaration } from "../streams/import-declaration.ts";
import type { SourceConfig } from "../streams/source-config.ts";
import type { Stream } from "../streams/stream.ts";
import type { FileSettings, StreamSwitches } from "./validate-config.ts";

const defaultName = "sluice.config.ts";
const nothing = { sources: [], settings: {}, streams: {} };

export interface ConfigFile {
    name: string;
    sources: SourceConfig[];
    settings: FileSettings;
    streams: StreamSwitches;
    /** Names every fault; null when there is none. */
    error: SluiceError | null;
}

/**
 * Loads `configFile`, or sluice.config.ts of the working folder if it exists. A file that is missing, cannot be loaded or has
 * faults counts as empty, and `error` (exit 3) names all that is wrong.
 */
export async function loadConfigFile(
    configFile: string | undefined,
    stream: Stream | null = null,
): Promise<ConfigFile> {
    const name = configFile ?? defaultName;
    const refuse = (faults: string[], remedy: string, cause?: unknown): ConfigFile => {
        return { name, ...nothing, error: configFileError(name, faults, remedy, cause) };
    };
    const path = resolve(name);
    if (!existsSync(path)) {
        if (configFile === undefined) return { name, ...nothing, error: null };
        return refuse(["does not exist"], "Name another with --config, or leave it out.");
    }
    let loaded: unknown;
    try {
        loaded = await importDeclaration(path);
    } catch (cause) {
        return refuse([`cannot be loaded: ${firstLine(cause)}`], "Correct it, or name another with --config.", cause);
    }
    // Imported here, so that a command without the file starts without zod.
    const { validateConfig } = await import("./validate-config.ts");
    const validated = validateConfig(loaded, stream);
    if ("sources" in validated) return { name, ...validated, error: null };
    const faults = validated.faults.map(({ at, problem }) => `${at} ${problem}`);
    return refuse(faults, `docs/column_mapping.md explains the settings; ${program} config lists their names.`);
}

/** The sources of the file alone. @throws SluiceError when there is anything wrong with it */
export async function readConfigFile(configFile: string | undefined, stream: Stream): Promise<SourceConfig[]> {
    const { sources, error } = await loadConfigFile(configFile, stream);
    if (error) throw error;
    return sources;
}

function firstLine(cause: unknown): string {
    return (cause instanceof Error ? cause.message : String(cause)).split("\n")[0]!;
}

function configFileError(name: string, faults: string[], remedy: string, cause?: unknown): SluiceError {
    return new SluiceError({
        code: "bad_config_file",
        what: faults.map((fault) => `${name}: ${fault}${/[?.]$/.test(fault) ? "" : "."}`).join("\n"),
        remedy,
        exitCode: exitCodes.configuration,
        cause,
        setting: "configFile",
    });
}
