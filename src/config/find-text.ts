/** Which text a setting has, and who gave it: the order of rank is here and nowhere else. */
import { Option } from "commander";
import type { Environment } from "../environment.ts";
import { type Origin, originOfVariable } from "./origin.ts";
import type { ConfigFile } from "./read-config-file.ts";
import { type SettingName, settings } from "./settings.ts";

export type Flags = Record<string, unknown>;

/** Everything that a command's settings may come from. */
export interface Given {
    flags: Flags;
    environment: Environment;
    /** Null: there is none. */
    configFile: Pick<ConfigFile, "name" | "settings" | "error"> | null;
}

/** The text of a setting and who gave it: the first of flag, variable and sluice.config.ts that has one. */
export function findText(
    name: SettingName,
    { flags, environment, configFile }: Given,
): { text: string; origin: Origin } | null {
    const { flag: flagForm, variable } = settings[name];
    const flag = new Option(flagForm);
    const flagText = flags[flag.attributeName()];
    if (typeof flagText === "string") return { text: flagText, origin: { kind: "flag", name: flag.long! } };
    // A variable that is set to nothing is not set: that is how one is switched off for a single command.
    const variableText = environment[variable]?.trim();
    if (variableText) return { text: variableText, origin: originOfVariable(variable, environment[variable]!) };
    const fileText = name === "configFile" ? undefined : configFile?.settings[name];
    if (!configFile || fileText === undefined) return null;
    return { text: fileText, origin: { kind: "config-file", name: `settings.${name}`, file: configFile.name } };
}
