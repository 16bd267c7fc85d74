/** Promise 7: what is wrong with a batch's records costs what good ones cost, whatever share of them it is. */
import { beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { useEmptyDatabase } from "../support/fixture.ts";
import { projectDir } from "../support/test-server.ts";
import { type GeneratedValues, mergeAll, stageGenerated } from "./stage-generated.ts";

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
beforeAll(async () => {
    // Too little for any of a merge's hash tables, as its usual memory is for millions of records.
    await sql`alter function ingest.merge_batch set work_mem = '64kB'`;
    await sql`alter function ingest.replay_as_caller set work_mem = '64kB'`;
});

/** A subplan that is searched once a record takes minutes for these; a join takes a second. */
const records = 20_000;
const deadlineMs = 60_000;

/** SQL of a staged row's values that are not those of a good one; `no` is its record number. */
const kinds = {
    good: {},
    short: { problem: `'{"reason": "too_few_fields", "line": 2, "byte": 70, "raw": "x"}'` },
    "of bad values": { quantity: "'many'" },
    "half short": { problem: `case when no % 2 = 0 then '{"reason": "too_few_fields", "raw": "x"}' end` },
    "half of bad values": { quantity: "case when no % 2 = 0 then 'many' else '1' end" },
    "of one id": { eventId: "md5('1')::uuid" },
    "in conflict": { product: "'another'" },
} satisfies Record<string, GeneratedValues>;
type Kind = keyof typeof kinds;

const stage = (kind: Kind) => stageGenerated(sql, records, kinds[kind]);

test.each([
    ["good", { inserted: records, duplicate: 0, conflict: 0, rejected: 0 }],
    ["short", { inserted: 0, duplicate: 0, conflict: 0, rejected: records }],
    ["of bad values", { inserted: 0, duplicate: 0, conflict: 0, rejected: records }],
    ["half short", { inserted: records / 2, duplicate: 0, conflict: 0, rejected: records / 2 }],
    ["half of bad values", { inserted: records / 2, duplicate: 0, conflict: 0, rejected: records / 2 }],
    ["of one id", { inserted: 1, duplicate: records - 1, conflict: 0, rejected: 0 }],
] as [Kind, object][])(
    "a merge of records that are all %s ends, however little memory it has",
    async (kind, counts) => {
        await stage(kind);
        expect(await mergeAll(sql)).toMatchObject({ read: records, ...counts });
    },
    deadlineMs,
);

test(
    "so do one of duplicates and one of conflicts, and the replay of what it rejected",
    async () => {
        await stage("good");
        await mergeAll(sql);
        await stage("good");
        expect(await mergeAll(sql)).toMatchObject({ inserted: 0, duplicate: records, conflict: 0 });
        await stage("in conflict");
        expect(await mergeAll(sql)).toMatchObject({ inserted: 0, duplicate: 0, conflict: records });
        const [batch] = await sql`
        select ingest.replay_rejects(
            0::smallint, gen_random_uuid(), gen_random_uuid(), array(select reject_id from ingest.rejects), true, false
        ) -> 'batch' as batch`;
        expect(batch!.batch).toMatchObject({ read: records, inserted: records, displaced: records });
    },
    3 * deadlineMs,
);

test("no statement in sql/ asks whether something is in the rows of a query: past its memory that is a search of them all, once a row", () => {
    const files = [...new Bun.Glob("sql/**/*.sql").scanSync(projectDir)];
    const searches = files.flatMap((file) => {
        const text = readFileSync(join(projectDir, file), "utf8").replace(/--.*$/gm, "");
        return [
            ...text.matchAll(/(?<!\bunion\s)\b(?:in|any|all|some)\s*\(\s*(?:select|with|table|values)\b[^;]{0,60}/gi),
        ].map(([found]) => `${file}: ${found.replace(/\s+/g, " ")}`);
    });
    expect(files.length).toBeGreaterThan(40);
    expect(searches).toEqual([]);
});
