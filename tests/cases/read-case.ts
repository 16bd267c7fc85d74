/** A case: input files, and what must come of them, written by hand. See README.md beside this file. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { appendFile, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { IngestOverrides } from "../support/ingest-folder.ts";

export interface ExpectedEvent {
    event_id: string;
    event_type: string;
    product_id: string;
    user_id: string;
    event_timestamp: string;
    quantity: number | null;
    price: string | null;
    attributes: Record<string, string> | null;
    file: string;
    record_no: number;
}

export interface ExpectedReject {
    file: string;
    record_no: number;
    kind: "rejected" | "conflict";
    reasons: string[];
    /** Checked when given; of `record`, the columns that are given. */
    record?: Record<string, string | null>;
    raw_text?: string;
    line_no?: number;
    byte_offset?: number;
}

export interface Counts {
    read: number;
    inserted: number;
    duplicate: number;
    conflict: number;
    rejected: number;
}

export interface Case {
    name: string;
    about: string;
    /** The folders whose files arrive one after another, with an ingest after each. */
    steps: string[];
    overrides: IngestOverrides;
    /** The case's own sluice.config.ts. */
    configFile: string | null;
    files: { path: string; state: string; problem?: string }[];
    events: ExpectedEvent[];
    rejects: ExpectedReject[];
    /** Over all steps. */
    counts: Counts;
}

/** Reads the cases of a folder, by name. */
export function readCases(casesDir: string): Case[] {
    return readdirSync(casesDir)
        .filter((name) => existsSync(join(casesDir, name, "expected.json")))
        .sort()
        .map((name) => {
            const expected = JSON.parse(readFileSync(join(casesDir, name, "expected.json"), "utf8"));
            const configFile = join(casesDir, name, "sluice.config.ts");
            return {
                overrides: {},
                ...expected,
                name,
                configFile: existsSync(configFile) ? configFile : null,
                steps: readSteps(join(casesDir, name)),
            };
        });
}

/** `input`, then `input-2`, `input-3` and so on. */
function readSteps(caseDir: string): string[] {
    const folders = readdirSync(caseDir).filter((name) => /^input(-\d+)?$/.test(name));
    return folders.sort((a, b) => stepNumber(a) - stepNumber(b)).map((name) => join(caseDir, name));
}

function stepNumber(folder: string): number {
    return Number(folder.split("-")[1] ?? 1);
}

/**
 * Brings the files of a step into the watched folder: a file that goes on from what is there is appended to in place,
 * as a writer would; any other is put in its place whole.
 */
export async function deliverStep(stepDir: string, inputDir: string): Promise<void> {
    for (const name of readdirSync(stepDir).sort()) {
        const target = join(inputDir, name);
        const bytes = await readFile(join(stepDir, name));
        const present = existsSync(target) ? await readFile(target) : null;
        if (present !== null && bytes.subarray(0, present.length).equals(present)) {
            await appendFile(target, bytes.subarray(present.length));
        } else {
            await writeFile(`${inputDir}/.arriving`, bytes);
            await rename(`${inputDir}/.arriving`, target);
        }
    }
}
