/** Whether jsonb keeps all that an object or an array says. Pure. */

/** Postgres takes some thousands of levels, and stops at what its stack allows. */
const mostLevels = 500;

/** No NUL, no half of a surrogate pair, no number beyond numeric, no key twice in an object: jsonb would keep the last. */
export function isJsonbText(text: string): boolean {
    const lone = text.replace(/\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}/gi, "");
    if (/\\u(?:0000|d[89a-f])/i.test(lone) || /\d[eE][+-]?\d{4}/.test(text)) return false;
    const { members, levels } = scan(text);
    if (levels > mostLevels) return false;
    try {
        return membersOf(JSON.parse(text)) === members;
    } catch {
        return false;
    }
}

/** Colons and levels outside strings. */
function scan(text: string): { members: number; levels: number } {
    let members = 0;
    let level = 0;
    let levels = 0;
    let inString = false;
    for (let at = 0; at < text.length; at += 1) {
        const character = text[at];
        if (inString) {
            if (character === "\\") at += 1;
            else if (character === '"') inString = false;
        } else if (character === '"') {
            inString = true;
        } else if (character === ":") {
            members += 1;
        } else if (character === "{" || character === "[") {
            level += 1;
            if (level > levels) levels = level;
        } else if (character === "}" || character === "]") {
            level -= 1;
        }
    }
    return { members, levels };
}

function membersOf(value: unknown): number {
    if (typeof value !== "object" || value === null) return 0;
    const values = Object.values(value);
    const own = Array.isArray(value) ? 0 : values.length;
    return values.reduce<number>((sum, inner) => sum + membersOf(inner), own);
}
