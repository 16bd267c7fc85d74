/** A snapshot whose staged rows are lost before it is merged says nothing of the table: it is staged again. */
import { beforeAll, expect, test } from "bun:test";
import { useDatabase } from "../support/fixture.ts";
import { anyRemoval, snapshotOf } from "../support/snapshots.ts";
import { waitUntil } from "../support/wait-until.ts";
import { declare, useSeveralStreams } from "./several-streams.ts";

const database = useDatabase(import.meta.path);
const { sql } = database;
const several = useSeveralStreams(database, () => [
    { ...declare("goods", "goods/*.csv"), mode: snapshotOf("public.goods", anyRemoval).mode },
    { ...declare("parents", "parents/*.csv"), mode: snapshotOf("public.parents").mode },
]);
const names = ["goods", "parents"];
const options = () => ({ streams: several.streams.filter(({ name }) => names.includes(name)) });

beforeAll(async () => {
    await sql.unsafe(`
        create table goods (no bigint primary key, word text);
        create table parents (no bigint primary key, word text);
        create table children (parent_no bigint references parents)`);
});

test("whether nothing would be left, more would go than may, or a row that another names", async () => {
    for (const name of names) several.putNumbers(`${name}/1.csv`, 1, 90);
    await several.ingestOnce(options());
    await sql`insert into children values (7)`;
    for (const name of names) several.putNumbers(`${name}/2.csv`, 1, 91);
    await sql.begin(async (other) => {
        await other`select from ingest.slices for update`;
        const running = several.start(options());
        await waitUntil(
            "both are staged",
            async () => (await sql`select from ingest.chunks where state = 'staged'`).length === 2,
        );
        await running.stop();
    });
    for (const name of names) await sql.unsafe(`truncate ingest_${name}.staging`);
    await several.ingestOnce(options());
    expect((await several.files()).map(({ state, problem }) => [state, problem])).toEqual(
        Array(4).fill(["merged", null]),
    );
    expect(await Promise.all(names.map(several.count))).toEqual([91, 91]);
});
