import { beforeAll, expect, test } from "bun:test";
import { formatStatus } from "../../src/commands/status/format-status.ts";
import { readStatus } from "../../src/operations/status/read-status.ts";
import { useDatabase } from "../support/fixture.ts";

const database = useDatabase(import.meta.path);

beforeAll(async () => {
    await database.sql`
        insert into ingest.files (path, state, size_bytes, mtime_ns, inode, extra_columns, missing_columns)
        values
            ('a.csv', 'merged', 1, 1, 1, array['coupon'], null),
            ('b.csv', 'merged', 1, 1, 2, array['coupon', 'channel'], array['price']),
            ('c.csv', 'merged', 1, 1, 3, null, null)`;
});

test("status names the columns that the newest files have beyond ours, and those that they lack", async () => {
    const { columnDrift } = await readStatus(database.sql);
    expect(columnDrift).toEqual([
        { kind: "kept", column: "coupon", files: 2, lastPath: "b.csv" },
        { kind: "kept", column: "channel", files: 1, lastPath: "b.csv" },
        { kind: "missing", column: "price", files: 1, lastPath: "b.csv" },
    ]);
});

test("the screen says what becomes of them", async () => {
    const screen = formatStatus(await readStatus(database.sql), { color: false }).join("\n");
    expect(screen).toMatch(/coupon +kept +in 2 files, last b\.csv/);
    expect(screen).toMatch(/price +missing +in 1 file, last b\.csv/);
});
