/** No stream waits behind another's backlog; and streams without work cost next to nothing. Counted, not timed. */
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Sql } from "../../src/database/connect.ts";
import { planConnections } from "../../src/engine/run/plan-connections.ts";
import { createMergeTurns, createTurns } from "../../src/engine/turns.ts";
import { useEmptyDatabase } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { waitUntil } from "../support/wait-until.ts";
import { declare, makeTable, useSeveralStreams } from "./several-streams.ts";

setDefaultTimeout(testTimeoutMs);

const [calm, busy, other] = [1, 2, 3];

describe("turns", () => {
    test("one stream alone has all the workers, others leave it fewer, and never none", async () => {
        const turns = createTurns(3, 9);
        expect(turns.shareOf(busy)).toBe(3);
        const ends = [await turns.take(busy), await turns.take(busy)];
        expect([turns.shareOf(busy), turns.shareOf(calm)]).toEqual([3, 1]);
        const endCalm = await turns.take(calm);
        expect(turns.shareOf(busy)).toBe(2);
        endCalm();
        for (const end of ends) end();
        expect([turns.shareOf(busy), turns.shareOf(calm)]).toEqual([3, 3]);
    });

    test("with room for one more than the streams have, a calm stream never waits", async () => {
        const turns = createTurns(2, 4);
        await turns.take(busy);
        await turns.take(busy);
        await turns.take(other);
        let hasBegun = false;
        void turns.take(calm).then(() => {
            hasBegun = true;
        });
        await Promise.resolve();
        await Promise.resolve();
        expect(hasBegun).toBe(true);
    });

    test("where there are too few, one that has none comes before one that wants another", async () => {
        const turns = createTurns(2, 2);
        const ends = [await turns.take(busy), await turns.take(busy)];
        const begun: string[] = [];
        const taken = [
            turns.take(busy).then(() => begun.push("busy")),
            turns.take(calm).then(() => begun.push("calm")),
        ];
        ends[0]!();
        await taken[1];
        expect(begun).toEqual(["calm"]);
        ends[1]!();
        await taken[0];
        expect(begun).toEqual(["calm", "busy"]);
    });

    test("a stream gets the session back that it had", async () => {
        const sessions = ["first", "second", "third"] as unknown as Sql[];
        const turns = createMergeTurns(createTurns(2, 3), sessions);
        const one = await turns.take(calm);
        const two = await turns.take(busy);
        expect(one.sql).not.toBe(two.sql);
        one.end();
        two.end();
        const again = [await turns.take(busy), await turns.take(calm)];
        expect(again.map(({ sql }) => sql)).toEqual([two.sql, one.sql]);
    });
});

describe("connections", () => {
    const plan = (free: number | null, workers: number, streams: number) =>
        planConnections({ free, limit: "a limit" }, workers, streams);

    test.each([1, 2, 5, 20])(
        "%d streams: each may have a merge at work and another one loads, up to a bound",
        (streams) => {
            const { poolConnections, copyConnections, mergeWorkers, mostMerges } = plan(null, 2, streams);
            expect(mergeWorkers).toBe(2);
            expect(mostMerges).toBe(2 + Math.min(streams - 1, 6));
            expect(copyConnections).toBe(Math.min(streams, 4));
            // What is short has connections of its own.
            expect(poolConnections - mostMerges).toBeGreaterThanOrEqual(2);
            expect(poolConnections + copyConnections + 1).toBeLessThanOrEqual(17);
        },
    );

    test.each([3, 4, 5, 6, 8, 10])("with %d of them twenty streams take turns", (free) => {
        const { poolConnections, copyConnections, mostMerges, isReduced } = plan(free, 4, 20);
        expect(poolConnections + copyConnections + 1).toBeLessThanOrEqual(free);
        expect([copyConnections, mostMerges, poolConnections].every((count) => count >= 1)).toBe(true);
        expect(isReduced).toBe(true);
    });
});

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
const names = Array.from({ length: 20 }, (_, no) => `t${no}`);
const several = useSeveralStreams(database, () => names.map((name) => declare(name, `${name}-*.csv`)));
beforeAll(async () => {
    await sql.unsafe(names.map(makeTable).join(";"));
});

test("twenty streams without work: two statements a second, and no connection of their own", async () => {
    several.start();
    several.putNumbers("t7-1.csv", 1, 5);
    await waitUntil("the one with work is done", async () => (await several.count("t7")) === 5);
    const marks = async () =>
        (await sql`select count(distinct mark) as n, min(mark::text) as mark from ingest.workers`)[0]!;
    expect((await marks()).n).toBe(21);
    // Each statement of the ingest's sessions that a sample sees: a database's own count would hold what autovacuum commits.
    const statements = new Set<string>();
    const beats = async (count: number) => {
        for (let beat = 0; beat < count; beat += 1) {
            const { mark } = await marks();
            do {
                const seen = await sql<{ statement: string }[]>`
                    select concat_ws(' ', pid, query_start) as statement
                    from pg_stat_activity
                    where datname = current_database() and application_name like 'sluice-%'`;
                for (const { statement } of seen) statements.add(statement);
                await Bun.sleep(40);
            } while ((await marks()).mark === mark);
        }
    };
    await beats(6);
    statements.clear();
    const begunAt = performance.now();
    await beats(5);
    // Of each stream once a second, if each looked for itself.
    const ofEach = (names.length * (performance.now() - begunAt)) / 1000;
    expect(statements.size).toBeLessThan(ofEach / 2);
    const [sessions] = await sql`
        select count(*) as n from pg_stat_activity
        where datname = current_database() and application_name like 'sluice-%'`;
    // As many as asked at once when all began: at most what the plan gives.
    expect(Number(sessions!.n)).toBeLessThanOrEqual(17);
});
