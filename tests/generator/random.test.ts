import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createRandom } from "../../src/shop/generator/random.ts";

const draws = (seed: number) => {
    const random = createRandom(seed);
    return Array.from({ length: 8 }, () => random.uint32());
};

describe("the random source", () => {
    test("gives the same numbers for the same seed, and others for its neighbour", () => {
        const seeds = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 1 });
        fc.assert(
            fc.property(seeds, (seed) => {
                expect(draws(seed)).toEqual(draws(seed));
                expect(draws(seed)).not.toEqual(draws(seed + 1));
            }),
        );
    });

    test("tells apart seeds that differ above 32 bits only", () => {
        expect(draws(5)).not.toEqual(draws(5 + 2 ** 32));
    });

    test("stays within its bounds", () => {
        fc.assert(
            fc.property(fc.nat(), fc.nat(1_000), fc.nat(1_000), (seed, min, extra) => {
                const random = createRandom(seed);
                const value = random.between(min, min + extra);
                expect(Number.isInteger(value) && value >= min && value <= min + extra).toBe(true);
                expect(random.chance(0)).toBe(false);
                expect(random.chance(1)).toBe(true);
            }),
        );
    });

    test("is even: a thousand bins of a million draws each hold about a thousand", () => {
        const random = createRandom(1);
        const bins = new Uint32Array(1_000);
        for (let draw = 0; draw < 1_000_000; draw++) bins[random.below(1_000)]! += 1;
        // Standard deviation 32: six of them.
        expect(Math.min(...bins)).toBeGreaterThan(1_000 - 190);
        expect(Math.max(...bins)).toBeLessThan(1_000 + 190);
    });

    test("makes version 4 uuids, none twice", () => {
        const random = createRandom(2);
        const uuids = Array.from({ length: 50_000 }, () => random.uuid());
        expect(new Set(uuids).size).toBe(50_000);
        expect(
            uuids.every((uuid) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(uuid)),
        ).toBe(true);
    });
});
