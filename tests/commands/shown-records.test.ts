/** How commands show a record's values, and times: in the order of the file, and in one form. */
import { beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeRecord } from "../../src/commands/describe-record.ts";
import { idOf, makeFolder, useDatabase } from "../support/fixture.ts";
import { runScript } from "../support/run-script.ts";

const database = useDatabase(import.meta.path);
const folder = makeFolder();
const run = async (name: string, ...args: string[]) =>
    (await runScript(name, [...args, "--database-url", database.url])).stdout;

/** No column is where the alphabet, the table or the length of its name would put it. */
const header = "price,user_id,colour,event_type,event_id,quantity,event_timestamp,product_id";
const stored = `1,u1,red,view,${idOf(1)},2,2001-02-03 04:05:06,p1`;
const rejected = `x,u2,blue,view,${idOf(2)},3,2001-02-03 04:05:06,p2`;
const shownRejected = `price=x user_id=u2 colour=blue event_type=view event_id=${idOf(2)} quantity=3 event_timestamp=2001-02-03 04:05:06 product_id=p2`;

beforeAll(async () => {
    writeFileSync(join(folder, "a.csv"), `${header}\n${stored}\n${rejected}\n`);
    await run("ingest", "--trigger", "available-now", "--tail-settle", "0", "--input", folder);
});

test("try, rejects and trace show the values in the order of the file's header", async () => {
    writeFileSync(join(folder, "b.csv"), `${header}\n${rejected}\n`);
    expect(await run("try", join(folder, "b.csv"))).toContain(`    record 1: ${shownRejected}\n`);
    expect(await run("rejects")).toContain(`    ${shownRejected}\n`);
    expect(await run("trace", "a.csv:2")).toContain(`           ${shownRejected}\n`);
    expect(await run("trace", idOf(1))).toMatch(/\n {11}price=1\S* user_id=u1 colour=red event_type=view event_id=/);
});

test("a column that the file calls otherwise is found by its plain name, else it comes last", () => {
    const record = { a: "1", bb: "2", user_id: "3", none: null };

    expect(describeRecord(record, ["User ID", "bb"])).toBe("user_id=3 bb=2 a=1");
    expect(describeRecord(record)).toBe("a=1 bb=2 user_id=3");
});

test("every time that a command prints has one form, to the second, in UTC", async () => {
    const shown = [
        await run("files"),
        await run("files", "a.csv"),
        await run("batches"),
        await run("batches", "1"),
        await run("rejects"),
        await run("trace", "a.csv:2"),
        await run("prune", "--older-than", "1h", "--dry-run"),
    ];
    const times = shown.map((text) => text.match(/\b20[2-9]\d-\d\d-\d\d\S*( \d\d:\S*)?/g) ?? []);

    expect(times.map((found) => found.length > 0)).toEqual(shown.map(() => true));
    expect(times.flat().filter((time) => !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ[:,.)]?$/.test(time))).toEqual([]);
});
