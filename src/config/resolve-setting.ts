/** Finds a setting's value and its origin. The precedence of flag, variable and sluice.config.ts is here and nowhere else. */
import { Option } from "commander";
import type { Environment } from "../environment.ts";
import { type Origin, originOfVariable } from "./origin.ts";
import type { Parsed } from "./parse-values.ts";
import type { ConfigFile } from "./read-config-file.ts";
import { type FileSettingName, nameInFile, type Setting, type SettingName, settings } from "./settings.ts";

export type Flags = Record<string, unknown>;

/** Everything that a command's settings may come from. */
export interface Given {
    flags: Flags;
    environment: Environment;
    configFile: Pick<ConfigFile, "name" | "settings" | "error"> | null;
}

export type ValueOf<Name extends SettingName> = (typeof settings)[Name]["fallback"];

export interface ResolvedSetting<Value> {
    /** As it was written; null when nobody set it. */
    text: string | null;
    origin: Origin;
    parsed: Parsed<Value>;
}

export function resolveSetting<Name extends SettingName>(name: Name, given: Given): ResolvedSetting<ValueOf<Name>> {
    const setting: Setting<ValueOf<Name>> = settings[name] as never;
    const found = findText(name, given);
    if (found === null) return { text: null, origin: { kind: "default" }, parsed: { value: setting.fallback } };
    return { ...found, parsed: setting.parse(found.text) };
}

function findText(
    name: SettingName,
    { flags, environment, configFile }: Given,
): { text: string; origin: Origin } | null {
    const { flag: flagForm, variable } = settings[name];
    const flag = flagForm === null ? null : new Option(flagForm);
    const flagText = flag && flags[flag.attributeName()];
    if (typeof flagText === "string") return { text: flagText, origin: { kind: "flag", name: flag!.long! } };
    // A variable that is set to nothing counts as not set: that switches one off for a single command.
    const variableText = environment[variable]?.trim();
    if (variableText) return { text: variableText, origin: originOfVariable(variable, environment[variable]!) };
    const inFile = nameInFile(name);
    const fileText = inFile === null ? undefined : configFile?.settings[name as FileSettingName];
    if (!configFile || inFile === null || fileText === undefined) return null;
    return { text: fileText, origin: { kind: "config-file", name: inFile, file: configFile.name } };
}
