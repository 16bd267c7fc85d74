/** What S3's answers need of XML (pure): elements without attributes, of known names. */

/** The contents of each such element, as they stand. */
export function elementsOf(xml: string, name: string): string[] {
    return [...xml.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, "g"))].map(([, inner]) => inner!);
}

/** The text of the first such element; null when there is none. */
export function textOf(xml: string, name: string): string | null {
    const begin = xml.indexOf(`<${name}>`);
    const end = begin === -1 ? -1 : xml.indexOf(`</${name}>`, begin);
    return end === -1 ? null : decodeText(xml.slice(begin + name.length + 2, end));
}

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function decodeText(text: string): string {
    if (!text.includes("&")) return text;
    return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
        if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
        if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
        return entities[name] ?? whole;
    });
}
