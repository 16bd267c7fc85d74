import { beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { useDatabase } from "../support/fixture.ts";
import { runsOf } from "../support/sample.ts";
import { compareTable, insertEach } from "./compare-verdicts.ts";

const database = useDatabase(import.meta.path);

/** `bun run test:streams --tables 20000` */
const tables = Number(process.env.SLUICE_STREAM_TABLES ?? runsOf(200, 80));
const seed = process.env.SLUICE_SEED ? { seed: Number(process.env.SLUICE_SEED) } : {};

beforeAll(async () => {
    await database.sql.unsafe("create extension citext; create extension hstore; create extension ltree");
    await database.sql.unsafe(insertEach);
});

let no = 0;

test("a rule takes a text exactly when Postgres stores what it says, whatever the type and the text", async () => {
    await fc.assert(
        fc.asyncProperty(fc.infiniteStream(fc.nat({ max: 0x7fffffff })), async (numbers) => {
            const pick = (below: number) => numbers.next().value! % below;
            no += 1;
            expect(await compareTable(database.sql, pick, no)).toEqual([]);
        }),
        { numRuns: tables, endOnFailure: true, ...seed },
    );
}, 86_400_000);
