/** Every setting with its effective value and its origin: for `bun run config`, and for errors. Pure. */
import { join } from "node:path";
import { Option } from "commander";
import { sanitize } from "../terminal/sanitize.ts";
import { type Origin, originOfVariable } from "./origin.ts";
import { type Given, resolveSetting } from "./resolve-setting.ts";
import { type Setting, type SettingName, settings } from "./settings.ts";
import { tokenVariable } from "./unknown-variables.ts";

export interface ExplainedSetting {
    /** Its name in sluice.config.ts; `apiToken` is a variable only. */
    name: SettingName | "apiToken";
    flag: string | null;
    variable: string;
    /** As it would be written; masked when it is secret; null when nothing is set and there is no default. */
    value: string | null;
    origin: Origin;
    /** Why it cannot be used, with the remedy; null when it can. */
    fault: string | null;
}

export function explainConfig(given: Given): ExplainedSetting[] {
    const names = Object.keys(settings) as SettingName[];
    return [...names.map((name) => explainSetting(name, given)), explainToken(given)];
}

function explainSetting(name: SettingName, given: Given): ExplainedSetting {
    const setting: Setting<unknown> = settings[name];
    const { text, origin, parsed } = resolveSetting(name, given);
    return {
        name,
        flag: setting.flag === null ? null : new Option(setting.flag).long!,
        variable: setting.variable,
        value: text === null ? describeDefault(name, given) : showText(setting, text, "value" in parsed),
        origin,
        fault: "value" in parsed ? null : `${parsed.problem} ${parsed.remedy}`,
    };
}

function describeDefault(name: SettingName, given: Given): string | null {
    if (name === "inputDir") {
        return sanitize(join(resolveSetting("dataDir", given).text ?? settings.dataDir.fallback, "input_data"));
    }
    const { fallback, fallbackText } = settings[name];
    return name === "mergeWorkers" || typeof fallback === "string" ? String(fallback) : fallbackText;
}

/** A secret that cannot be parsed is not shown at all: the password may be anywhere in it. */
function showText({ mask }: Setting<unknown>, text: string, isUsable: boolean): string {
    if (mask) return isUsable ? sanitize(mask(text)) : "***";
    return sanitize(text, { most: 200 });
}

function explainToken({ environment }: Given): ExplainedSetting {
    const token = environment[tokenVariable]?.trim() || null;
    return {
        name: "apiToken",
        flag: null,
        variable: tokenVariable,
        value: token === null ? "none: the API serves this machine only" : `*** (${Buffer.byteLength(token)} bytes)`,
        origin: token === null ? { kind: "default" } : originOfVariable(tokenVariable, environment[tokenVariable]!),
        fault: null,
    };
}
