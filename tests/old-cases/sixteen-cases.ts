/** The sixteen cases of the old project, in its order, and the one way to run one. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestDatabase } from "../support/database.ts";
import { emptyTables } from "../support/read-tables.ts";
import { environmentCases } from "./environment-cases.ts";
import type { OldCase, Seen } from "./old-case.ts";
import { pipelineCases } from "./pipeline-cases.ts";
import { strainCases } from "./strain-cases.ts";

export const sixteenCases: readonly OldCase[] = [...environmentCases, ...pipelineCases, ...strainCases];

/** On emptied tables and an empty folder. A case that throws has not passed, and what it said is what was seen. */
export async function runCase(oldCase: OldCase, database: TestDatabase): Promise<Seen> {
    await emptyTables(database.sql);
    const inputDir = mkdtempSync(join(tmpdir(), "sluice-old-case-"));
    try {
        return await oldCase.run({ database, inputDir });
    } catch (error) {
        return { seen: error instanceof Error ? error.message : String(error), passed: false };
    } finally {
        rmSync(inputDir, { recursive: true, force: true });
    }
}
