/**
 * Which paths are known and how each looked, in 16 bytes a path and as much again for room: a bucket may have millions. Two
 * hashes of 64 bits, with a seed that is new in each process. (Of a million paths some two share one in 1 of 40 million processes.)
 */

export interface Fingerprints {
    /** Notes that the path is there. Whether it is known, and looked so. */
    meet(path: string, look: string): boolean;
    learn(path: string, look: string): void;
    /** It is there, but looks like nothing known. */
    forget(path: string): void;
    has(path: string): boolean;
    size(): number;
    /** From here on paths have to be met again: `endPass` drops the known ones that were not. */
    beginPass(): void;
    endPass(): void;
}

const firstSlots = 1_024;
const mostFull = 0.6;
/** The lowest bit of a look tells in which of two passes the path was met last. */
const passBit = 1n;

export function createFingerprints(seed: bigint = randomSeed()): Fingerprints {
    let paths = new BigUint64Array(firstSlots);
    let looks = new BigUint64Array(firstSlots);
    let size = 0;
    let pass = 0n;

    // 0 is an empty slot.
    const pathHash = (path: string) => Bun.hash.wyhash(path, seed) || 1n;
    const lookHash = (look: string) => Bun.hash.wyhash(look, seed) | passBit;
    const marked = (look: bigint) => (look & ~passBit) | pass;

    function slotOf(hash: bigint): number {
        let slot = Number(hash & BigInt(paths.length - 1));
        while (paths[slot] !== 0n && paths[slot] !== hash) slot = (slot + 1) & (paths.length - 1);
        return slot;
    }
    function put(hash: bigint, look: bigint): void {
        const slot = slotOf(hash);
        if (paths[slot] === 0n) size += 1;
        paths[slot] = hash;
        looks[slot] = look;
    }
    /** Anew, with the entries that are kept. */
    function rebuild(slots: number, isKept: (look: bigint) => boolean): void {
        const [oldPaths, oldLooks] = [paths, looks];
        paths = new BigUint64Array(slots);
        looks = new BigUint64Array(slots);
        size = 0;
        for (const [slot, hash] of oldPaths.entries())
            if (hash !== 0n && isKept(oldLooks[slot]!)) put(hash, oldLooks[slot]!);
    }

    return {
        meet(path, look) {
            const slot = slotOf(pathHash(path));
            if (paths[slot] === 0n) return false;
            const known = looks[slot]!;
            looks[slot] = marked(known);
            return (known | passBit) === lookHash(look);
        },
        learn(path, look) {
            if (size >= paths.length * mostFull) rebuild(paths.length * 2, () => true);
            put(pathHash(path), marked(lookHash(look)));
        },
        forget(path) {
            const hash = pathHash(path);
            if (paths[slotOf(hash)] !== 0n) put(hash, marked(0n));
        },
        has: (path) => paths[slotOf(pathHash(path))] !== 0n,
        size: () => size,
        beginPass() {
            pass ^= passBit;
        },
        endPass() {
            const isMet = (look: bigint) => (look & passBit) === pass;
            if (looks.some((look, slot) => paths[slot] !== 0n && !isMet(look))) rebuild(paths.length, isMet);
        },
    };
}

function randomSeed(): bigint {
    return crypto.getRandomValues(new BigUint64Array(1))[0]!;
}
