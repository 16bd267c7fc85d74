/** No stream waits behind another's backlog: whose turn it is, and how many connections there are to take turns with. */
import { describe, expect, test } from "bun:test";
import type { Sql } from "../../src/database/connect.ts";
import { planConnections } from "../../src/engine/run/plan-connections.ts";
import { createMergeTurns, createTurns } from "../../src/engine/turns.ts";

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
