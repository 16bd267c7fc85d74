/**
 * The text of one value → its typed value, by the rules by type. Typed values are texts that are equal exactly when the
 * values are. Written from the rules alone: shares nothing with src/.
 */
import { createRules, type Rule, readText, type Typed } from "../../support/oracle/read-values.ts";

/** A problem is a reason code without the column's name. */
export const required =
    (rule: (text: string) => Typed): Rule =>
    (text) =>
        text === null ? { problem: "missing" } : rule(text);

export const optional =
    (rule: (text: string) => Typed): Rule =>
    (text) =>
        text === null ? { value: null } : rule(text);

/** An empty value takes the column's default. */
export const withDefault =
    (value: string, rule: (text: string) => Typed): Rule =>
    (text) =>
        text === null ? { value } : rule(text);

export const text =
    (mostCharacters = Number.POSITIVE_INFINITY) =>
    (value: string): Typed =>
        [...value].length > mostCharacters ? { problem: "too_long" } : { value };

export const label =
    (...labels: string[]) =>
    (value: string): Typed =>
        labels.includes(value) ? { value } : { problem: "unknown" };

export const integer =
    (bits: number) =>
    (value: string): Typed => {
        if (!/^[+-]?\d+$/.test(value)) return { problem: "invalid" };
        const number = BigInt(value.replace(/^\+/, ""));
        const most = 2n ** BigInt(bits - 1);
        return number >= -most && number < most ? { value: String(number) } : { problem: "out_of_range" };
    };

export const numeric =
    (precision: number, scale: number) =>
    (value: string): Typed => {
        const match = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(value);
        if (!match) return { problem: "invalid" };
        const [, sign, digits = "", fraction = ""] = match;
        const units = digits.replace(/^0+(?=.)/, "");
        const decimals = fraction.replace(/0+$/, "");
        if (decimals.length > scale) return { problem: "too_precise" };
        if (units.length > precision - scale && units !== "0") return { problem: "out_of_range" };
        const unsigned = `${units}.${decimals.padEnd(scale, "0")}`;
        return { value: sign === "-" && /[1-9]/.test(unsigned) ? `-${unsigned}` : unsigned };
    };

/** As the model writes it: derived ones are all of this form. */
export const uuid = (value: string): Typed =>
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value) ? { value } : { problem: "invalid" };

export function double(value: string): Typed {
    return /^[+-]?\d+(\.\d+)?$/.test(value) ? { value: String(Number(value)) } : { problem: "invalid" };
}

export function boolean(value: string): Typed {
    const word = value.toLowerCase();
    if (["t", "true", "y", "yes", "on", "1"].includes(word)) return { value: "true" };
    return ["f", "false", "n", "no", "off", "0"].includes(word) ? { value: "false" } : { problem: "invalid" };
}

export function date(value: string): Typed {
    if (!/^\d{4}-\d\d-\d\d$/.test(value)) return { problem: "invalid" };
    const parsed = new Date(`${value}T00:00:00Z`);
    const isReal = !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(value);
    return isReal ? { value } : { problem: "invalid" };
}

const instantRule = createRules(Number.POSITIVE_INFINITY).event_timestamp;

export function instant(value: string): Typed {
    const typed = instantRule(value);
    if ("value" in typed) return typed;
    return { problem: typed.problem === "more than six decimals" ? "too_precise" : "invalid" };
}

/** The typed values of a record, by column, or every reason why it has none. */
export function applyRules(
    rules: Record<string, Rule>,
    record: Record<string, string>,
): { typed: Record<string, string | null> } | { reasons: string[] } {
    const typed: Record<string, string | null> = {};
    const reasons: string[] = [];
    for (const [column, rule] of Object.entries(rules)) {
        const result = rule(readText(record[column]!));
        if ("value" in result) typed[column] = result.value;
        else reasons.push(`${column}_${result.problem}`);
    }
    return reasons.length > 0 ? { reasons } : { typed };
}
