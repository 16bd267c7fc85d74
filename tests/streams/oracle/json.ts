/** JSON by hand: numbers as exact decimals, keys in order, and null where an object has one twice. */
import { sayDecimal } from "./numbers.ts";

export type Json = { string: string } | { number: string } | { word: string } | Json[] | Map<string, Json>;

class Fault extends Error {}

export function parseJson(text: string): Json | null {
    let at = 0;
    const blank = () => {
        while (at < text.length && " \t\n\r".includes(text[at]!)) at += 1;
    };
    const take = (form: RegExp): string => {
        form.lastIndex = at;
        const found = form.exec(text);
        if (found === null) throw new Fault();
        at += found[0].length;
        return found[0];
    };
    const string = (): string =>
        JSON.parse(take(/"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y)) as string;
    const members = <Item>(end: string, item: () => Item): Item[] => {
        const items: Item[] = [];
        at += 1;
        blank();
        if (text[at] === end) {
            at += 1;
            return items;
        }
        for (;;) {
            items.push(item());
            blank();
            if (text[at] === end) break;
            if (text[at] !== ",") throw new Fault();
            at += 1;
        }
        at += 1;
        return items;
    };
    const value = (): Json => {
        blank();
        if (text[at] === '"') return { string: string() };
        if (text[at] === "[") return members("]", value);
        if (text[at] !== "{") {
            const word = /true|false|null/y;
            word.lastIndex = at;
            if (word.test(text)) return { word: take(/true|false|null/y) };
            return { number: take(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y) };
        }
        const object = new Map<string, Json>();
        members("}", () => {
            blank();
            const key = string();
            blank();
            if (text[at] !== ":" || object.has(key)) throw new Fault();
            at += 1;
            object.set(key, value());
        });
        return object;
    };
    try {
        const whole = value();
        blank();
        return at === text.length ? whole : null;
    } catch (error) {
        if (error instanceof Fault) return null;
        throw error;
    }
}

export function sayJson(text: string): string | null {
    const parsed = parseJson(text);
    return parsed && write(parsed);
}

function write(json: Json): string {
    if (Array.isArray(json)) return `[${json.map(write).join(",")}]`;
    if (json instanceof Map) {
        const members = [...json].sort(([a], [b]) => (a < b ? -1 : 1));
        return `{${members.map(([key, value]) => `${JSON.stringify(key)}:${write(value)}`).join(",")}}`;
    }
    if ("string" in json) return JSON.stringify(json.string);
    return "number" in json ? sayDecimal(json.number)! : json.word;
}
