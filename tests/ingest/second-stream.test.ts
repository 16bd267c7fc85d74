/** Reading and staging take any stream: the same properties hold of one with other columns, another key and other types. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { SQL } from "bun";
import fc from "fast-check";
import { connectForCopy } from "../../src/database/connect.ts";
import { copyRows } from "../../src/database/copy-rows.ts";
import type { FileShape } from "../../src/engine/read/file-shape.ts";
import { createPlainCheck, NOT_PLAIN } from "../../src/engine/read/is-plain.ts";
import { readHeader } from "../../src/engine/read/read-header.ts";
import { scanOptionsOf } from "../../src/engine/read/scan-options.ts";
import { createScanner } from "../../src/engine/read/scan-records.ts";
import { createCopyBytes, writtenBytes } from "../../src/engine/stage/copy-bytes.ts";
import { copyStatement, emptyTally, stageRecords, type Way } from "../../src/engine/stage/stage-records.ts";
import { defaultDialect } from "../../src/streams/dialect.ts";
import type { SourceConfig } from "../../src/streams/source-config.ts";
import { columnNames } from "../../src/streams/stream.ts";
import { text } from "../../src/streams/types/text.ts";
import { useDatabase } from "../support/fixture.ts";
import { ordersStream } from "../support/orders-stream.ts";

const database = useDatabase(import.meta.path);
let copier: SQL;
beforeAll(async () => {
    copier = connectForCopy(database.target, { applicationName: "test second stream" });
    await database.sql`
        create table staged_orders (
            load_id bigint, chunk_id bigint, record_no bigint, slice_no int, plain_second bigint, problem text,
            order_id text, customer text, total text, placed_at text, note text, more text, extra_1 text
        )`;
});
afterAll(async () => {
    await copier.close({ timeout: 0 });
});

const { columns } = ordersStream;
const names = columnNames(ordersStream);

function shapeOf(header: readonly string[], source: SourceConfig | null = null): FileShape {
    const shape = readHeader(ordersStream, Buffer.from(`${header.join(",")}\n`), true, { source });
    if ("problem" in shape) throw new Error(shape.detail);
    return shape;
}

interface Staged {
    recordNo: string;
    slice: number;
    second: string | null;
    problem: string | null;
    values: (string | null)[];
    more: Record<string, string>;
}

let loads = 0;

async function stage(csv: string, shape: FileShape, way: Way): Promise<{ rows: Staged[]; sliceRecords: number[] }> {
    const bytes = Buffer.from(csv);
    const records = createScanner()(bytes, { ...scanOptionsOf(shape), maxRecordBytes: 10_000, atEnd: true });
    const tally = emptyTally();
    const out = createCopyBytes();
    const loadId = ++loads;
    const place = {
        loadId,
        chunkId: 1,
        path: "o.csv",
        firstRecordNo: 1,
        firstLineNo: 2,
        firstByte: 0,
        isSlicedByNumber: false,
    };
    stageRecords(bytes, records, shape, place, way, out, tally);
    const source = (async function* () {
        yield writtenBytes(out);
    })();
    await copyRows(copier, copyStatement(shape, way, "staged_orders"), source);
    const rows = await database.sql<Staged[]>`
        select
            record_no as "recordNo", slice_no as slice, plain_second as second, problem,
            array[order_id, customer, total, placed_at, note] as values,
            coalesce(more::jsonb, jsonb_strip_nulls(jsonb_build_object('colour', nullif(extra_1, '')))) as more
        from staged_orders
        where load_id = ${loadId}
        order by record_no`;
    return { rows: [...rows], sliceRecords: tally.sliceRecords };
}

const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`;
const anyField = (samples: readonly string[]) =>
    fc
        .tuple(fc.constantFrom(...samples), fc.boolean(), fc.constantFrom("", "", " "))
        .map(([value, isQuoted, blank]) =>
            isQuoted || /[",\n]/.test(value) ? quoted(blank + value) : blank + value + blank,
        );
const fieldsOf = (header: readonly string[]) =>
    header.map((name) => anyField(columns.find((column) => column.name === name)?.type.samples ?? text.samples));
const anyFile = fc.shuffledSubarray([...names, "colour"], { minLength: names.length + 1 }).chain((header) =>
    fc
        .array(
            fc
                .tuple(fc.tuple(...fieldsOf(header)), fc.constantFrom("whole", "whole", "whole", "short", 'q"uote'))
                .map(([fields, kind]) =>
                    kind === "whole" ? fields : kind === "short" ? fields.slice(1) : [`a${kind}`, ...fields],
                ),
            { minLength: 1, maxLength: 20 },
        )
        .map((records) => ({ header, csv: records.map((fields) => `${fields.join(",")}\n`).join("") })),
);

describe("another stream", () => {
    test("is staged alike verbatim and parsed, and as its configuration maps it", async () => {
        await fc.assert(
            fc.asyncProperty(anyFile, async ({ header, csv }) => {
                const verbatim = await stage(csv, shapeOf(header), "verbatim");
                const parsed = await stage(csv, shapeOf(header), "parsed");
                // A mapping that changes nothing: it takes the slice from the key's text instead of its bytes.
                const mapped = await stage(csv, shapeOf(header, { match: "*", nulls: ["\\N"] }), "parsed");
                const withoutSecond = verbatim.rows.map((row) => ({ ...row, second: null }));
                expect(parsed.rows).toEqual(withoutSecond);
                expect(mapped.rows).toEqual(withoutSecond);
                expect([parsed.sliceRecords, mapped.sliceRecords]).toEqual([
                    verbatim.sliceRecords,
                    verbatim.sliceRecords,
                ]);
            }),
            { numRuns: 60 },
        );
    }, 60_000);

    test("has plain records: Postgres takes each value as it stands, and reads that second", async () => {
        const check = createPlainCheck({ stream: ordersStream, targets: [...columns], dialect: defaultDialect });
        const edits = fc.array(fc.tuple(fc.nat(30), fc.constantFrom(..."0129-+.: eT", ""), fc.boolean()), {
            maxLength: 2,
        });
        const anyValue = ({ type }: (typeof columns)[number]) =>
            fc.tuple(fc.constantFrom(...type.samples), edits).map(([sample, changes]) =>
                changes.reduce((value, [at, character, replaces]) => {
                    const characters = Array.from(value);
                    characters.splice(at % (characters.length + 1), replaces ? 1 : 0, character);
                    return characters.join("");
                }, sample),
            );
        const secondOf = (values: readonly string[]) => {
            const record = Buffer.from(values.join(","));
            return check(record, 0, record.length);
        };
        const records = fc.sample(fc.tuple(...columns.map(anyValue)), 5000);
        const plain = records
            .map((values) => ({
                ...Object.fromEntries(names.map((name, index) => [name, values[index]])),
                second: secondOf(values),
            }))
            .filter(({ second }) => second !== NOT_PLAIN);
        expect(plain.length).toBeGreaterThan(records.length / 40);
        const changed = await database.sql`
            select *
            from jsonb_to_recordset(${JSON.stringify(plain)}::text::jsonb)
                as plain (order_id text, total text, placed_at text, second bigint)
            where
                nullif(order_id, '')::bigint::text <> regexp_replace(order_id, '^0+(?=.)', '')
                or nullif(total, '')::numeric <> nullif(total, '')::numeric(12, 2)
                or to_timestamp(second) <> (placed_at || 'Z')::timestamptz
            limit 5`;
        expect([...changed]).toEqual([]);
    });

    test("spreads its keys over the slices, and gives equal keys the same one however they are written", () => {
        const shape = shapeOf(names);
        const slicesOf = (keys: readonly string[]) => {
            const csv = keys.map((key) => `${key},c,1,2024-01-01 00:00:00,n\n`).join("");
            const options = { ...scanOptionsOf(shape), maxRecordBytes: 1000, atEnd: true };
            const { count, slices } = createScanner()(Buffer.from(csv), options);
            return [...slices.subarray(0, count)];
        };
        expect(new Set(slicesOf(["17", "017", '"17"', " 17 ", "+17", '" 0017"'])).size).toBe(1);
        const counts = Map.groupBy(
            slicesOf(Array.from({ length: 16_000 }, (_, no) => String(100_000 + no))),
            (slice) => slice,
        );
        expect(counts.size).toBe(16);
        expect(Math.min(...[...counts.values()].map(({ length }) => length))).toBeGreaterThan(500);
    });

    test("finds the records that a quote has swallowed by the form of its own key", () => {
        const at = "2024-01-01 00:00:00";
        const csv = `1,"c,1,${at},n\n2,c,1,${at},n\n3,c",1,${at},n\n`;
        const options = { ...scanOptionsOf(shapeOf(names)), maxRecordBytes: 1000, atEnd: true };
        expect(createScanner()(Buffer.from(csv), options).count).toBe(3);
    });

    test("is told by its own columns which are missing, and keeps the others", () => {
        const fault = readHeader(ordersStream, Buffer.from("order_id,placed_at,event_id\n"), true);
        expect(fault).toMatchObject({ problem: "header_missing_columns", detail: expect.stringContaining("customer") });
        const { extraColumns, missingColumns } = shapeOf(["event_id", "ORDER_ID", "customer", "placed_at"]);
        expect([extraColumns, missingColumns]).toEqual([["event_id"], ["total", "note"]]);
    });
});
