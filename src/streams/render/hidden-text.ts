/**
 * A table's names, expressions and labels stand in templates beside what the templates say themselves. Templates indent lines,
 * quote the bodies of functions and give what they define another schema: none of that may touch a word of the table. So its
 * text is hidden before it is put in, and shown when the templates are done. No text of Postgres has a zero byte.
 */
const hidden: readonly (readonly [text: string, instead: string])[] = [
    ["\n", "\0n"],
    ["$", "\0d"],
    ["ingest.", "ingest\0p"],
];
const shown = new Map([
    ["n", "\n"],
    ["d", "$"],
    ["p", "."],
]);

/** Every text in it, however deep. */
export function hideText<Value>(value: Value): Value {
    if (typeof value === "string") {
        return hidden.reduce((text: string, [part, instead]) => text.replaceAll(part, () => instead), value) as Value;
    }
    if (Array.isArray(value)) return value.map(hideText) as Value;
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, hideText(part)])) as Value;
}

/** The text as it is meant: bodies are quoted by a word that the table does not have. */
export function showText(text: string): string {
    const show = (part: string) => part.replace(/\0([ndp])/g, (_, letter: string) => shown.get(letter)!);
    if (!text.includes("\0d")) return show(text);
    const meant = show(text);
    let quote = "$body$";
    for (let number = 1; meant.includes(quote); number++) quote = `$body${number}$`;
    return show(text.replaceAll("$$", () => quote));
}
