/** Text from a flag or the environment → a value, or what is wrong with it and how to write it. */
import { parseDatabaseUrl } from "../database/database-target.ts";
import { SluiceError } from "../errors.ts";

/** `problem` continues a sentence that begins with the setting's name; `remedy` is a whole sentence. */
export type Parsed<Value> = { value: Value } | { problem: string; remedy: string };

export type Trigger = { kind: "interval"; ms: number } | { kind: "continuous" } | { kind: "available-now" };

/** The longest delay that a JavaScript timer takes (2^31 − 1 ms, 24.8 days); a longer one fires at once. */
export const longestDurationMs = 2_147_483_647;

const durationForms = "Write it like 250ms, 1s, 1.5s, 2m or 1h.";
const ageForms = "Write it like 90d, 12w or 36h.";
const msByUnit: Record<string, number> = {
    ms: 1,
    s: 1000,
    m: 60_000,
    h: 3_600_000,
    d: 86_400_000,
    w: 7 * 86_400_000,
};
const longestAgeMs = 36_525 * 86_400_000;

/** `250ms`, `1.5s`, `2m`, `1h` → whole milliseconds, from `leastMs` to longestDurationMs. */
export function parseDuration(text: string, { leastMs = 0 } = {}): Parsed<number> {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
    if (!match) return { problem: "is not a duration.", remedy: durationForms };
    const [, amount, unit] = match;
    if (!unit && Number(amount) !== 0) {
        return { problem: "is a number without a unit.", remedy: `Did you mean ${amount}s? ${durationForms}` };
    }
    const durationMs = Math.round(Number(amount) * msByUnit[unit ?? "ms"]!);
    if (durationMs < leastMs) return { problem: `is shorter than ${leastMs}ms.`, remedy: "Give it a longer duration." };
    if (durationMs <= longestDurationMs) return { value: durationMs };
    return { problem: "is longer than 24 days.", remedy: "Give it a shorter duration." };
}

/** An age: `36h`, `90d`, `12w` → milliseconds, from one hour to a hundred years. */
export function parseAge(text: string): Parsed<number> {
    const match = /^(\d+(?:\.\d+)?)([hdw])$/.exec(text);
    if (!match) return { problem: "is not an age.", remedy: ageForms };
    const ageMs = Math.round(Number(match[1]) * msByUnit[match[2]!]!);
    if (ageMs < msByUnit.h!) return { problem: "is less than an hour.", remedy: ageForms };
    return ageMs <= longestAgeMs ? { value: ageMs } : { problem: "is more than a hundred years.", remedy: ageForms };
}

/** A duration, `continuous` or `available-now`. */
export function parseTrigger(text: string): Parsed<Trigger> {
    if (text === "continuous" || text === "available-now") return { value: { kind: text } };
    const duration = parseDuration(text, { leastMs: 1 });
    if ("value" in duration) return { value: { kind: "interval", ms: duration.value } };
    if (duration.problem === "is not a duration.") {
        const remedy = "Write a duration (250ms, 1s, 1.5s, 2m, 1h), continuous, or available-now.";
        return { problem: "is not a trigger.", remedy };
    }
    return duration;
}

/** An http or https address, without a slash at its end. */
export function parseWebAddress(text: string): Parsed<string> {
    const url = URL.parse(text);
    if (url === null || !/^https?:$/.test(url.protocol)) {
        return {
            problem: "is not an http or https address.",
            remedy: "Write it like https://hooks.example.com/sluice.",
        };
    }
    if (url.username !== "" || url.password !== "") {
        return { problem: "has a user or a password in it.", remedy: "Leave them out; a key may be part of the path." };
    }
    return { value: text.replace(/\/$/, "") };
}

/** Standard Webhooks: whsec_ and the base64 of 24 to 64 bytes. The value is the text. */
export function parseSigningSecret(text: string): Parsed<string> {
    const bytes = Buffer.from(text.replace(/^whsec_/, ""), "base64");
    const isWhole = bytes.toString("base64").replace(/=+$/, "") === text.replace(/^whsec_/, "").replace(/=+$/, "");
    if (text.startsWith("whsec_") && isWhole && bytes.length >= 24 && bytes.length <= 64) return { value: text };
    return {
        problem: "is not whsec_ and 24 to 64 bytes in base64.",
        remedy: 'Make one: echo "whsec_$(openssl rand -base64 32)".',
    };
}

const prefixes = ["", "k", "m", "g"];

/** `65536`, `64KiB`, `16MB`, `1.5GiB`, in any case → bytes, rounded, between the two bounds. */
export function parseBytes(text: string, { least, most }: { least: number; most: number }): Parsed<number> {
    const match = /^(\d+(?:\.\d+)?)(?:b|([kmg])(i?)b)?$/i.exec(text);
    if (!match) return { problem: "is not a size.", remedy: "Write it like 65536, 64KiB, 16MiB or 16MB." };
    const [, amount, prefix = "", binary] = match;
    const bytes = Math.round(Number(amount) * (binary ? 1024 : 1000) ** prefixes.indexOf(prefix.toLowerCase()));
    if (bytes >= least && bytes <= most) return { value: bytes };
    return { problem: "is out of bounds.", remedy: `Give it ${least} to ${most} bytes.` };
}

export const afterMergeChoices = ["keep", "archive", "delete"] as const;
export type AfterMerge = (typeof afterMergeChoices)[number];

export const logFormatChoices = ["text", "json"] as const;
export type LogFormat = (typeof logFormatChoices)[number];

export function parseChoice<Choice extends string>(text: string, choices: readonly Choice[]): Parsed<Choice> {
    const value = choices.find((choice) => choice === text);
    if (value) return { value };
    return {
        problem: "is not one of the choices.",
        remedy: `Write ${choices.join(", ").replace(/, ([^,]*)$/, " or $1")}.`,
    };
}

/** Decimal digits (`_` and `,` are not taken) → a whole number between the two bounds. */
export function parseWholeNumber(text: string, { least, most }: { least: number; most: number }): Parsed<number> {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return { value };
    const problem = Number.isNaN(value) ? "is not a whole number." : "is out of bounds.";
    return { problem, remedy: `Give it a whole number from ${least} to ${most}.` };
}

/** A path; it need not exist. */
export function parsePath(text: string): Parsed<string> {
    if (text !== "" && !text.includes("\0")) return { value: text };
    return { problem: "is not a path.", remedy: "Give it the path of a folder." };
}

/** One of this machine: an address of a bucket would be a folder of that name. */
export function parseLocalFolder(text: string): Parsed<string> {
    if (!/^s3:\/\//i.test(text)) return parsePath(text);
    return { problem: "is in a bucket.", remedy: "Give it the path of a folder; --input alone may be in a bucket." };
}

/** A host name or an IP address to listen on, without scheme and port. */
export function parseHost(text: string): Parsed<string> {
    if (/^[A-Za-z0-9._-]+$/.test(text) || /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(text)) {
        return { value: text };
    }
    return { problem: "is not a host.", remedy: "Give it an address such as 127.0.0.1, 0.0.0.0, ::1 or localhost." };
}

/** A name that one line of status can show. */
export function parseWorkerName(text: string): Parsed<string> {
    const name = text.trim();
    if (/^[\p{L}\p{N}._:@/ -]{1,60}$/u.test(name)) return { value: name };
    return {
        problem: "is not a name for a worker.",
        remedy: "Give 1 to 60 letters, digits, spaces or one of . _ - : @ /, such as loader-2.",
    };
}

/** `sluice, sluice.example.org` → the names, without ports: a Host header may have any. */
export function parseHostNames(text: string): Parsed<readonly string[]> {
    const names = text.split(",").map((name) => name.trim());
    const wrong = names.find((name) => !/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(name));
    if (wrong === undefined) return { value: names };
    return {
        problem: "is not a list of host names.",
        remedy: "Give the names that callers use, with commas between them and without ports: sluice,stats.example.org.",
    };
}

/** A `postgres://` address that src/database can use: the text itself, and the fault never holds it. */
export function parseConnectionString(text: string): Parsed<string> {
    try {
        parseDatabaseUrl(text);
        return { value: text };
    } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        return { problem: error.what.replace(/^The database URL /, ""), remedy: error.remedy };
    }
}
