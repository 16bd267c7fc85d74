/** How soon the rejects that wait for a parent are looked at again. */
import { expect, test } from "bun:test";
import { pauseAfterLookMs } from "../../src/engine/retry/retry-loop.ts";

test("a look in vain is repeated after twenty times what it took, and within a minute", () => {
    expect(pauseAfterLookMs(5, { read: 0 })).toBe(100);
    expect(pauseAfterLookMs(1_000, { read: 0 })).toBe(20_000);
    expect(pauseAfterLookMs(600_000, { read: 0 })).toBe(60_000);
});

test("one that has replayed some is repeated at once", () => {
    expect(pauseAfterLookMs(60_000, { read: 12_177 })).toBe(0);
});
