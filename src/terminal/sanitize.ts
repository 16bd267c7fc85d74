/**
 * What could act on a terminal or reorder a line: C0 (tab and line feed too), DEL, C1; the bidirectional controls
 * (Trojan Source, CVE-2021-42574) and the marks they come with; line and paragraph separators; what has no width; and
 * halves of surrogate pairs.
 */
const unprintable =
    /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

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
