/** Which source a file belongs to, and when two are the same. Pure. */
import type { SourceConfig } from "./source-config.ts";

/** The first source whose `match` fits the file's name; null when none does. */
export function sourceOf(sources: readonly SourceConfig[], name: string): SourceConfig | null {
    return sources.find(({ match }) => new Bun.Glob(match).match(name)) ?? null;
}

/** Equal for sources that say the same, whatever the order of their keys. */
export function sourceKey(source: SourceConfig | null): string {
    return JSON.stringify(source, (_key, value) =>
        value !== null && typeof value === "object" && !Array.isArray(value)
            ? Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)))
            : value,
    );
}
