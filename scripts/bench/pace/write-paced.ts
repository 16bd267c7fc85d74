/**
 * A source at an even pace: files of the records that are due, written aside and renamed into the folder, so many a
 * second. A file that is late (the machine was busy) is renamed at once; its records count from then.
 */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { headerLine, toLine, toValues } from "../../../src/shop/generator/event-record.ts";
import { createRandom } from "../../../src/shop/generator/random.ts";
import { createSessions } from "../../../src/shop/generator/sessions.ts";

export interface Pace {
    recordsPerSecond: number;
    filesPerSecond: number;
    seconds: number;
}

export interface WrittenFile {
    name: string;
    records: number;
    /** By performance.now(). */
    renamedAt: number;
}

/** Resolves when the last file is there. `onFile` is called right after each rename. */
export async function writePaced(
    inputDir: string,
    { recordsPerSecond, filesPerSecond, seconds }: Pace,
    onFile: (file: WrittenFile) => void,
): Promise<void> {
    mkdirSync(inputDir, { recursive: true });
    const seed = Date.now();
    const nextEvent = createSessions({ random: createRandom(seed), lateRatio: 0 });
    const records = Math.round(recordsPerSecond / filesPerSecond);
    const startedAt = performance.now();
    for (let file = 0; file < seconds * filesPerSecond; file += 1) {
        const now = Math.floor(Date.now() / 1000);
        const lines = Array.from({ length: records }, () => toLine(toValues(nextEvent(now))));
        const name = `pace-${seed}-${String(file).padStart(6, "0")}.csv`;
        const aside = join(inputDir, `.${name}.tmp`);
        writeFileSync(aside, headerLine + lines.join(""), "latin1");
        await Bun.sleep(Math.max(0, startedAt + (file * 1000) / filesPerSecond - performance.now()));
        renameSync(aside, join(inputDir, name));
        onFile({ name, records, renamedAt: performance.now() });
    }
}
