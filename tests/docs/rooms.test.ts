import { expect, test } from "bun:test";
import { join, relative, resolve } from "node:path";
import { Glob } from "bun";
import { projectDir } from "../support/test-server.ts";

/** A room imports from those before it, never from one behind it. */
const rooms =
    "built-files program errors environment terminal bucket database streams config engine operations server commands shop index".split(
        " ",
    );
const inEngine =
    "context input-folder turns outage ledger read stage discover loops archive load merge retry run".split(" ");

async function* importsIn(glob: string): AsyncGenerator<[file: string, target: string]> {
    for await (const file of new Glob(glob).scan(projectDir)) {
        const text = await Bun.file(join(projectDir, file)).text();
        for (const [, path = ""] of text.matchAll(/(?:from|import\() ?"(\.[^"]+)"/g)) {
            const target = relative(projectDir, resolve(projectDir, file, "..", path));
            if (!/\.(sql|json)$/.test(target)) yield [file, target];
        }
    }
}

/** `level`: where in a path the rooms stand. */
async function wrongWays(glob: string, order: string[], level: number): Promise<string[]> {
    const wrong: string[] = [];
    for await (const [file, target] of importsIn(glob)) {
        const [from, to] = [file, target].map((name) => order.indexOf(name.split(/[/.]/)[level]!));
        const isInside = level === 1 || target.startsWith("src/engine/");
        if (isInside && (!target.startsWith("src/") || from! < to! || to === -1)) wrong.push(`${file} → ${target}`);
    }
    return wrong;
}

test("imports between the rooms of src/ point one way, and none leaves src/", async () => {
    expect(await wrongWays("src/**/*.{ts,tsx}", rooms, 1)).toEqual([]);
});

test("imports between the rooms of src/engine/ point one way", async () => {
    expect(await wrongWays("src/engine/**/*.ts", inEngine, 2)).toEqual([]);
});
