/**
 * Characters that could act on a terminal or reorder a line: C0 (tab and line feed too), DEL, C1; the bidirectional
 * controls (Trojan Source, CVE-2021-42574) and their marks; line and paragraph separators; characters without width;
 * halves of surrogate pairs. Also those that look like a space or like nothing: a value that fails a rule because of one
 * would look right.
 */
const unprintable =
    /[\u0000-\u001f\u007f-\u00a0\u00ad\u061c\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\ufeff\ufff9-\ufffb]|[\u115f\u1160\u1680\u2800\u3000\u3164\uffa0]|\u034f|[\u180b-\u180d\u180f]|[\u17b4\u17b5]|[\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

/**
 * Text from outside (file names, values, messages of other programs) as one line that is safe to print: what cannot be
 * printed shows as `\xNN`, or `\u{…}` past 0xff. With `most`, no longer than that many characters, `…` included.
 */
export function sanitize(text: string, { most = Number.POSITIVE_INFINITY } = {}): string {
    const shown = text.replace(unprintable, escapeCharacter);
    return shown.length <= most ? shown : `${shown.slice(0, Math.max(0, most - 1))}…`.replace(/\p{Surrogate}/gu, "");
}

function escapeCharacter(character: string): string {
    const codePoint = character.codePointAt(0)!;
    const hex = codePoint.toString(16);
    return codePoint > 0xff ? `\\u{${hex}}` : `\\x${hex.padStart(2, "0")}`;
}

/** A line for below `lines`, where one shows such characters in a value; none otherwise. */
export function explainUnseen(lines: readonly string[]): string[] {
    if (!lines.some((line) => /\\x(?:a0|ad)|\\u\{[0-9a-f]+\}/.test(line))) return [];
    return [
        "\\x… and \\u{…} stand for invisible characters, which are part of the value: only ASCII white space is trimmed.",
        "If a rule refuses the value because of them, remove them at the source, or map the value (values in sluice.config.ts).",
    ];
}
