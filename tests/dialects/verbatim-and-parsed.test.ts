/** The two ways of staging come to the same rows in every dialect that verbatim takes. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { SQL } from "bun";
import { connectForCopy } from "../../src/database/connect.ts";
import { copyRows } from "../../src/database/copy-rows.ts";
import type { FileShape } from "../../src/engine/read/file-shape.ts";
import { readHeader } from "../../src/engine/read/read-header.ts";
import { scanOptionsOf } from "../../src/engine/read/scan-options.ts";
import { createScanner } from "../../src/engine/read/scan-records.ts";
import { createCopyBytes, writtenBytes } from "../../src/engine/stage/copy-bytes.ts";
import { copyStatement, stageRecords, type Way } from "../../src/engine/stage/stage-records.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { createRandom } from "../../src/shop/generator/random.ts";
import { type Dialect, defaultDialect, grammarOf } from "../../src/streams/dialect.ts";
import { useDatabase } from "../support/fixture.ts";

const columns = ["x", "event_id", "event_type", "product_id", "user_id", "event_timestamp", "quantity", "y", "price"];

const database = useDatabase(import.meta.path);
let copier: SQL;
beforeAll(async () => {
    copier = connectForCopy(database.target, { applicationName: "test dialects" });
});
afterAll(async () => {
    await copier.close({ timeout: 0 });
});

const dialects: Dialect[] = [];
for (const delimiter of [",", ";", "\t", "|", "~", ":"]) {
    for (const [quote, escapeMark] of [
        ['"', '"'],
        ["'", "'"],
        ['"', "\\"],
        ["'", '"'],
    ] as const) {
        for (const lineEnd of ["lf", "any"] as const) {
            dialects.push({
                ...defaultDialect,
                delimiter,
                quote,
                escape: escapeMark,
                lineEnd,
                comment: lineEnd === "lf" ? "#" : "--",
            });
        }
    }
}

for (const [quote, escapeMark] of [
    ['"', '"'],
    ["'", "\\"],
] as const) {
    for (const [hasLenientQuotes, trimsQuoted] of [[true], [undefined, true], [true, true]] as const) {
        for (const delimiter of [",", "\t"]) {
            const loose = { ...(hasLenientQuotes && { hasLenientQuotes }), ...(trimsQuoted && { trimsQuoted }) };
            dialects.push({ ...defaultDialect, delimiter, quote, escape: escapeMark, ...loose });
        }
    }
}

function randomText(
    { delimiter, quote, escape: escapeMark, hasLenientQuotes, trimsQuoted }: Dialect,
    random: () => number,
): string {
    const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
    const pieces = ["a", "é", " ", "\\", "\\.", "0", "#", "\n", "\r", "\r\n", "\t", "{", "\u{1f600}", '"', "'", ","];
    const value = () => Array.from({ length: Math.floor(random() * 4) }, () => pick(pieces)).join("");
    const plain = () =>
        value()
            .replaceAll(/["'\r\n]/g, "")
            .replaceAll(delimiter, "");
    const quoted = () => {
        const inner = [...value(), pick([delimiter, ""])].map((character) =>
            character === quote || (character === escapeMark && random() < 0.7) ? escapeMark + character : character,
        );
        return quote + inner.join("") + quote;
    };
    const blanks = () => (trimsQuoted ? pick(["", " ", "  "]) : "");
    const lenient = () => `${plain()}x${pick(["", quote, quote! + quote])}${plain()}${pick(["", quote])}`;
    const strictField = () => (random() < 0.4 ? blanks() + quoted() + blanks() : plain());
    const field = () => (random() < 0.05 ? value() : hasLenientQuotes && random() < 0.3 ? lenient() : strictField());
    const record = () =>
        columns
            .map(field)
            .slice(random() < 0.05 ? 1 : 0)
            .join(delimiter);
    return Array.from({ length: 120 }, () => record() + pick(["\n", "\r\n", "\r\n", "\n", "\r"])).join("");
}

async function stagedBy(way: Way, loadId: number, bytes: Buffer, shape: FileShape): Promise<unknown[]> {
    const records = createScanner()(bytes, {
        fieldCount: columns.length,
        keyIndex: columns.indexOf("event_id"),
        sliceOf: scanOptionsOf(shape).sliceOf,
        maxRecordBytes: 1024,
        atEnd: true,
        grammar: grammarOf(shape.dialect),
    });
    const place = { loadId, chunkId: 1, path: "a.csv", firstRecordNo: 1, firstLineNo: 1, firstByte: 0 };
    const staged = createCopyBytes();
    stageRecords(bytes, records, shape, place, way, staged);
    await copyRows(
        copier,
        copyStatement(shape, way, "ingest.staging"),
        (async function* () {
            yield writtenBytes(staged);
        })(),
    );
    const rows = await database.sql`
        select
            record_no, slice_no, problem::jsonb ->> 'reason' as reason, problem, event_id, event_type, product_id,
            user_id, event_timestamp, quantity, price,
            case when problem is null then
                ingest.extras_of(attributes, array['x', 'y'], array[nullif(extra_1, ''), nullif(extra_2, '')])
            end as attributes
        from ingest.staging
        where load_id = ${loadId}
        order by record_no`;
    return [...rows];
}

test.each(dialects.map((dialect, index) => [JSON.stringify(dialect), dialect, index] as const))(
    "%s",
    async (_name, dialect, index) => {
        const seed = Number(process.env.SLUICE_SEED ?? 20_240_101) + index;
        const text = randomText(dialect, createRandom(seed).fraction);
        // What PostgreSQL 15 takes for the end of data is never loaded verbatim.
        const bytes = Buffer.from(text.replaceAll(/([\r\n])\\\./g, "$1."));
        const header = Buffer.from(`${columns.join(dialect.delimiter)}\n`);
        const shape = readHeader(eventsStream, header, true, { dialect });
        if ("problem" in shape) throw new Error(shape.detail);

        const verbatim = await stagedBy("verbatim", index * 2 + 1, bytes, shape);
        const parsed = await stagedBy("parsed", index * 2 + 2, bytes, shape);

        expect(verbatim.length).toBeGreaterThan(50);
        expect(verbatim.filter((row) => (row as { problem: string | null }).problem === null).length).toBeGreaterThan(
            10,
        );
        expect({ seed, rows: verbatim }).toEqual({ seed, rows: parsed });
    },
);
