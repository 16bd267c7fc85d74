/** Which source a file belongs to, and when two are the same. Pure. */
import { pathFor } from "./archive-path.ts";
import { type PathFault, withPathValues } from "./path-values.ts";
import type { SourceConfig } from "./source-config.ts";

/**
 * The first source whose `match` fits the file's name, without regard to case and to what compressed it; null when none
 * does. One that names the compression (`*.csv.gz`) comes before those that do not.
 */
export function sourceOf(sources: readonly SourceConfig[], name: string): SourceConfig | null {
    const fitting = sources.filter(({ match }) => fits(match, name));
    return fitting.find(({ match }) => namesCompression(match, name)) ?? fitting[0] ?? null;
}

export interface ReadingSource {
    source: SourceConfig | null;
    /** Why the file cannot be read by it. */
    fault: PathFault | null;
}

/** The source by which a file is read, with the values of its folders. `wholePath`: where these stand. */
export function readingSourceOf(
    sources: readonly SourceConfig[],
    name: string,
    wholePath: string = name,
): ReadingSource {
    const source = sourceOf(sources, name);
    if (source === null) return { source, fault: null };
    const read = withPathValues(source, wholePath);
    return "fault" in read ? { source, fault: read.fault } : { source: read.found, fault: null };
}

/** Whether a file that no source fits is worth a word. */
export function hasSources(sources: readonly SourceConfig[] | undefined): boolean {
    return sources !== undefined && sources.length > 0;
}

/** Told to people about a file that is read by the defaults although sources are declared. */
export const unmatchedNote = "No source in sluice.config.ts matches its name, so it is read with the defaults.";

/** Without regard to case, to how accents are written, and to what compressed the file. Of a file in an archive: pathFor. */
export function fits(match: string, name: string): boolean {
    // Not this, whatever compressed it: so a negation is of the answer, not of each way to write the name.
    if (match.startsWith("!")) return !fits(match.slice(1), name);
    const path = pathFor(match, name);
    return fitsAsWritten(match, path) || fitsAsWritten(match, withoutCompression(path));
}

function fitsAsWritten(match: string, name: string): boolean {
    return globOf(match).match(normalized(name));
}

function namesCompression(match: string, path: string): boolean {
    const name = pathFor(match, path);
    const base = withoutCompression(name);
    return base !== name && fitsAsWritten(match, name) && !fitsAsWritten(match, base + otherEnding);
}

/** Whether `match` fits the name, and would not fit it with any other ending before that of its compression. */
export function namesEnding(match: string, name: string): boolean {
    const base = withoutCompression(name);
    const stem = base.replace(/(?<!^)\.[^.]*$/, "");
    return fits(match, name) && !fits(match, stem + otherEnding + name.slice(base.length));
}

/** No file's name ends so: what fits it fits any ending. */
const otherEnding = ".\u0001";

function withoutCompression(name: string): string {
    return name.slice(0, name.length - compressionEnding(name).length);
}

const globs = new Map<string, Bun.Glob>();

/** A name costs as little as it did before: there may be a hundred thousand, and a few globs. */
function globOf(match: string): Bun.Glob {
    const known = globs.get(match);
    if (known) return known;
    const glob = new Bun.Glob(normalized(match));
    globs.set(match, glob);
    return glob;
}

/** File systems differ in how they write accents, and in whether case matters. */
function normalized(text: string): string {
    return text.normalize("NFC").toLowerCase();
}

/** Equal for sources that say the same, whatever the order of their keys. */
export function sourceKey(source: SourceConfig | null): string {
    return JSON.stringify(source, (_key, value) =>
        value !== null && typeof value === "object" && !Array.isArray(value)
            ? Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)))
            : value,
    );
}

/** The end of the name that says how the file is compressed: `.gz`, `.ZST`, or nothing. */
export function compressionEnding(path: string): string {
    return /\.(gz|zst)$/i.exec(path)?.[0] ?? "";
}
