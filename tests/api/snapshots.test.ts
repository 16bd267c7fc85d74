import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeLiveCursor, encodeLiveCursor } from "../../src/server/api/live/live-cursor.ts";
import { parseSnapshot, sees } from "../../src/server/api/live/snapshots.ts";
import { useDatabase } from "../support/fixture.ts";

const database = useDatabase(import.meta.path);

const snapshotText = fc
    .tuple(
        fc.bigInt({ min: 1n, max: 2n ** 40n }),
        fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 12 }),
        fc.nat(80),
    )
    .map(([xmin, offsets, width]) => {
        const running = offsets.filter((offset) => offset < width).toSorted((left, right) => left - right);
        return `${xmin}:${xmin + BigInt(width)}:${running.map((offset) => xmin + BigInt(offset)).join(",")}`;
    })
    // No transaction has a number whose lower half is 0, and no snapshot names one.
    .filter((text) =>
        text
            .split(":")
            .slice(0, 2)
            .every((id) => BigInt(id) % 2n ** 32n !== 0n),
    );

test("takes nothing that Postgres would refuse", async () => {
    await fc.assert(
        fc.asyncProperty(
            fc.oneof(
                snapshotText,
                fc.stringMatching(/^\d{1,3}:\d{1,3}:(\d{1,3}(,\d{1,3}){0,4})?$/),
                fc.stringMatching(/^[\d:,. -]{0,12}$/),
            ),
            async (text) => {
                if (!parseSnapshot(text)) return;
                await database.sql`select ${text}::pg_snapshot`;
            },
        ),
        { numRuns: 300 },
    );
    for (const text of [
        "",
        "1:2",
        "0:1:",
        "2:1:",
        "1:3:3",
        "1:5:3,2",
        "1:5:2,2",
        "1:18446744073709551616:",
        "4294967296:4294967297:",
        "4294967295:4294967296:",
        "-1:1:",
        "1:1:;",
    ]) {
        expect([text, parseSnapshot(text)]).toEqual([text, undefined]);
    }
});

test("orders snapshots by what they see", () => {
    const order = (later: string, earlier: string) => sees(parseSnapshot(later)!, parseSnapshot(earlier)!);
    expect(order("5:5:", "5:5:")).toBe(true);
    expect(order("5:9:5", "5:8:5,6")).toBe(true);
    expect(order("5:8:5,6", "5:9:5")).toBe(false);
    expect(order("5:9:5", "5:9:5,7")).toBe(true);
    expect(order("5:9:5,7", "5:9:5")).toBe(false);
});

test("brings a cursor back as it was", () => {
    fc.assert(
        fc.property(snapshotText, snapshotText, fc.option(fc.nat()), (seen, upTo, batchId) => {
            const cursor = {
                system: "7710945939947787676",
                seen: parseSnapshot(seen)!,
                catchingUp:
                    batchId === null
                        ? undefined
                        : { upTo: parseSnapshot(upTo)!, transactionId: "99", batchId: batchId + 1 },
            };
            expect(decodeLiveCursor(encodeLiveCursor(cursor), "after")).toEqual(
                batchId === null ? { system: cursor.system, seen: cursor.seen } : cursor,
            );
        }),
    );
});
