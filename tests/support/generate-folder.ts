/** Folders of generated files for tests: the same seed gives the same bytes. */
import { readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { runScript } from "./run-script.ts";

export interface FolderOptions {
    files: number;
    seed: number;
    minRecords?: number;
    maxRecords?: number;
    dirty?: number;
    duplicates?: number;
}

/** Writes `files` files to `folder` with `bun run generate`: records within the past, files that nobody has written to for an hour. */
export async function generateFolder(folder: string, options: FolderOptions): Promise<void> {
    const { files, seed, minRecords = 10, maxRecords = 100, dirty = 0, duplicates = 0 } = options;
    const { exitCode, stderr } = await runScript("generate", [
        ...["--output-dir", folder, "--files", String(files), "--seed", String(seed), "--sleep", "0"],
        ...["--min-records", String(minRecords), "--max-records", String(maxRecords)],
        ...["--dirty", String(dirty), "--duplicates", String(duplicates)],
        ...["--start-time", "2024-05-01T12:00:00Z"],
    ]);
    if (exitCode !== 0) throw new Error(`The generator ended with ${exitCode}: ${stderr}`);
    // Or a run that ends would leave what ends without a line end to the next.
    const hourAgo = Date.now() / 1000 - 3600;
    for (const name of readdirSync(folder)) utimesSync(join(folder, name), hourAgo, hourAgo);
}

/** SLUICE_TEST_SEED replays a run; without it each run draws a new seed, and prints it. In CI it is always the same. */
export function chooseSeed(what: string): number {
    const seed = Number(
        process.env.SLUICE_TEST_SEED ?? (process.env.CI ? 20_261_122 : Math.floor(Math.random() * 1_000_000)),
    );
    console.log(`${what}: SLUICE_TEST_SEED=${seed}`);
    return seed;
}

/** The longer versions of tests: SLUICE_TEST_LONG=1. */
export const isLongRun = Boolean(process.env.SLUICE_TEST_LONG);

/** For tests that run the program several times: only against a hang. */
export const testTimeoutMs = isLongRun ? 1_800_000 : 180_000;
