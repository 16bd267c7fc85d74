/** The files of the corpus with what should be proposed for each. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ReadingSettings } from "../../src/operations/sniff/read-values.ts";

export interface Expected {
    options?: ReadingSettings;
    columns: Record<string, { type: string; nullable: boolean; note?: string }>;
    key: string[] | null;
    asks: string[];
    source?: Record<string, unknown>;
    brokenRecords?: number;
}

export interface CorpusFile {
    file: string;
    path: string;
    expected: Expected;
}

const folder = join(import.meta.dir, "corpus");
const dataFile = /\.(csv|tsv)(\.gz)?$/;

export const corpusFiles: readonly CorpusFile[] = readdirSync(folder)
    .filter((file) => dataFile.test(file))
    .map((file) => ({
        file,
        path: join(folder, file),
        expected: JSON.parse(readFileSync(join(folder, `${file.replace(dataFile, "")}.expected.json`), "utf8")),
    }));
