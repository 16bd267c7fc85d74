/** The figures of the tables: the files that the bench commands wrote to docs/performance. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "./describe-machine.ts";
import type { DiscoveryResult } from "./measure-discovery.ts";
import type { PacePlan, PaceResult } from "./pace/run-pace.ts";
import type { ScenarioReport } from "./report.ts";

export interface Written {
    command: string;
    at: string;
    machine: Machine;
}

export interface PaceReport extends PaceResult {
    plan: Omit<PacePlan, "workDir">;
    existingRecords: number;
}

export interface Figures {
    scenarios: ScenarioReport[];
    paces: PaceReport[];
    discovery: (DiscoveryResult & { files: number; ledgerFiles: number }) | null;
    /** One of each file. */
    written: Written[];
}

/** Reads `bench-*.json`, `freshness-*.json` and `discovery.json` of the folder, in the order of their names. */
export function readFigures(dir: string): Figures {
    const figures: Figures = { scenarios: [], paces: [], discovery: null, written: [] };
    for (const name of readdirSync(dir).sort()) {
        if (!name.endsWith(".json")) continue;
        const { command, at, machine, reports, result, files, ledgerFiles } = JSON.parse(
            readFileSync(join(dir, name), "utf8"),
        );
        figures.written.push({ command, at, machine });
        if (name.startsWith("bench-")) figures.scenarios.push(...reports);
        if (name.startsWith("freshness-")) figures.paces.push(...reports);
        if (name === "discovery.json") figures.discovery = { ...result, files, ledgerFiles };
    }
    return figures;
}
