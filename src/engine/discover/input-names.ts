/** Which names in the folder are input files, and a word about those that are not. */
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { splitMember } from "../../streams/archive-path.ts";
import type { SourceConfig } from "../../streams/source-config.ts";
import { compressionEnding, namesEnding } from "../../streams/source-of.ts";
import type { IngestLog } from "../context.ts";

/**
 * Whether a name is an input file that is ready to be read: one that ends in `.csv`, or in what the `match` of a source
 * names (`*.tsv`, `access.log`), and then perhaps in `.gz` or `.zst`. `*` names no ending, or it would take every file.
 */
export function isReadyName(name: string, sources: readonly SourceConfig[] = []): boolean {
    if (isUnfinishedName(name)) return false;
    return /\.csv(\.gz|\.zst)?$/i.test(name) || sources.some(({ match }) => namesEnding(match, name));
}

export function isUnfinishedName(name: string): boolean {
    return name.startsWith(".") || name.startsWith("_") || /\.(tmp|part|partial)$/i.test(name);
}

/** Whether it, or a folder that it lies in, is such a name. One in an archive that leads out of it (`..`) is shown, as a fault. */
export function isHiddenPath(path: string): boolean {
    const split = splitMember(path);
    if (split === null) return path.split("/").some(isUnfinishedName);
    return (
        isHiddenPath(split.archive) || split.member.split("/").some((part) => part !== ".." && isUnfinishedName(part))
    );
}

const mostEndings = 20;
const mostExamples = 3;

/**
 * Tells of files in the folder that are no input: once for each ending, with a few names, however many there are and
 * however often the folder is listed.
 */
export function createForeignNames({
    config,
    log,
}: {
    config: { inputDir: string };
    log: IngestLog;
}): (names: readonly string[]) => void {
    const said = new Set<string>();
    return (names) => {
        const examples = new Map<string, string[]>();
        const counts = new Map<string, number>();
        for (const name of names) {
            const ending = endingOf(name);
            if (said.size >= mostEndings || said.has(ending) || isUnfinishedName(name)) continue;
            const known = examples.get(ending) ?? [];
            if (known.length === 0 && !isFile(join(config.inputDir, name))) continue;
            if (known.length < mostExamples) examples.set(ending, [...known, name]);
            counts.set(ending, (counts.get(ending) ?? 0) + 1);
        }
        for (const [ending, shown] of examples) {
            if (said.size >= mostEndings) return;
            said.add(ending);
            log.info(describe(ending, shown, counts.get(ending)!), { event: "file_left_alone", file: shown[0]! });
        }
    };
}

/** `.tsv` of `a.TSV.gz`; empty for a name without one. */
function endingOf(name: string): string {
    const base = name.slice(0, name.length - compressionEnding(name).length);
    return /(?<!^)\.[^.]*$/.exec(base)?.[0].toLowerCase() ?? "";
}

function describe(ending: string, shown: string[], count: number): string {
    const others = count > shown.length ? ` and ${count - shown.length} more` : "";
    const what = ending === "" ? "a name without an ending" : `its ending, ${ending}`;
    const match = ending === "" ? shown[0]! : `*${ending}`;
    return `${shown.join(", ")}${others}: not read because of ${what}. To read such files, name them in sluice.config.ts: sources: [{ match: "${match}" }].`;
}

function isFile(path: string): boolean {
    try {
        return lstatSync(path).isFile();
    } catch {
        return false;
    }
}
