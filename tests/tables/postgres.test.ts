/** Slips of the hand in expected.json: Postgres itself, and the sums, are the witnesses. */
import { describe, expect, test } from "bun:test";
import { askPostgres } from "./ask-postgres.ts";
import { ordered, readRows } from "./read-rows.ts";
import { readTableCases, type TableCase } from "./read-table-case.ts";
import { useTable } from "./use-table.ts";

const cases = readTableCases(import.meta.dir).map((tableCase) => [tableCase.name, tableCase] as const);
const createTable = useTable(import.meta.path);

describe.each(cases)("%s", (_name, tableCase: TableCase) => {
    test("should fail in Postgres itself as expected.json says, but for what a cast hides", async () => {
        const { sql } = await createTable(tableCase);
        expect(await askPostgres(sql, tableCase)).toEqual([]);
        expect(await readRows(sql, tableCase)).toEqual(ordered(tableCase.rows));
    });

    test("adds up", () => {
        const { counts, rejects, records, rows, columns } = tableCase;
        const ofKind = (kind: string) => rejects.filter((reject) => reject.kind === kind).length;
        expect(counts.read).toBe(records.length);
        expect(counts.inserted + counts.duplicate + counts.conflict + counts.rejected).toBe(counts.read);
        expect([ofKind("conflict"), ofKind("rejected")]).toEqual([counts.conflict, counts.rejected]);
        for (const row of rows) expect(row).toHaveLength(columns.length);
    });
});
