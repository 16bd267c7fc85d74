/** The result of one check of `bun run doctor`. */
export interface Finding {
    name: string;
    /** `note`: worth knowing; everything works. `skipped`: not checked, because another check failed. */
    state: "ok" | "note" | "fail" | "skipped";
    /** A sentence or two for people. */
    found: string;
    /** How to fix it; null when there is nothing to do. */
    remedy: string | null;
}

/** A finding before it has the name of its check. */
export type Found = Omit<Finding, "name">;

export const ok = (found: string): Found => ({ state: "ok", found, remedy: null });
export const note = (found: string, remedy: string): Found => ({ state: "note", found, remedy });
export const fail = (found: string, remedy: string): Found => ({ state: "fail", found, remedy });
export const skipped = (found: string): Found => ({ state: "skipped", found, remedy: null });
