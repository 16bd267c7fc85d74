import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { sniffFile } from "../../src/operations/sniff/sniff-file.ts";
import { readingLimits } from "./reading-limits.ts";

const corpus = join(import.meta.dir, "corpus");

interface Expected {
    options?: Record<string, unknown>;
    columns: Record<string, { type: string; nullable: boolean; note?: string }>;
    key: string[] | null;
    asks: string[];
    source?: Record<string, unknown>;
    brokenRecords?: number;
}

const files = readdirSync(corpus).filter((name) => /\.(csv|tsv)(\.gz)?$/.test(name));

test("every file of the corpus has an expectation, and there are a hundred", () => {
    const expectations = readdirSync(corpus).filter((name) => name.endsWith(".expected.json"));
    expect(expectations).toHaveLength(files.length);
    expect(files.length).toBeGreaterThan(100);
});

describe("the proposal for a CSV file is the one that was written down before", () => {
    for (const file of files) {
        test(file, async () => {
            const name = file.replace(/\.(csv|tsv)(\.gz)?$/, "");
            const expected: Expected = await Bun.file(join(corpus, `${name}.expected.json`)).json();
            const path = join(corpus, file);
            const proposal = await sniffFile({ config: readingLimits, path, settings: expected.options ?? {} });
            const types = proposal.columns.map(({ name, type, isNullable }) => [name, { type, nullable: isNullable }]);
            const wanted = Object.entries(expected.columns).map(([name, { type, nullable }]) => [
                name,
                { type, nullable },
            ]);
            expect(types).toEqual(wanted);
            expect(proposal.key?.columns ?? null).toEqual(expected.key);
            expect(proposal.asks.map(({ about }) => about as string)).toEqual(expected.asks);
            expect(proposal.brokenRecords.count).toBe(expected.brokenRecords ?? 0);
            if (expected.source) expect(proposal.source as Record<string, unknown>).toEqual(expected.source);
            for (const column of proposal.columns) {
                expect(column.note).toContain(expected.columns[column.name]!.note ?? "");
                expect(column.note).not.toBe("");
            }
        });
    }
});
