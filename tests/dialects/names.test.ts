/** Names from anywhere: nothing crashes, everything shows in the ledger. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestDatabase } from "../support/database.ts";
import { ingestFolder } from "../support/ingest-folder.ts";

const header = "event_id,event_type,product_id,user_id,event_timestamp";
const fileOf = (n: number) => `${header}\na0000000-0000-4000-8000-00000000000${n},view,p,u,2024-01-02 03:04:05\n`;

test("file names with control and bidi characters are read, no UTF-8 and symbolic links fail visibly", async () => {
    const database = await createTestDatabase(import.meta.path);
    const dir = mkdtempSync(join(tmpdir(), "sluice-names-"));
    try {
        const strange = [
            "a\u001b[31m.csv",
            "b\n.csv",
            "c\u202evsc.csv",
            "d\\x41.csv",
            `e${"é".repeat(120)}.csv`,
            "-f.csv",
        ];
        for (const [index, name] of strange.entries()) writeFileSync(join(dir, name), fileOf(index + 1));
        writeFileSync(Buffer.concat([Buffer.from(`${dir}/x`), Buffer.of(0xff, 0xc3), Buffer.from(".csv")]), fileOf(9));
        symlinkSync("/etc/passwd", join(dir, "y.csv"));

        const summary = await ingestFolder(database.target, dir);
        const rows = await database.sql`select path, state, problem from ingest.files order by path collate "C"`;

        expect(summary.records.inserted).toBe(strange.length);
        expect(rows.map(({ path, state, problem }) => [path, state, problem])).toEqual(
            [
                ...strange.map((name) => [name, "merged", null]),
                ["x\\xff\\xc3.csv", "failed", "file_name_invalid"],
                ["y.csv", "failed", "not_a_regular_file"],
            ].sort((left, right) => Buffer.compare(Buffer.from(left[0]!), Buffer.from(right[0]!))),
        );
    } finally {
        rmSync(dir, { recursive: true });
        await database.drop();
    }
});
