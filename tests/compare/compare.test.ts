/** A run of the script and of Sluice shows what docs/compare/README.md says of them. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, useBareDatabase, useDatabase } from "../support/fixture.ts";
import { projectDir } from "../support/test-server.ts";
import { makeDeliveries, type Truth } from "./deliveries.ts";
import { scriptLoader, sluiceLoader } from "./loaders.ts";
import { addLosses, describeLosses, judge, runComparison } from "./run-comparison.ts";

const bare = useBareDatabase(import.meta.path);
const migrated = useDatabase(import.meta.path);
const folder = makeFolder();

test("the table of docs/compare/README.md is what a run shows", async () => {
    const [scriptDir, sluiceDir] = [mkdtempSync(join(folder, "script-")), mkdtempSync(join(folder, "sluice-"))];
    const compared = await runComparison(scriptLoader(bare, scriptDir), sluiceLoader(migrated, sluiceDir), 7);
    const shown = compared.map(({ name, script, sluice }) => [name, describeLosses(script), describeLosses(sluice)]);
    const together = [addLosses(compared.map(({ script }) => script)), addLosses(compared.map(({ sluice }) => sluice))];
    const page = readFileSync(join(projectDir, "docs/compare/README.md"), "utf8");
    const written = page
        .split("\n")
        .filter((line) => line.startsWith("| "))
        .map((line) => line.slice(2, -2).split(" | "))
        .slice(1);

    expect(written).toEqual([...shown, ["together", ...together.map(describeLosses)]]);
}, 120_000);

test("the script is as long as it is said to be", () => {
    const script = readFileSync(join(projectDir, "docs/compare/load-csv.ts"), "utf8");
    expect(script.trimEnd().split("\n").length).toBeLessThanOrEqual(50);
});

test("no record is delivered as two truths", () => {
    const ids = makeDeliveries().flatMap(({ truths }) => truths.filter(({ isCorrection }) => !isCorrection));
    expect(new Set(ids.map(({ eventId }) => eventId)).size).toBe(ids.length);
});

describe("judge", () => {
    const truth = (changes: Partial<Truth>): Truth => ({ eventId: "1", content: "a", isCorrection: false, ...changes });
    const none = { lost: 0, heldBack: 0, doubled: 0, wrong: 0, hidden: 0 };
    const there = (...contents: string[]) => new Map([["1", contents]]);
    const told = new Set(["1"]);
    const untold = new Set<string>();

    test.each([
        ["a good record that is in", truth({}), there("a"), untold, none],
        ["a good record that is not", truth({}), new Map(), untold, { ...none, lost: 1 }],
        ["a good record that is kept aside", truth({}), new Map(), told, { ...none, heldBack: 1 }],
        ["a good record that is in twice", truth({}), there("a", "a"), untold, { ...none, doubled: 1 }],
        ["a good record with other values", truth({}), there("b"), untold, { ...none, wrong: 1 }],
        ["a bad record that is in", truth({ content: null }), there("a"), untold, { ...none, wrong: 1 }],
        ["a bad record that is kept", truth({ content: null }), new Map(), told, none],
        ["a bad record that nobody tells of", truth({ content: null }), new Map(), untold, { ...none, hidden: 1 }],
        ["a correction that is kept", truth({ content: null, isCorrection: true }), there("a"), told, none],
        [
            "a correction that nobody tells of",
            truth({ content: null, isCorrection: true }),
            there("a"),
            untold,
            { ...none, hidden: 1 },
        ],
    ])("%s", (_, one, rows, toldIds, losses) => {
        expect(judge([one], rows as Map<string, string[]>, toldIds)).toEqual(losses);
    });
});
