/** A word about names in the folder that are no input. */
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { isUnfinishedName } from "../../streams/input-names.ts";
import { compressionEnding } from "../../streams/source-of.ts";
import type { IngestLog } from "../context.ts";

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
