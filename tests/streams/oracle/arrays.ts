/** Array literals by hand: `{a,"b",NULL,{c}}`, with bounds before it or not. */

export type Items = (string | null | Items)[];

export interface ArrayText {
    /** `[0:1]`, where a lower bound is not 1. */
    bounds: string;
    items: Items;
}

export function parseArray(text: string): ArrayText | null {
    const found = /^((?:\[[+-]?\d+(?::[+-]?\d+)?\])+)\s*=\s*/.exec(text);
    const bounds = [...(found?.[1] ?? "").matchAll(/\[([+-]?\d+)(?::([+-]?\d+))?\]/g)].map(([, low, high]) =>
        high === undefined ? [1, Number(low)] : [Number(low), Number(high)],
    );
    const reader = { text, at: found?.[0].length ?? 0 };
    const items = readItems(reader);
    if (items === null || reader.text.slice(reader.at).trim() !== "") return null;
    const isUsual = bounds.every(([low]) => low === 1);
    return { items, bounds: isUsual ? "" : bounds.map(([low, high]) => `[${low}:${high}]`).join("") };
}

interface Reader {
    text: string;
    at: number;
}

const isBlank = (character: string | undefined) => character !== undefined && /[ \t\n\r\f\v]/.test(character);

function skipBlanks(reader: Reader): void {
    while (isBlank(reader.text[reader.at])) reader.at += 1;
}

function readItems(reader: Reader): Items | null {
    if (reader.text[reader.at] !== "{") return null;
    reader.at += 1;
    const items: Items = [];
    skipBlanks(reader);
    if (reader.text[reader.at] === "}") {
        reader.at += 1;
        return items;
    }
    for (;;) {
        skipBlanks(reader);
        const item = reader.text[reader.at] === "{" ? readItems(reader) : readItem(reader);
        if (item === undefined || (item === null && reader.text[reader.at] === undefined)) return null;
        items.push(item);
        skipBlanks(reader);
        const next = reader.text[reader.at];
        reader.at += 1;
        if (next === "}") return items;
        if (next !== ",") return null;
    }
}

/** Undefined: none. */
function readItem(reader: Reader): string | null | undefined {
    let value = "";
    let isQuoted = false;
    let kept = 0;
    for (;;) {
        const character = reader.text[reader.at];
        if (character === undefined) return undefined;
        if (character === '"') {
            isQuoted = true;
            reader.at += 1;
            while (reader.text[reader.at] !== '"') {
                if (reader.text[reader.at] === "\\") reader.at += 1;
                if (reader.text[reader.at] === undefined) return undefined;
                value += reader.text[reader.at];
                reader.at += 1;
            }
            reader.at += 1;
            kept = value.length;
            continue;
        }
        if (character === "," || character === "}" || character === "{") break;
        if (character === "\\") {
            isQuoted = true;
            reader.at += 1;
            if (reader.text[reader.at] === undefined) return undefined;
            value += reader.text[reader.at];
            kept = value.length;
        } else {
            value += character;
            if (!isBlank(character)) kept = value.length;
        }
        reader.at += 1;
    }
    value = value.slice(0, kept);
    if (!isQuoted && value === "") return undefined;
    return !isQuoted && value.toLowerCase() === "null" ? null : value;
}
