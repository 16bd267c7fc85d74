/** Files that get in whole or not at all: their chunks are held until all of the file is staged. */
import type { IngestContext } from "../context.ts";
import { applyRejectBudget } from "./apply-reject-budget.ts";
import type { Loader } from "./loader.ts";
import { releaseSnapshot } from "./release-snapshot.ts";

export function isHeldBack({ config, stream }: Pick<IngestContext, "config" | "stream">): boolean {
    return config.maxRejects !== null || stream.mode.name === "snapshot";
}

/**
 * After a round of loading, which had loaded something or not. Returns whether there was a file to decide on. A snapshot is chosen among all
 * that wait: when there is nothing more to load.
 */
export async function decideOnHeldFiles(loader: Loader, hasLoaded: boolean): Promise<boolean> {
    if (loader.stream.mode.name !== "snapshot") return await applyRejectBudget(loader);
    return !hasLoaded && (await releaseSnapshot(loader));
}
