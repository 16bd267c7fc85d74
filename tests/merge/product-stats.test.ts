import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { header, makeFolder, useDatabase } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { expectChecksToPass } from "../support/read-tables.ts";

const database = useDatabase(import.meta.path);
const folder = makeFolder();

test("a batch of more products than get rows keeps the best ones, adds up the others, and loses nothing", async () => {
    const products = 25_000;
    const at = new Date().toISOString();
    const rows = Array.from({ length: products }, (_, index) => {
        const id = `00000000-0000-4000-8000-${index.toString(16).padStart(12, "0")}`;
        return `${id},purchase,p${index},u,${at},1,${index}`;
    });
    writeFileSync(join(folder, "a.csv"), `${[header, ...rows].join("\n")}\n`);
    await ingestFolder(database.target, folder, { mergeWorkers: 1 });

    const stats = await database.sql`
        select grain, count(*) as products, sum(events)::bigint as events, sum(revenue)::float8 as revenue,
            max(events) filter (where product_id = '') as others, min(revenue) filter (where product_id <> '')::float8 as least
        from ingest.product_stats group by grain order by grain`;
    const batches = await database.sql`select from ingest.batches`;
    expect(batches).toHaveLength(1);
    const whole = { events: products, revenue: (products * (products - 1)) / 2 };
    expect(stats.map((row) => ({ ...row }))).toEqual(
        ["day", "total"].map((grain) => ({ grain, products: 20_001, ...whole, others: 5000, least: 5000 })),
    );
    await expectChecksToPass(database.sql);
});
