/** Names from anywhere: nothing crashes, everything shows in the ledger. */
import { expect, test } from "bun:test";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { idOf, makeFolder, shopCsv, useDatabase } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";

const fileOf = (n: number) => shopCsv(`${idOf(n)},view,p,u,2024-01-02 03:04:05,,`);

const database = useDatabase(import.meta.path);
const dir = makeFolder();

test("file names with control and bidi characters are read, no UTF-8 and symbolic links fail visibly", async () => {
    const strange = ["a\u001b[31m.csv", "b\n.csv", "c\u202evsc.csv", "d\\x41.csv", `e${"é".repeat(120)}.csv`, "-f.csv"];
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
});
