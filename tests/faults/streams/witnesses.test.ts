/**
 * Two witnesses of what the model makes: its own rules, and Postgres, into whose tables each record is put alone. A record
 * that they tell apart would make the model test of streams meaningless.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { parse } from "csv-parse/sync";
import { createRandom } from "../../../src/shop/generator/random.ts";
import { useDatabase } from "../../support/fixture.ts";
import { chooseSeed, testTimeoutMs } from "../../support/generate-folder.ts";
import type { Fate } from "../../support/random-records.ts";
import { readRange } from "../model/read-ranges.ts";
import { cutReaderOf, makeStreamFiles } from "./make-files.ts";
import { countRow, type ModelStream, withDerivedKey } from "./model-stream.ts";
import { readStreamRows } from "./read-streams.ts";
import { modelStreams, schema } from "./streams.ts";

setDefaultTimeout(testTimeoutMs);

const random = createRandom(chooseSeed("streams"));
const { sql } = useDatabase(import.meta.path);
/** A cast to numeric rounds, and one to a time takes words and a seventh decimal. */
const hiddenByCasts = /_(too_precise|invalid|missing)$/;

test("what the model accepts is what Postgres stores, value by value, and what it refuses Postgres does", async () => {
    await sql.unsafe(schema);
    const makers = makeStreamFiles(modelStreams);
    for (const [index, stream] of modelStreams.entries()) {
        const content = makers[index]!.make(random, { records: 500, dirty: 0.3, repeated: 0.2, maxRecordBytes: 2048 });
        const lines = parse(content.bytes, { bom: true, relax_column_count: true }) as string[][];
        const [header, ...rows] = lines.filter((values) => values.some((value) => value.trim() !== ""));
        expect(rows).toHaveLength(content.records.length);
        const expected = new Map<string, string>();
        for (const [at, { fate }] of content.records.entries()) {
            if (fate.kind === "rejected" && fate.reasons.some((reason) => hiddenByCasts.test(reason))) continue;
            const state = await insertAlone(stream, header!, rows[at]!);
            expect({ row: rows[at], fate, state, isSo: agrees(stream, fate, state) }).toMatchObject({ isSo: true });
            if (state !== null || fate.kind !== "valid") continue;
            if (stream.keys.length === 0) countRow(expected, fate.content);
            else expected.set(fate.eventId, fate.content);
        }
        expect(expected.size).toBeGreaterThan(25);
        const stored = await readStreamRows(sql, stream);
        for (const [key, text] of expected) expect(stored.get(key)).toBe(text);
        expect(stored.size).toBe(expected.size);
    }
});

/** The SQLSTATE with which Postgres refuses the record, or null. */
async function insertAlone(stream: ModelStream, header: string[], values: string[]): Promise<string | null> {
    const inFile = Object.fromEntries(header.map((name, index) => [name.toLowerCase(), values[index]!.trim()]));
    const given = withDerivedKey(stream, inFile);
    // A column that is left out takes its default.
    const filled = Object.entries(given).filter(([, value]) => value !== "");
    const literals = filled.map(([, value]) => `'${value.replaceAll("'", "''")}'`);
    try {
        await sql.unsafe(`insert into ${stream.table} (${filled.map(([column]) => column)}) values (${literals})`);
        return null;
    } catch (error) {
        return (error as { code: string }).code;
    }
}

function agrees({ parent }: ModelStream, fate: Fate, state: string | null): boolean {
    if (fate.kind === "valid") return state === null || state === "23505" || (parent !== null && state === "23503");
    const [states] = [fate.reasons.flatMap((reason) => statesOf(reason))];
    return states.includes(state ?? "");
}

function statesOf(reason: string): string[] {
    if (reason.endsWith("_too_long")) return ["22001"];
    if (reason.endsWith("_out_of_range")) return ["22003"];
    return reason.endsWith("_unknown") ? ["22P02"] : ["23514"];
}

test("a line that is cut anywhere is read by the same rules as a whole one", () => {
    const makers = makeStreamFiles(modelStreams);
    for (const [index, stream] of modelStreams.entries()) {
        const content = makers[index]!.make(random, { records: 60, dirty: 0.2, repeated: 0.2, maxRecordBytes: 2048 });
        const readCut = cutReaderOf(stream);
        for (const { start, end, fate } of content.records) {
            // Cut behind its last byte it is whole: then the reader of parts must say what the maker did.
            const [whole] = readCut(
                content.bytes.subarray(0, content.headerBytes),
                content.bytes.subarray(start, end),
                2048,
            );
            if (whole === undefined) continue;
            const { eventId = null, content: typed = null } = fate.kind === "valid" ? fate : {};
            expect(whole).toMatchObject({ eventId, content: typed, parent: fate.parent ?? null });
            for (let cut = start + 1; cut < end; cut += 1) {
                const readings = readRange(content, start, cut, 2048, readCut);
                expect(readings.length).toBeLessThanOrEqual(1);
            }
        }
    }
});
