import { expect, test } from "bun:test";
import { planPrune } from "../../src/operations/run-prune.ts";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { streamOfTable } from "../../src/streams/load-streams.ts";
import { useDatabase } from "../support/fixture.ts";

const database = useDatabase(import.meta.path);

test("a prune can be planned while the table of a stream is gone", async () => {
    const { sql } = database;
    await sql.unsafe("create table public.gone (id integer primary key)");
    await applyStream(database.target, streamOfTable("public.gone"));
    await sql.unsafe("drop table public.gone");
    expect(await planPrune(sql, 1_000)).toMatchObject({});
});
