/** Finds, loads and validates sluice.config.ts. The sources it gives are frozen. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { exitCodes, SluiceError } from "../errors.ts";
import type { SourceConfig } from "./source-config.ts";
import { validateConfig } from "./validate-config.ts";

const defaultName = "sluice.config.ts";

/**
 * The sources of `configFile`, or of sluice.config.ts in the working folder when none is named and it is there.
 * @throws SluiceError (exit 3) when the file is missing, cannot be loaded, or has faults: all of them at once.
 */
export async function readConfigFile(configFile: string | undefined): Promise<SourceConfig[]> {
    const name = configFile ?? defaultName;
    const path = resolve(name);
    if (!existsSync(path)) {
        if (configFile === undefined) return [];
        throw configFileError(name, ["does not exist"], "Name another with --config.");
    }
    const loaded = await import(pathToFileURL(path).href).catch((cause) => {
        throw configFileError(name, [`cannot be loaded: ${firstLine(cause)}`], "Mend it, or name another.", cause);
    });
    const validated = validateConfig(loaded.default);
    if ("sources" in validated) return validated.sources;
    const faults = validated.faults.map(({ at, problem }) => `${at} ${problem}`);
    throw configFileError(name, faults, "The settings and what they mean: src/config-file/source-config.ts.");
}

function firstLine(cause: unknown): string {
    return (cause instanceof Error ? cause.message : String(cause)).split("\n")[0]!;
}

function configFileError(name: string, faults: string[], remedy: string, cause?: unknown): SluiceError {
    return new SluiceError({
        code: "bad_config_file",
        what: faults.map((fault) => `${name}: ${fault}${fault.endsWith("?") ? "" : "."}`).join("\n"),
        remedy,
        exitCode: exitCodes.configuration,
        cause,
    });
}
