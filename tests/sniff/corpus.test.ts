import { describe, expect, test } from "bun:test";
import { sniffFile } from "../../src/operations/sniff/sniff-file.ts";
import { corpusFiles } from "./corpus-files.ts";
import { readingLimits } from "./reading-limits.ts";

describe("the proposal for a CSV file is the one that was written down before", () => {
    expect(corpusFiles.length).toBeGreaterThan(100);
    for (const { file, path, expected } of corpusFiles) {
        test(file, async () => {
            const proposal = await sniffFile({ config: readingLimits, path, settings: expected.options ?? {} });
            const types = proposal.columns.map(({ name, type, isNullable }) => [name, type, isNullable]);
            const wanted = Object.entries(expected.columns).map(([name, { type, nullable }]) => [name, type, nullable]);
            expect(types).toEqual(wanted);
            expect(proposal.key?.columns ?? null).toEqual(expected.key);
            expect(proposal.asks.map(({ about }) => about as string)).toEqual(expected.asks);
            expect(proposal.brokenRecords.count).toBe(expected.brokenRecords ?? 0);
            if (expected.source) expect(proposal.source as Record<string, unknown>).toEqual(expected.source);
            for (const { name, note } of proposal.columns) {
                expect(note).toContain(expected.columns[name]!.note ?? "");
                expect(note).not.toBe("");
            }
        });
    }
});
