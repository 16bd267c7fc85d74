/** The owner of a stream's table goes on altering and dropping it as before; the stream follows, or says what is missing. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, useDatabase } from "../support/fixture.ts";
import { runScript } from "../support/run-script.ts";

const database = useDatabase(import.meta.path);
const dir = makeFolder();

const deliver = (name: string, ...lines: string[]) => writeFileSync(join(dir, name), `${lines.join("\n")}\n`);
const ingest = () =>
    runScript("ingest", [
        ...["--table", "orders", "--input", dir, "--trigger", "available-now", "--tail-settle", "0"],
        ...["--database-url", database.url],
    ]);

test("a column is added, another one gets another type, one goes: the next run takes the table as it is", async () => {
    await database.sql`create table orders (id integer primary key, total numeric(6,2) not null check (total > 0), note text)`;
    deliver("1.csv", "id,total,note", "1,5.00,a", "2,-1,b");
    expect((await ingest()).stdout).toContain("2 read = 1 inserted + 0 duplicate + 0 conflict + 1 rejected");

    await database.sql`alter table orders add column channel text default 'web'`;
    await database.sql`alter table orders alter column total type numeric(8,3)`;
    await database.sql`alter table orders drop column note`;
    deliver("2.csv", "id,total,channel", "3,1.125,shop", "4,2.5,");
    expect((await ingest()).stdout).toContain("2 read = 2 inserted + 0 duplicate + 0 conflict + 0 rejected");

    expect(await database.sql`select * from orders order by id`).toEqual([
        { id: 1, total: "5.000", channel: "web" },
        { id: 3, total: "1.125", channel: "shop" },
        { id: 4, total: "2.500", channel: "web" },
    ] as never);
});

test("its owner can drop it without cascade, and a run says that it is gone", async () => {
    await database.sql`drop table orders`;

    const { exitCode, stderr } = await ingest();
    expect({ exitCode, stderr }).toMatchObject({
        exitCode: 3,
        stderr: expect.stringContaining("There is no table orders"),
    });
});
