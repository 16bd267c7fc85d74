/** The mode upsert: what a record does to the row of its key, case by case, with expectations by hand. */

import { beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../src/database/connect.ts";
import { readTrace } from "../../src/operations/read-trace.ts";
import { runPrune } from "../../src/operations/run-prune.ts";
import { runReplay } from "../../src/operations/run-replay.ts";
import { applyStream } from "../../src/streams/apply-stream.ts";
import type { Mode } from "../../src/streams/mode.ts";
import { refusalOf } from "../support/failure-of.ts";
import { useEmptyDatabase } from "../support/fixture.ts";
import { expectChecksToPass } from "../support/read-tables.ts";
import { declare, useSeveralStreams } from "./several-streams.ts";

setDefaultTimeout(60_000);

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;

const upsert = (settings: Partial<Extract<Mode, { name: "upsert" }>>): Mode => ({
    ...{ name: "upsert", version: null, deleteWhen: null, keepsHistory: false },
    ...settings,
});

beforeEach(async () => {
    const columns = "id bigint primary key, v integer not null, word text, gone boolean, place text default 'home'";
    await sql.unsafe(`
        drop table if exists by_version, by_order, deleting, ordered_deleting, kept cascade;
        create table by_version (${columns});
        create table by_order (${columns});
        create table deleting (${columns});
        create table ordered_deleting (${columns});
        create table kept (${columns});
        truncate ingest.tombstones, ingest.history`);
});
const several = useSeveralStreams(database, () => [
    { ...declare("by_version", "version*.csv"), mode: upsert({ version: "v" }) },
    { ...declare("by_order", "order*.csv"), mode: upsert({}) },
    { ...declare("deleting", "deleting*.csv"), mode: upsert({ version: "v", deleteWhen: "gone" }) },
    { ...declare("kept", "kept*.csv"), mode: upsert({ version: "v", deleteWhen: "gone", keepsHistory: true }) },
    { ...declare("ordered_deleting", "od*.csv"), mode: upsert({ deleteWhen: "gone -- by the source\n" }) },
]);

const put = (path: string, ...records: string[]) => several.put(path, `${["id,v,word,gone", ...records].join("\n")}\n`);
const rows = async (table: string) =>
    (await sql.unsafe(`select id, v, word, place from ${table} order by id`)).map(
        (row) => `${row.id} v${row.v} ${row.word}`,
    );
/** What became of the records of a stream, as the batches count them. */
const counts = async (name: string) => {
    const [sums] = await sql`
        select
            sum(read)::int as read, sum(inserted)::int as inserted, sum(updated)::int as updated,
            sum(duplicate)::int as duplicate, sum(superseded)::int as superseded, sum(deleted)::int as deleted,
            sum(conflict)::int as conflict, sum(rejected)::int as rejected
        from ingest.batches inner join ingest.streams using (stream_id)
        where streams.name = ${name}`;
    return Object.fromEntries(Object.entries(sums!).filter(([, count]) => count !== 0));
};
const ingest = () => several.ingestOnce({}, {});

test("by version: the higher wins, whichever file comes first; the same again is a duplicate, the same version with other content a conflict", async () => {
    put("version-1.csv", "1,5,five,", "2,1,one,", "3,2,two,", "4,1,,");
    await ingest();
    expect(await rows("by_version")).toEqual(["1 v5 five", "2 v1 one", "3 v2 two", "4 v1 null"]);
    put("version-2.csv", "1,4,four,", "2,2,two,", "3,2,two,", "4,1,other,", "5,,none,", "6,x,bad,");
    await ingest();
    expect(await rows("by_version")).toEqual(["1 v5 five", "2 v2 two", "3 v2 two", "4 v1 null"]);
    expect(await counts("by_version")).toEqual({
        ...{ read: 10, inserted: 4, updated: 1, duplicate: 1, superseded: 1, conflict: 1, rejected: 2 },
    });
    const reasons = await sql`select reasons from ingest.rejects order by record_no`;
    expect(reasons.map((row) => row.reasons)).toEqual([["id_conflict"], ["v_missing"], ["v_invalid"]]);
    await expectChecksToPass(sql);
});

test("by version, in one batch: of the records of a key that advance the last is written, the others are superseded", async () => {
    put(
        "version-1.csv",
        ...["1,1,a,", "1,3,c,", "1,2,b,", "1,3,c,", "1,3,d,"],
        ...["2,1,a,", "2,1,a,", "2,2,b,"],
        ...["3,1,a,"],
    );
    await ingest();
    expect(await rows("by_version")).toEqual(["1 v3 c", "2 v2 b", "3 v1 a"]);
    expect(await counts("by_version")).toEqual({
        ...{ read: 9, inserted: 3, duplicate: 2, superseded: 3, conflict: 1 },
    });
    put("version-2.csv", "1,4,e,", "1,5,f,", "1,5,f,", "2,1,a,", "2,2,z,");
    await ingest();
    expect(await rows("by_version")).toEqual(["1 v5 f", "2 v2 b", "3 v1 a"]);
    expect(await counts("by_version")).toEqual({
        ...{ read: 14, inserted: 3, updated: 1, duplicate: 3, superseded: 5, conflict: 2 },
    });
    await expectChecksToPass(sql);
});

test("by order: the later record wins, an unchanged row is not written", async () => {
    put("order-1.csv", "1,1,a,", "2,1,a,", "3,1,a,", "3,1,b,", "3,1,b,", "3,1,a,");
    await ingest();
    const before = await sql`select id, xmin::text from by_order order by id`;
    put("order-2.csv", "1,1,b,", "2,1,a,", "4,1,a,");
    await ingest();
    expect(await rows("by_order")).toEqual(["1 v1 b", "2 v1 a", "3 v1 a", "4 v1 a"]);
    expect(await counts("by_order")).toEqual({ read: 9, inserted: 4, updated: 1, duplicate: 2, superseded: 2 });
    const after = await sql`select id, xmin::text from by_order where id = 2`;
    expect(after[0]!.xmin).toBe(before[1]!.xmin);
    await expectChecksToPass(sql);
});

test("by order, a file that says again what an earlier one said is news; one that was only moved is not", async () => {
    put("order-1.csv", "1,1,a,");
    await ingest();
    put("order-2.csv", "1,1,b,");
    await ingest();
    put("order-3.csv", "1,1,a,");
    await ingest();
    expect(await rows("by_order")).toEqual(["1 v1 a"]);
    renameSync(join(several.inputDir, "order-2.csv"), join(several.inputDir, "order-4.csv"));
    put("order-5.csv", "2,1,c,");
    put("order-6.csv", "2,1,c,");
    await ingest();
    expect(await rows("by_order")).toEqual(["1 v1 a", "2 v1 c"]);
    expect(await counts("by_order")).toEqual({ read: 5, inserted: 2, updated: 2, duplicate: 1 });
    const skipped = (await several.files()).filter(({ state }) => state === "skipped");
    expect(skipped.map(({ path, problem }) => `${path} ${problem}`)).toEqual(["order-4.csv copy"]);
});

test("a deletion takes the row away, and an older record that comes later does not bring it back", async () => {
    put("deleting-1.csv", "1,1,a,f", "2,1,a,f", "3,1,a,f");
    await ingest();
    put("deleting-2.csv", "1,3,,t", "2,1,,t", "4,7,,t", "3,0,,t", "5,1,a,f", "5,2,,t", "5,3,,t");
    await ingest();
    expect(await rows("deleting")).toEqual(["3 v1 a"]);
    expect(await counts("deleting")).toEqual({
        ...{ read: 10, inserted: 3, deleted: 2, superseded: 3, duplicate: 2 },
    });
    put("deleting-3.csv", "1,2,b,f", "2,1,b,f", "4,6,b,f", "5,3,b,f", "1,3,,t");
    await ingest();
    expect(await rows("deleting")).toEqual(["3 v1 a"]);
    put("deleting-4.csv", "1,4,d,f", "4,8,d,f", "5,4,d,f", "5,5,e,f");
    await ingest();
    expect(await rows("deleting")).toEqual(["1 v4 d", "3 v1 a", "4 v8 d", "5 v5 e"]);
    expect((await sql`select key from ingest.tombstones`).map((row) => row.key)).toEqual(["2"]);
    expect(await counts("deleting")).toEqual({
        ...{ read: 19, inserted: 6, deleted: 2, superseded: 8, duplicate: 3 },
    });
    await expectChecksToPass(sql);
});

test("by order, a deletion takes away what was before it", async () => {
    put("od-1.csv", "1,1,a,f", "2,1,a,", "3,1,a,f", "3,1,,t", "3,1,b,f", "4,1,,t");
    await ingest();
    put("od-2.csv", "1,1,,t", "2,1,b,", "2,1,,t", "2,1,,t");
    await ingest();
    expect(await rows("ordered_deleting")).toEqual(["3 v1 b"]);
    expect(await counts("ordered_deleting")).toEqual({
        ...{ read: 10, inserted: 3, deleted: 2, superseded: 3, duplicate: 2 },
    });
    await expectChecksToPass(sql);
});

test("an empty value takes the default again", async () => {
    several.put("version-1.csv", "id,v,word,place\n1,1,a,away\n2,1,a,\n");
    await ingest();
    several.put("version-2.csv", "id,v,word,place\n1,2,a,\n2,1,a,home\n");
    await ingest();
    expect((await sql`select place from by_version order by id`).map((row) => row.place)).toEqual(["home", "home"]);
    expect(await counts("by_version")).toEqual({ read: 4, inserted: 2, updated: 1, duplicate: 1 });
});

test("what the table refuses is that record's problem: an older one of its key gets in", async () => {
    await sql.unsafe(`
        create function refuse_bad() returns trigger language plpgsql as $$
        begin
            if new.word = 'bad' then raise exception 'no'; end if;
            if new.word = 'silent' then return null; end if;
            return new;
        end $$;
        create trigger refuse_bad before insert or update on by_version for each row execute function refuse_bad();
        insert into by_version values (1, 1, 'a'), (2, 1, 'a')`);
    put(
        "version-1.csv",
        "1,2,b,",
        "1,3,bad,",
        "2,2,bad,",
        "3,1,bad,",
        "4,1,a,",
        "4,1,a,",
        "5,1,silent,",
        "6,x,,",
        "2,0,,",
    );
    await ingest();
    expect(await rows("by_version")).toEqual(["1 v2 b", "2 v1 a", "4 v1 a"]);
    expect(await counts("by_version")).toEqual({
        ...{ read: 9, inserted: 1, updated: 1, duplicate: 1, superseded: 1, rejected: 5 },
    });
    await sql`drop function refuse_bad cascade`;
});

const replay = async (name: string, acceptConflicts = false) => {
    const [stream] = await sql<{ streamId: number }[]>`
        select stream_id as "streamId" from ingest.streams where name = ${name}`;
    const { batches, ...counts } = await runReplay(sql, { streamId: stream!.streamId, acceptConflicts });
    await expectChecksToPass(sql);
    return batches === 0
        ? null
        : [counts.inserted, counts.updated, counts.superseded, counts.deleted, counts.displaced];
};

test("a replay decides anew by version: what was edited advances, is superseded or deletes", async () => {
    put("deleting-1.csv", "1,x,new,f", "2,x,old,f", "3,x,,t", "4,5,a,f", "4,5,b,f", "5,x,a,f");
    put("deleting-2.csv", "1,3,a,f", "2,3,a,f", "3,3,a,f", "5,3,a,f");
    await ingest();
    expect(await replay("deleting")).toBeNull();
    await sql`
        update ingest.rejects set record = record || jsonb_build_object('v', case record ->> 'id' when '2' then '2' when '5' then '3' else '4' end)
        where kind = 'rejected'`;
    expect(await replay("deleting")).toEqual([0, 1, 1, 1, 0]);
    expect(await rows("deleting")).toEqual(["1 v4 new", "2 v3 a", "4 v5 a", "5 v3 a"]);
    const resolutions =
        await sql`select resolution from ingest.rejects where resolution is not null order by record_no`;
    expect(resolutions.map((row) => row.resolution)).toEqual(["updated", "superseded", "deleted", "duplicate"]);
    expect(await replay("deleting", true)).toEqual([1, 0, 0, 0, 1]);
    expect(await rows("deleting")).toEqual(["1 v4 new", "2 v3 a", "4 v5 b", "5 v3 a"]);
});

test("by order, a replayed record cannot know whether it is newer: it conflicts with what is stored", async () => {
    put("od-1.csv", "1,x,late,f", "2,x,,t", "3,x,new,f", "4,x,gone,f", "5,x,,t");
    put("od-2.csv", "1,1,a,f", "2,1,a,f", "4,1,a,f", "4,1,,t");
    await ingest();
    await sql`update ingest.rejects set record = record || '{"v": "1"}'`;
    expect(await replay("ordered_deleting")).toEqual([1, 0, 1, 0, 0]);
    expect(await rows("ordered_deleting")).toEqual(["1 v1 a", "2 v1 a", "3 v1 new"]);
    expect(await replay("ordered_deleting")).toBeNull();
    expect(await replay("ordered_deleting", true)).toEqual([1, 0, 0, 1, 1]);
    expect(await rows("ordered_deleting")).toEqual(["1 v1 late", "3 v1 new"]);
});

test("with history every version is kept: what was replaced, deleted or came too late, by which record", async () => {
    put("kept-1.csv", "1,1,a,f", "1,2,b,f", "2,1,a,f", "3,5,a,f");
    await ingest();
    put("kept-2.csv", "1,3,c,f", "2,2,,t", "3,4,old,f", "3,5,a,f");
    await ingest();
    const kept = await sql`
        select key, what, record ->> 'v' as v, record ->> 'word' as word, path, record_no::int as "recordNo"
        from ingest.history inner join ingest.chunks using (chunk_id) inner join ingest.files using (file_id)
        order by key, v, record_no`;
    expect(kept.map((row) => Object.values(row).join(" "))).toEqual([
        "1 superseded 1 a kept-1.csv 1",
        "1 replaced 2 b kept-2.csv 1",
        "2 deleted 1 a kept-2.csv 2",
        "3 superseded 4 old kept-2.csv 3",
    ]);
    const trace = await readTrace(sql, { name: "kept", home: "ingest_kept" }, { key: { id: " 1" } });
    expect(trace.stored).toMatchObject({ v: "3", word: "c" });
    expect(trace.versions).toMatchObject([
        { what: "superseded", record: { v: "1" }, path: "kept-1.csv", recordNo: 1 },
        { what: "replaced", record: { v: "2" }, path: "kept-2.csv", recordNo: 1, batch: { kind: "merge" } },
    ]);
    const pruning = connect(database.target, { applicationName: "test prune", max: 1 });
    const summary = await runPrune(pruning, new Date(Date.now() + 60_000)).finally(() => pruning.end());
    expect(summary.versions).toBe(5);
    expect(await rows("kept")).toEqual(["1 v3 c", "3 v5 a"]);
});

test("a row that a foreign key holds is not deleted: its record is refused, and the others go on", async () => {
    await sql.unsafe(`
        insert into deleting values (1, 1, 'a', false), (3, 1, 'a', false), (4, 1, 'a', false);
        create table parts (deleting_id bigint references deleting);
        insert into parts values (1), (3)`);
    put("deleting-1.csv", "1,3,,t", "3,2,,t", "4,2,,t");
    await ingest();
    expect(await rows("deleting")).toEqual(["1 v1 a", "3 v1 a"]);
    const refused = await sql`select record_no, refusal ->> 'sqlState' as state from ingest.rejects order by record_no`;
    expect(refused.map((row) => [Number(row.record_no), row.state])).toEqual([
        [1, "23503"],
        [2, "23503"],
    ]);
    await sql`drop table parts, deleting cascade`;
});

test("should fail: a mode that the table cannot have is refused by name", async () => {
    const refusal = async (settings: Parameters<typeof upsert>[0], name = "by_version") => {
        const declared = { ...declare(`${name}_again`, "none*.csv", name), mode: upsert(settings) };
        const { code, what } = await refusalOf(applyStream(database.target, declared));
        return `${code}: ${what}`;
    };
    expect(await refusal({ version: "vv" })).toContain("version_column: by_version has no column vv");
    expect(await refusal({ version: "word" })).toContain("version_column: The column word is text");
    expect(await refusal({ version: "id" })).toContain("version_column: The column id is a part of the key");
    expect(await refusal({ deleteWhen: "deleted" })).toContain(
        'delete_condition: `deleteWhen` is no condition over the columns of by_version: column "deleted" does not exist',
    );
    expect(await refusal({ deleteWhen: "v" })).toContain("delete_condition");
    await sql`create table odd_keys (id interval primary key, gone boolean)`;
    expect(await refusal({ deleteWhen: "gone" }, "odd_keys")).toContain("delete_key");
    await sql`drop table odd_keys`;
});
