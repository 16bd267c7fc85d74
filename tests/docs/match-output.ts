/** Whether a command printed what a document says, up to what differs from run to run. */

/** Said by whichever command comes first or goes last: the documents say it once. */
const embeddedServerLine = /^(Creating|Created and started|Started|Stopped) the embedded PostgreSQL/;
const migrationLine = /^Applied (the migrations?|the SQL functions|\d+ migrations)/;
/** Only where it takes long enough to be said. */
const installLine = /^Installing packages: /;

/** The part of a command's output that is compared. */
export function comparable(output: string): string {
    return Bun.stripANSI(output)
        .split("\n")
        .map((line) => line.trimEnd())
        .filter((line) => ![embeddedServerLine, migrationLine, installLine].some((known) => known.test(line)))
        .join("\n")
        .trim();
}

/**
 * A pattern for the whole of a command's output. A number stands for any number (with `isExact` only for itself, unless
 * it is a duration or a rate), a uuid for any, white space for any, `…` for anything in its line, and a line of `…`
 * alone for any number of lines.
 */
export function patternOf(printed: string, { isExact }: { isExact: boolean }): RegExp {
    let pattern = "";
    for (const line of comparable(printed).split("\n")) {
        pattern += line.trim() === "…" ? "(?:[^\\n]*\\n)*?" : `${patternOfLine(line.trimEnd(), isExact)}\\n`;
    }
    return new RegExp(`^${pattern}$`);
}

export function matches(output: string, printed: string, options: { isExact: boolean }): boolean {
    return patternOf(printed, options).test(`${comparable(output)}\n`);
}

const units = "ms|s|min|h|d|days?|B|KiB|MiB|GiB";
const token = new RegExp(
    [
        "(?<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
        // In hours, minutes, seconds, in bytes, or a second.
        `(?<measured>\\d[\\d,.]*(?: (?:${units})\\b|/s\\b))`,
        // The word after it may be in the singular where the number is one.
        "(?<number>\\d(?:[\\d,.]*\\d)?)(?<word> [a-z]{3,})?",
        "(?<anything>…)",
        "(?<space>\\s+)",
        "(?<other>.)",
    ].join("|"),
    "gu",
);

function patternOfLine(line: string, isExact: boolean): string {
    const tokens = [...line.trimStart().matchAll(token)];
    // A column of numbers is aligned to the right: how far depends on the widest.
    return `[ \\t]*${tokens.map(({ groups }) => patternOfToken(groups!, isExact)).join("")}`;
}

function patternOfToken(groups: Record<string, string | undefined>, isExact: boolean): string {
    const { uuid, measured, number, word = "", anything, space, other } = groups;
    if (uuid !== undefined) return "[0-9a-f-]{36}";
    if (measured !== undefined) return measured.endsWith("/s") ? "\\d[\\d,.]*/s" : `\\d[\\d,.]* (?:${units})`;
    if (number !== undefined) return isExact ? literally(number + word) : `\\d(?:[\\d,.]*\\d)?${patternOfWord(word)}`;
    if (anything !== undefined) return "[^\\n]*";
    return space === undefined ? literally(other!) : "[ \\t]+";
}

function patternOfWord(word: string): string {
    return word === "" ? "" : `${literally(word.replace(/(?<=ch)es$|s$/, ""))}(?:es|s)?`;
}

function literally(text: string): string {
    return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
