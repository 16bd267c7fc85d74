/** What one look of `bun run doctor` found. */
export interface Finding {
    name: string;
    /** `note`: worth knowing, and nothing that keeps it from working. `skipped`: could not be looked at because of another. */
    state: "ok" | "note" | "fail" | "skipped";
    /** A sentence or two for people. */
    found: string;
    /** What to do; null when there is nothing to do. */
    remedy: string | null;
}

export function ok(name: string, found: string): Finding {
    return { name, state: "ok", found, remedy: null };
}

export function note(name: string, found: string, remedy: string): Finding {
    return { name, state: "note", found, remedy };
}

export function fail(name: string, found: string, remedy: string): Finding {
    return { name, state: "fail", found, remedy };
}

export function skipped(name: string, found: string): Finding {
    return { name, state: "skipped", found, remedy: null };
}
