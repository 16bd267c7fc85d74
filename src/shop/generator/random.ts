/** Seeded randomness for the generator: reproducible and fast, not for secrets. */
export interface Random {
    /** A whole number from 0 to 2³² − 1. */
    uint32(): number;
    /** From 0 (included) to 1 (excluded), in steps of 2⁻³². */
    fraction(): number;
    /** A whole number from 0 to `limit` − 1. */
    below(limit: number): number;
    /** A whole number from `min` to `max`, both included. */
    between(min: number, max: number): number;
    /** True with this probability: never at 0, always at 1. */
    chance(probability: number): boolean;
    pick<Item>(items: readonly Item[]): Item;
    /** A version 4 uuid, lower case. */
    uuid(): string;
}

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const hexOf16Bits = Array.from({ length: 65_536 }, (_, bits) => hexOfByte[bits >>> 8]! + hexOfByte[bits & 255]!);

/** A seed that nobody chose. */
export function drawSeed(): number {
    const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
    return (high >>> 11) * 2 ** 32 + low;
}

/**
 * The same seed (a whole number from 0 to 2⁵³ − 1) gives the same sequence on every machine.
 *
 * sfc32 from the PractRand suite: 128 bits of state, so that ids of two different seeds don't meet.
 */
export function createRandom(seed: number): Random {
    let a = seed >>> 0;
    let b = Math.floor(seed / 2 ** 32) >>> 0;
    let c = 0x9e3779b9;
    let counter = 1;

    function uint32(): number {
        const result = (((a + b) | 0) + counter) | 0;
        counter = (counter + 1) | 0;
        a = b ^ (b >>> 9);
        b = (c + (c << 3)) | 0;
        c = (((c << 21) | (c >>> 11)) + result) | 0;
        return result >>> 0;
    }
    // The state of a small seed is mostly zeros: 20 rounds spread it.
    for (let round = 0; round < 20; round++) uint32();

    const fraction = () => uint32() / 2 ** 32;
    const below = (limit: number) => Math.floor(fraction() * limit);
    return {
        uint32,
        fraction,
        below,
        between: (min, max) => min + below(max - min + 1),
        chance: (probability) => fraction() < probability,
        pick: (items) => items[below(items.length)]!,
        uuid: () => formatUuid(uint32(), uint32(), uint32(), uint32()),
    };
}

function formatUuid(first: number, second: number, third: number, fourth: number): string {
    const version = (second & 0x0fff) | 0x4000;
    const variant = ((third >>> 16) & 0x3fff) | 0x8000;
    const head = hexOf16Bits[first >>> 16]! + hexOf16Bits[first & 0xffff]!;
    const tail = hexOf16Bits[third & 0xffff]! + hexOf16Bits[fourth >>> 16]! + hexOf16Bits[fourth & 0xffff]!;
    return `${head}-${hexOf16Bits[second >>> 16]!}-${hexOf16Bits[version]!}-${hexOf16Bits[variant]!}-${tail}`;
}
