import { expect, test } from "bun:test";
import { join, relative, resolve } from "node:path";
import { Glob } from "bun";
import { projectDir } from "../support/test-server.ts";

/** A room imports from those before it, never from one behind it. */
const rooms = "errors environment terminal database streams config engine operations server commands shop".split(" ");

test("imports between the rooms of src/ point one way, and none leaves src/", async () => {
    const wrong: string[] = [];
    for await (const file of new Glob("src/**/*.{ts,tsx}").scan(projectDir)) {
        const text = await Bun.file(join(projectDir, file)).text();
        for (const [, path = ""] of text.matchAll(/(?:from|import\() ?"(\.[^"]+)"/g)) {
            const target = relative(projectDir, resolve(projectDir, file, "..", path));
            if (/\.(sql|json)$/.test(target)) continue;
            const [from, to] = [file, target].map((name) => rooms.indexOf(name.split(/[/.]/)[1]!));
            if (!target.startsWith("src/") || from! < to! || to === -1) wrong.push(`${file} → ${target}`);
        }
    }
    expect(wrong).toEqual([]);
});
