/** Valid files in every dialect that is found out, and what happens to bytes on the way. All from one random source. */
export type Random = () => number;

export interface FuzzFile {
    name: string;
    bytes: Buffer;
    delimiter: string;
    /** What the bytes become before they are read: the oracle reads UTF-8 as it is. */
    wrapping: "none" | "gzip" | "zstd";
}

const below = (random: Random, most: number): number => Math.floor(random() * most);
const pick = <Item>(random: Random, items: readonly Item[]): Item => items[below(random, items.length)]!;

const columns = ["event_id", "event_type", "product_id", "user_id", "event_timestamp", "quantity", "price", "page"];
const types = ["view", "add_to_cart", "remove_from_cart", "purchase"];
const awkward = ['"', "\n", "\r", ",", ";", "\t", "|", "\0", "\\.", '""', "\r\n", '"\n', "é", " "];

/** A file of up to thirty valid records, a third of it untouched. */
export function randomFile(random: Random, fileNo: number): FuzzFile {
    const delimiter = pick(random, [",", ",", ";", "\t", "|"]);
    const lineEnd = pick(random, ["\n", "\n", "\r\n"]);
    const quote = (value: string) =>
        value.includes(delimiter) || /["\r\n]/.test(value) || random() < 0.1
            ? `"${value.replaceAll('"', '""')}"`
            : value;
    const records = Array.from({ length: 1 + below(random, 30) }, (_, recordNo) => {
        const values = [
            `f0000000-0000-4000-8000-${String(fileNo).padStart(8, "0")}${String(recordNo).padStart(4, "0")}`,
            pick(random, types),
            `p${pick(random, ["", ...awkward.filter((text) => text !== "\0")])}x`,
            `u${recordNo}`,
            `2024-01-02 03:04:${String(recordNo % 60).padStart(2, "0")}`,
            String(below(random, 9)),
            `${below(random, 99)}.5`,
            pick(random, ["", "/a", "/b?c=d"]),
        ];
        return values.map(quote).join(delimiter);
    });
    const mark = random() < 0.1 ? "\ufeff" : "";
    const tail = random() < 0.2 ? "" : lineEnd;
    const text = mark + [columns.join(delimiter), ...records].join(lineEnd) + tail;
    const valid = Buffer.from(text);
    const bytes = random() < 0.33 ? valid : mutate(random, valid);
    return {
        name: `f${String(fileNo).padStart(6, "0")}.csv`,
        bytes,
        delimiter,
        wrapping: pick(random, ["none", "none", "none", "gzip", "zstd"]),
    };
}

/** One to five changes: bits, bytes, awkward texts, and ranges that go, repeat or move. Mostly behind the header. */
function mutate(random: Random, valid: Buffer): Buffer {
    let bytes = valid;
    const headerBytes = valid.indexOf(0x0a) + 1;
    for (let left = 1 + below(random, 5); left > 0; left -= 1) {
        const from = random() < 0.9 ? headerBytes : 0;
        const at = Math.min(bytes.length, from + below(random, Math.max(1, bytes.length - from)));
        const end = Math.min(bytes.length, at + below(random, 40));
        const [before, range, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
        const rest = bytes.subarray(at);
        const changes: (() => Uint8Array[])[] = [
            () => [before, Buffer.of((rest[0] ?? 0) ^ (1 << below(random, 8))), rest.subarray(1)],
            () => [before, Buffer.of(below(random, 256)), rest],
            () => [before, Buffer.from(pick(random, awkward)), rest],
            () => [before, Buffer.from(pick(random, awkward)), rest.subarray(1)],
            () => [before, after],
            () => [before, range, range, after],
            () => [before, after, range],
            () => [before],
        ];
        bytes = Buffer.concat(pick(random, changes)());
    }
    return bytes;
}
