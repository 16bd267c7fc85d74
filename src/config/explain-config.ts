/** Every setting with its effective value and where that is from: for `bun run config`, and for errors. Pure. */
import { join } from "node:path";
import { Option } from "commander";
import { sanitize } from "../terminal/sanitize.ts";
import { findText, type Given } from "./find-text.ts";
import { type Origin, originOfVariable } from "./origin.ts";
import { type Setting, type SettingName, settings } from "./settings.ts";
import { tokenVariable } from "./unknown-variables.ts";

export interface ExplainedSetting {
    /** As sluice.config.ts calls it; `apiToken` is a variable only. */
    name: SettingName | "apiToken";
    flag: string | null;
    variable: string;
    /** As it would be written; masked when it is secret; null when nothing is set and there is no default. */
    value: string | null;
    origin: Origin;
    /** Why it cannot be used, with the remedy; null when it can. */
    fault: string | null;
}

/** Every setting with its effective value and where that is from. */
export function explainConfig(given: Given): ExplainedSetting[] {
    const names = Object.keys(settings) as SettingName[];
    return [...names.map((name) => explainSetting(name, given)), explainToken(given)];
}

function explainSetting(name: SettingName, given: Given): ExplainedSetting {
    const setting: Setting<unknown> = settings[name];
    const found = findText(name, given);
    const parsed = found === null ? null : setting.parse(found.text);
    const isUsable = parsed === null || "value" in parsed;
    return {
        name,
        flag: new Option(setting.flag).long!,
        variable: setting.variable,
        value: found === null ? describeDefault(name, given) : showText(setting, found.text, isUsable),
        origin: found?.origin ?? { kind: "default" },
        fault: isUsable ? null : `${parsed.problem} ${parsed.remedy}`,
    };
}

function describeDefault(name: SettingName, given: Given): string | null {
    if (name === "inputDir")
        return sanitize(join(findText("dataDir", given)?.text ?? settings.dataDir.fallback, "input_data"));
    if (name === "mergeWorkers") return String(settings.mergeWorkers.fallback);
    const { fallback, fallbackText } = settings[name];
    return typeof fallback === "string" ? fallback : fallbackText;
}

/** A secret that cannot be read is not shown at all: nobody knows where in it the password is. */
function showText({ secret, mask }: Setting<unknown>, text: string, isUsable: boolean): string {
    if (secret) return isUsable && mask ? sanitize(mask(text)) : "***";
    return sanitize(text, { most: 200 });
}

function explainToken({ environment }: Given): ExplainedSetting {
    const token = environment[tokenVariable]?.trim() || null;
    return {
        name: "apiToken",
        flag: null,
        variable: tokenVariable,
        value: token === null ? "none: the API serves this machine alone" : `*** (${Buffer.byteLength(token)} bytes)`,
        origin: token === null ? { kind: "default" } : originOfVariable(tokenVariable, environment[tokenVariable]!),
        fault: null,
    };
}
