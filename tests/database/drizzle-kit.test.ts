/** schema.ts and drizzle/ say the same. */
import { beforeEach, expect, test } from "bun:test";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import config from "../../drizzle.config.ts";
import { useFolder } from "../support/fixture.ts";
import { projectDir } from "../support/test-server.ts";

const dir = useFolder();
beforeEach(() => {
    cpSync(join(projectDir, "drizzle"), join(dir, "drizzle"), { recursive: true });
    // drizzle-kit takes paths from where it runs, and no absolute one for `out`.
    const out = relative(projectDir, join(dir, "drizzle"));
    writeFileSync(join(dir, "config.json"), JSON.stringify({ ...config, out }));
});

function drizzleKit(command: string): { exitCode: number; output: string } {
    const { exitCode, stdout, stderr } = Bun.spawnSync(
        [process.execPath, "x", "drizzle-kit", command, `--config=${join(dir, "config.json")}`],
        { cwd: projectDir },
    );
    return { exitCode, output: `${stdout}${stderr}` };
}

function filesIn(folder: string): Record<string, string> {
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.includes("."));
    return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

test("drizzle-kit generate on a clean tree writes nothing", () => {
    const { exitCode, output } = drizzleKit("generate");
    expect(output).toContain("No schema changes");
    expect(exitCode).toBe(0);
    expect(filesIn(join(dir, "drizzle"))).toEqual(filesIn(join(projectDir, "drizzle")));
});

test("drizzle-kit check passes", () => {
    const { exitCode, output } = drizzleKit("check");
    expect(output).toContain("fine");
    expect(exitCode).toBe(0);
});
