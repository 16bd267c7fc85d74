/** `sluice init` in an empty folder, and in one that has something already. */
import { beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../support/fixture.ts";
import { runScript } from "../support/run-script.ts";

const parent = makeFolder();
let folder: string;

beforeEach(() => {
    folder = mkdtempSync(join(parent, "init-"));
});

const sluice = (...args: string[]) => runScript("sluice", args, { cwd: folder });
const read = (path: string) => readFileSync(join(folder, path), "utf8");
const write = (path: string, text: string) => writeFileSync(join(folder, path), text);
const contents = () =>
    Object.fromEntries(
        readdirSync(folder, { recursive: true, encoding: "utf8" })
            .toSorted()
            .map((path) => [path, statSync(join(folder, path)).isDirectory() ? null : read(path)]),
    );
const settingsOf = (stdout: string) =>
    (JSON.parse(stdout) as { settings: { name: string; value: string; origin: { kind: string } }[] }).settings;

test("an empty folder gets all, and its settings are the defaults", async () => {
    const made = await sluice("init");
    const shown = await sluice("config", "--json");

    expect({ exitCode: made.exitCode, stderr: made.stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(made.stdout).toContain("\nNext:\n  sluice start ");
    expect(Object.keys(contents())).toEqual([
        ".env",
        ".gitignore",
        "data",
        "data/input_data",
        "sluice.config.ts",
        "streams",
    ]);
    expect(statSync(join(folder, ".env")).mode & 0o777).toBe(0o600);
    expect(read("sluice.config.ts")).toStartWith('import { defineConfig } from "sluice";\n');
    expect(shown.exitCode).toBe(0);
    expect(settingsOf(shown.stdout).filter(({ origin }) => origin.kind === "config-file")).toEqual([]);
});

test("every comment of its sluice.config.ts is a line that may be taken up, with the default as its value", async () => {
    await sluice("init");
    const before = settingsOf((await sluice("config", "--json")).stdout);
    write("sluice.config.ts", read("sluice.config.ts").replace(/^(\s*)\/\/ (?=[a-z]+: )/gim, "$1"));
    const { exitCode, stdout, stderr } = await sluice("config", "--json");
    const after = settingsOf(stdout);
    const ofFile = after.filter(({ origin }) => origin.kind === "config-file");

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(ofFile.map(({ name }) => name).toSorted()).toEqual(["afterMerge", "host", "inputDir", "port", "trigger"]);
    for (const { name, value } of ofFile) {
        expect(before.find((setting) => setting.name === name)?.value).toStartWith(String(value));
    }
});

test("what is there is not changed, and said to be kept; a second time changes nothing", async () => {
    write("sluice.config.ts", "export default {};\n");
    write(".env", "SLUICE_PORT=4050\n");
    mkdirSync(join(folder, "streams"));
    const first = await sluice("init", "--json");
    const after = contents();
    const second = await sluice("init", "--json");

    expect(JSON.parse(first.stdout)).toEqual({
        made: [".gitignore", "data/input_data"],
        kept: ["sluice.config.ts", ".env", "streams"],
    });
    expect(after).toMatchObject({ "sluice.config.ts": "export default {};\n", ".env": "SLUICE_PORT=4050\n" });
    expect(JSON.parse(second.stdout)).toMatchObject({ made: [] });
    expect(contents()).toEqual(after);
});

test("--input is made and written down", async () => {
    await sluice("init", "--input", "inbox");
    const { stdout } = await sluice("config", "--json");

    expect(statSync(join(folder, "inbox")).isDirectory()).toBe(true);
    expect(settingsOf(stdout)).toContainEqual(expect.objectContaining({ name: "inputDir", value: "inbox" }));
});

test("a file in the place of a folder should fail, before anything is written", async () => {
    write("streams", "");
    const { exitCode, stderr } = await sluice("init");

    expect(exitCode).toBe(2);
    expect(stderr).toContain("streams is a file, not a folder; nothing was written.");
    expect(contents()).toEqual({ streams: "" });
});
