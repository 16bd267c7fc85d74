/** Promise 7: what a load holds of a file at once does not grow with the number of its records. */
import { expect, test } from "bun:test";
import { readHeader } from "../../src/engine/read/read-header.ts";
import { type LoadPart, type StagedOutcome, stageParts } from "../../src/engine/stage/stage-parts.ts";
import type { Way } from "../../src/engine/stage/stage-records.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { fileOf } from "./virtual-file.ts";

const header = "event_id,event_type,product_id,user_id,event_timestamp\n";
const lines = 100_000;
const mostBytes = 4 * 1024 * 1024;

function partOf(content: Buffer): LoadPart {
    const shape = readHeader(eventsStream, content, true);
    if ("problem" in shape) throw new Error(shape.detail);
    return {
        fileId: 1,
        path: "a.csv",
        file: fileOf(content),
        shape,
        firstByte: 0,
        recordsFrom: header.length,
        stopAt: content.length,
        mostRecords: Number.POSITIVE_INFINITY,
        takeTail: true,
        contentHash: null,
        firstRecordNo: 1,
        firstLineNo: 2,
        again: null,
    };
}

async function stage(content: string, way: Way) {
    const outcomes: StagedOutcome[] = [];
    const config = { maxRecordBytes: 1024 * 1024 };
    let text = "";
    let longest = 0;
    for await (const bytes of stageParts(config, [partOf(Buffer.from(content))], way, 7, [41], outcomes)) {
        text += Buffer.from(bytes).toString("latin1");
        longest = Math.max(longest, bytes.length);
    }
    return { rows: text.trimEnd().split("\n"), longest, outcome: outcomes[0]! };
}

test.each(["verbatim", "parsed"] as const)(
    "a block of two-byte lines is staged in portions, each line under its own number and place (%s)",
    async (way) => {
        const { rows, longest, outcome } = await stage(header + "x\n".repeat(lines), way);

        expect([rows.length, outcome.records, outcome.sliceRecords[0]]).toEqual([lines, lines, lines]);
        expect(longest).toBeLessThan(mostBytes);
        for (const index of [0, 1, 16_383, 16_384, 65_536, lines - 1]) {
            const row = rows[index]!;
            expect(row.split(way === "verbatim" ? "," : "\t").slice(0, 3)).toEqual(["7", "41", String(index + 1)]);
            expect(row.replaceAll('""', '"')).toContain(
                `{"reason":"too_few_fields","line":${index + 2},"byte":${header.length + 2 * index},"raw":"x"}`,
            );
        }
    },
);

test("records that a portion ends between are neither lost nor doubled, whatever they are", async () => {
    const records = Array.from({ length: lines }, (_, no) => (no % 3 === 0 ? "x" : `id${no % 16},"v",p,u,t`));
    const { rows, outcome } = await stage(`${header}${records.join("\n")}\n`, "verbatim");

    expect(rows.map((row) => Number(row.split(",")[2]))).toEqual(records.map((_, no) => no + 1));
    expect(rows.map((row) => row.split(",").slice(6).join(","))).toEqual(
        rows.map((row, no) => (records[no] === "x" ? row.split(",").slice(6).join(",") : records[no]!)),
    );
    expect(outcome.sliceRecords.reduce((sum, count) => sum + count)).toBe(lines);
});
