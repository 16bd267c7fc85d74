/** How soon the rejects that wait for a parent are looked at again. */
import { expect, test } from "bun:test";
import { pauseAfterLookMs } from "../../src/engine/retry/retry-loop.ts";

test("a look is repeated after twenty times what it took, and within a minute if that was an outage", () => {
    expect(pauseAfterLookMs(5)).toBe(100);
    expect(pauseAfterLookMs(1_000)).toBe(20_000);
    expect(pauseAfterLookMs(600_000)).toBe(60_000);
});
