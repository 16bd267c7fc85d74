/** JSON that is also safe to look at: what could act on a terminal or reorder a line is escaped, and reads back the same. */

/** Past what JSON.stringify escapes already: C1, bidirectional controls, separators, what has no width. */
const unprintable = /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

export function formatJson(value: unknown, indent = 2): string {
    return JSON.stringify(value, null, indent).replace(
        unprintable,
        (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
}
