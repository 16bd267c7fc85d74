/** Names of columns in SQL for those of a header: in lower case, as a statement can write most of them without quotes. Pure. */

/** What Postgres keeps of a name. */
const mostBytes = 63;

export interface NamedColumn {
    /** As the file spells it; empty for a column without a name. */
    fileName: string;
    name: string;
    /** Its place in the file. */
    index: number;
}

/** One for each column of the header. */
export function nameColumns(header: readonly string[]): NamedColumn[] {
    const taken = new Set<string>();
    return header.map((fileName, index) => {
        const name = freeName(sqlName(fileName) || `column_${index + 1}`, taken);
        taken.add(name);
        return { fileName, name, index };
    });
}

/** `Order-ID (new)` → order_id_new. Letters of any language stay. */
export function sqlName(fileName: string): string {
    const name = fileName
        .normalize("NFC")
        .toLowerCase()
        .replace(/[^\p{L}\p{M}\p{N}]+/gu, "_")
        .replace(/^_+|_+$/g, "");
    return cut(/^\p{N}/u.test(name) ? `_${name}` : name, mostBytes);
}

function freeName(name: string, taken: ReadonlySet<string>): string {
    if (!taken.has(name)) return name;
    for (let number = 2; ; number += 1) {
        const ending = `_${number}`;
        const numbered = cut(name, mostBytes - ending.length) + ending;
        if (!taken.has(numbered)) return numbered;
    }
}

/** Never through a character. */
function cut(name: string, bytes: number): string {
    let length = 0;
    let end = 0;
    for (const character of name) {
        length += Buffer.byteLength(character);
        if (length > bytes) break;
        end += character.length;
    }
    return name.slice(0, end);
}

/** The settings by which an ingest finds the columns: aliases, or a header of its own where names come twice or are missing. */
export function namesOf(header: readonly string[], columns: readonly NamedColumn[]) {
    const lower = header.map((name) => name.toLowerCase());
    const isRepeated = columns.some(({ index }) => lower.indexOf(lower[index]!) !== lower.lastIndexOf(lower[index]!));
    if (isRepeated || columns.filter(({ fileName }) => fileName === "").length > 0) return null;
    const renamed = columns.filter(({ fileName, name }) => fileName.toLowerCase() !== name);
    return Object.fromEntries(renamed.map(({ fileName, name }) => [fileName, name]));
}
