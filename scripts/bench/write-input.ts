/**
 * Writes what a run reads, seeded: the folder for Sluice, and one file for the yardsticks. That one holds the records
 * that end in events, in the same order: the same file without the lines at which a COPY would stop.
 */
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { toDirtyLine } from "../../src/shop/generator/dirty-records.ts";
import { headerLine, toLine, toValues } from "../../src/shop/generator/event-record.ts";
import { createRandom, type Random } from "../../src/shop/generator/random.ts";
import { createSessions } from "../../src/shop/generator/sessions.ts";
import { createEntryLines, entriesHeader } from "./bench-tables.ts";
import type { Scenario } from "./scenarios.ts";

export interface Input {
    dir: string;
    readyFile: string;
    records: number;
    readyRecords: number;
    bytes: number;
}

const recordsPerSecond = 300;
const randomSpanSeconds = 30 * 86_400;
/** The lines that a duplicate may repeat: enough to be spread over the whole file, and bounded. */
const rememberedLines = 20_000;
const pieceLength = 1024 * 1024;

/** `name` is the prefix of the files' names and of the ready file's. The same seed gives the same records. */
export function writeInput(workDir: string, name: string, scenario: Scenario, seed: number): Input {
    const dir = join(workDir, name);
    mkdirSync(dir, { recursive: true });
    const nextLine =
        scenario.table === "events" ? createLines(scenario, seed) : readyLines(createEntryLines(seed, scenario.keys));
    const input = { dir, readyFile: join(workDir, `${name}-ready.csv`), records: 0, readyRecords: 0, bytes: 0 };
    const ready = openText(input.readyFile);
    for (let file = 0; file < scenario.files; file += 1) {
        const text = openText(join(dir, `${name}-${String(file).padStart(6, "0")}.csv`));
        text.add(scenario.table === "events" ? headerLine : `${entriesHeader}\n`);
        for (let record = 0; record < scenario.recordsPerFile; record += 1) {
            const { line, isReady } = nextLine();
            text.add(line);
            input.records += 1;
            if (!isReady) continue;
            ready.add(line);
            input.readyRecords += 1;
        }
        input.bytes += text.close();
    }
    ready.close();
    return input;
}

function createLines(scenario: Scenario, seed: number): () => { line: string; isReady: boolean } {
    const random = createRandom(seed);
    const nextEvent = createSessions({ random, lateRatio: 0 });
    const remembered: string[] = [];
    let originals = 0;
    const total = scenario.files * scenario.recordsPerFile;
    const endSeconds = Math.floor(Date.now() / 1000);
    let written = 0;
    return () => {
        written += 1;
        const age = Math.floor((total - written) / recordsPerSecond);
        const event = nextEvent(endSeconds - age);
        if (scenario.times === "random") event.eventSeconds = endSeconds - random.below(randomSpanSeconds);
        const draw = random.fraction();
        if (draw < scenario.dirty) return { line: toDirtyLine(random, toValues(event)), isReady: false };
        if (draw < scenario.dirty + scenario.duplicates && remembered.length > 0)
            return { line: random.pick(remembered), isReady: false };
        const line = toLine(toValues(event));
        originals += 1;
        if (scenario.duplicates > 0) remember(random, remembered, line, originals, scenario.duplicatesReach);
        return { line, isReady: true };
    };
}

const readyLines = (nextLine: () => string) => () => ({ line: `${nextLine()}\n`, isReady: true });

/** Near: the latest lines. Far: a fair sample of all lines so far. */
function remember(
    random: Random,
    lines: string[],
    line: string,
    seen: number,
    reach: Scenario["duplicatesReach"],
): void {
    if (lines.length < rememberedLines) {
        lines.push(line);
        return;
    }
    const place = reach === "near" ? seen % rememberedLines : random.below(seen);
    if (place < rememberedLines) lines[place] = line;
}

/** Texts are byte strings, one character a byte (latin1), as the generator's are. */
function openText(path: string): { add(text: string): void; close(): number } {
    const file = openSync(path, "w");
    let text = "";
    let bytes = 0;
    const flush = () => {
        const piece = Buffer.from(text, "latin1");
        for (let from = 0; from < piece.length; ) from += writeSync(file, piece, from);
        bytes += piece.length;
        text = "";
    };
    return {
        add(more) {
            text += more;
            if (text.length >= pieceLength) flush();
        },
        close() {
            flush();
            closeSync(file);
            return bytes;
        },
    };
}
