/** What files of deployment may name: the project's commands, with flags that they take, and variables that are read. */
import manifest from "../../package.json";
import { knownVariables } from "../../src/config/unknown-variables.ts";
import { runScript } from "../support/run-script.ts";

/** `bun dist/sluice.js NAME …` is what `bun run NAME` of package.json is, and its flags are in the help. Null when all is right. */
export async function faultOfCommand([bun, bundle, name = "", ...flags]: string[]): Promise<string | null> {
    const isCommand = (manifest.scripts as Record<string, string>)[name] === `bun scripts/${name}.ts`;
    if (bun !== "bun" || bundle !== "dist/sluice.js" || !isCommand) return `${bun} ${bundle} ${name} is no command`;
    const { stdout } = await runScript(name, ["--help"]);
    return flags.find((flag) => !stdout.includes(` ${flag}`)) ?? null;
}

/** Read by docker/entrypoint.sh and not by the program. */
const entrypointVariables = ["SLUICE_API_TOKEN_FILE", "DATABASE_PASSWORD_FILE"];

export const variables: readonly string[] = [...knownVariables, "DATABASE_URL", ...entrypointVariables];
