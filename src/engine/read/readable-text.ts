import { isUtf8 } from "node:buffer";

/** A reject keeps at most so much of a record that cannot be split. */
const maxRawTextBytes = 16 * 1024;

/** The text of any bytes: what is no UTF-8, and NUL, as \xNN; cut with … at 16 KiB. */
export function readableText(record: Buffer): string {
    const bounded = record.length > maxRawTextBytes ? record.subarray(0, cutBefore(record, maxRawTextBytes)) : record;
    const ellipsis = record.length > maxRawTextBytes ? "…" : "";
    if (isUtf8(bounded)) return bounded.toString("utf8").replaceAll("\0", "\\x00") + ellipsis;
    let text = "";
    let at = 0;
    while (at < bounded.length) {
        const width = [1, 2, 3, 4].find((candidate) => isUtf8(bounded.subarray(at, at + candidate)));
        const character = width ? bounded.toString("utf8", at, at + width) : "";
        text += character && character !== "\0" ? character : `\\x${bounded[at]!.toString(16).padStart(2, "0")}`;
        at += width ?? 1;
    }
    return text + ellipsis;
}

/** The last place up to `at` that is not within a character. */
function cutBefore(record: Buffer, at: number): number {
    let end = at;
    while (end > at - 3 && (record[end]! & 0xc0) === 0x80) end -= 1;
    return end;
}
