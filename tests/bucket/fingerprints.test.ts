import { expect, test } from "bun:test";
import { createFingerprints } from "../../src/engine/discover/fingerprints.ts";

test("a path is known by its look; one that is not met in a pass is dropped at its end", () => {
    const known = createFingerprints();
    const paths = Array.from({ length: 5_000 }, (_, no) => `day=${no % 30}/${no}.csv`);
    for (const path of paths) expect(known.meet(path, "1 a")).toBe(false);
    for (const path of paths) known.learn(path, "1 a");
    expect(known.size()).toBe(5_000);

    known.beginPass();
    for (const [no, path] of paths.entries()) if (no % 2 === 0) expect(known.meet(path, "1 a")).toBe(true);
    expect(known.meet(paths[0]!, "1 b")).toBe(false);
    known.endPass();
    expect(known.size()).toBe(2_500);
    expect(known.has(paths[2]!)).toBe(true);
    expect(known.has(paths[1]!)).toBe(false);

    known.forget(paths[2]!);
    expect(known.meet(paths[2]!, "1 a")).toBe(false);
    expect(known.has(paths[2]!)).toBe(true);
});
