/**
 * Bounds the memory of the process: left to itself, the runtime lets its heap double before it collects (183 MB at the peak of
 * a load). Called where garbage has just been left: behind a round of loading, and between the pages of a pass.
 */

/** Below this the runtime is left to itself. */
const collectFromBytes = 125_000_000;
/** Not again before the process has grown by this much: what is not garbage stays, and each collection costs 30 ms. */
const growthBytes = 5_000_000;

/** The size of the process after the last collection. */
let keptBytes = 0;

export function collectWhenLarge(): void {
    if (process.memoryUsage.rss() < Math.max(collectFromBytes, keptBytes + growthBytes)) return;
    Bun.gc(true);
    keptBytes = process.memoryUsage.rss();
}
