/** hstore by hand: pairs in the order of their keys; null where a key is there twice, or where it is none. */
export function sayHstore(text: string): string | null {
    const blank = "[ \\t\\n\\r\\f\\v]";
    const quoted = '"(?:[^"\\\\]|\\\\.)*"';
    const key = `${quoted}|(?:[^ \\t\\n\\r\\f\\v"=\\\\]|\\\\.|=(?!>))(?:[^ \\t\\n\\r\\f\\v=\\\\]|\\\\.|=(?!>))*`;
    const value = `${quoted}|(?:[^ \\t\\n\\r\\f\\v"\\\\]|\\\\.)(?:[^ \\t\\n\\r\\f\\v,\\\\]|\\\\.)*`;
    const pair = new RegExp(`${blank}*(${key})${blank}*=>${blank}*(${value})${blank}*(,|$)`, "ys");
    const bare = (part: string) => part.replace(/^"(.*)"$/s, "$1").replace(/\\(.)/gs, "$1");
    const pairs = new Map<string, string>();
    let at = 0;
    while (at < text.length) {
        pair.lastIndex = at;
        const found = pair.exec(text);
        if (found === null) return null;
        const name = bare(found[1]!);
        if (pairs.has(name)) return null;
        const isNull = !found[2]!.startsWith('"') && /^null$/i.test(bare(found[2]!));
        pairs.set(name, isNull ? "null" : `"${bare(found[2]!)}"`);
        at += found[0].length;
    }
    return JSON.stringify([...pairs].sort(([left], [right]) => (left < right ? -1 : 1)));
}
