/**
 * Which encoding undeclared bytes are likely to be in: for a message, never to read a file by. Pure. Statistics of letters
 * (chardet) say nothing of the few words beyond ASCII in a CSV file: docs/decisions/encodings.md.
 */
import type { Encoding } from "../../../streams/dialect.ts";

/** UTF-16 and UTF-32 without a byte order mark, by where the zeros of ASCII text stand; null for other bytes. */
export function guessWideEncoding(bytes: Uint8Array): Encoding | null {
    const sample = bytes.subarray(0, 256);
    if (sample.length < 8 || !sample.includes(0)) return null;
    const zeros = [0, 0, 0, 0];
    for (const [at, byte] of sample.entries()) if (byte === 0) zeros[at % 4]! += 1;
    const isZero = zeros.map((count) => count > (sample.length / 4) * 0.7);
    const form = isZero.map(Number).join("");
    return wideForms[form] ?? null;
}

const wideForms: Record<string, Encoding> = {
    "0111": "utf-32le",
    "1110": "utf-32be",
    "0101": "utf-16le",
    "1010": "utf-16be",
};

/** Encodings of two bytes a character, and which first bytes their everyday characters have. */
const doubleByte: { encoding: Encoding; isEveryday: (first: number) => boolean }[] = [
    { encoding: "euc-kr", isEveryday: (first) => first >= 0xb0 && first <= 0xc8 },
    { encoding: "euc-jp", isEveryday: (first) => first === 0xa4 || first === 0xa5 || (first >= 0xb0 && first <= 0xcf) },
    { encoding: "gb18030", isEveryday: (first) => first >= 0xb0 && first <= 0xf7 },
    {
        encoding: "shift_jis",
        isEveryday: (first) => first === 0x82 || first === 0x83 || (first >= 0x88 && first <= 0x9f),
    },
    { encoding: "big5", isEveryday: (first) => first >= 0xa4 && first <= 0xc6 },
];

/** The likely encodings of bytes that are no UTF-8, the likeliest first. */
export function guessEncodings(bytes: Uint8Array): Encoding[] {
    const words =
        Buffer.from(bytes)
            .toString("latin1")
            .match(/[^\s,;|"]*[\x80-\xff][^\s,;|"]*/g) ?? [];
    const runs = words.flatMap((word) => word.match(/[\x80-\xff]+/g) ?? []);
    const isLetterAmongAscii = runs.filter((run) => run.length === 1).length * 2 >= runs.length;
    const sample = words.map((word) => Buffer.from(word, "latin1"));
    if (isLetterAmongAscii && !isMostlyPairs(sample)) return ["windows-1252"];
    const scored = doubleByte
        .map(({ encoding, isEveryday }) => ({ encoding, share: everydayShare(sample, encoding, isEveryday) }))
        .filter(({ share }) => share > 0.8)
        .sort((left, right) => right.share - left.share);
    if (scored.length > 0) return scored.map(({ encoding }) => encoding);
    return isKoi8(runs) ? ["koi8-r", "windows-1251"] : ["windows-1251", "windows-1252"];
}

/** Shift-JIS and Big5 have ASCII for second bytes: then a lone high byte is half a character. */
function isMostlyPairs(words: Buffer[]): boolean {
    const isLead = (byte: number) => (byte >= 0x81 && byte <= 0x9f) || byte >= 0xe0;
    const leads = words.filter((word) =>
        word.some((byte) => byte >= 0x81 && byte <= 0x9f && byte !== 0x85 && isLead(byte)),
    );
    return leads.length * 2 > words.length && everydayShare(words, "shift_jis", doubleByte[3]!.isEveryday) > 0.8;
}

/** How many of the characters beyond ASCII are everyday ones; 0 when the words are no text in that encoding. */
function everydayShare(words: Buffer[], encoding: Encoding, isEveryday: (first: number) => boolean): number {
    const decoder = new TextDecoder(encoding, { fatal: true });
    let characters = 0;
    let everyday = 0;
    for (const word of words) {
        try {
            decoder.decode(word);
        } catch {
            return 0;
        }
        for (let at = 0; at < word.length; at += 1) {
            if (word[at]! < 0x80) continue;
            characters += 1;
            if (isEveryday(word[at]!)) everyday += 1;
            at += 1;
        }
    }
    return characters === 0 ? 0 : everyday / characters;
}

/** KOI8 has small letters where Windows-1251 has capitals, and words mostly consist of small ones. */
function isKoi8(runs: string[]): boolean {
    const bytes = Buffer.from(runs.join(""), "latin1");
    const low = bytes.filter((byte) => byte >= 0xc0 && byte <= 0xdf).length;
    return low * 2 > bytes.length;
}
