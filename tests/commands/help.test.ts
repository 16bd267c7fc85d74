import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { hasCommand, runScript } from "../support/run-script.ts";
import { projectDir } from "../support/test-server.ts";

/** The arguments of the one are bun test's; the other has all commands: sluice.test.ts. */
const passesArgumentsOn = ["test", "sluice"];
const commands = readdirSync(join(projectDir, "scripts"))
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.replace(/\.ts$/, ""))
    .filter((name) => !passesArgumentsOn.includes(name))
    .sort();

describe.each(commands.filter(hasCommand))("%s", (name) => {
    test("--help says how to use it, with examples", async () => {
        const { exitCode, stdout, stderr } = await runScript(name, ["--help"]);

        expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
        expect(stdout).toStartWith("Usage: bun run ");
        expect(stdout).toMatch(/\nExamples:\n {2}bun run /);
    });

    test("a mistyped flag should fail, and the near one is named", async () => {
        const { exitCode, stdout, stderr } = await runScript(name, ["--no-colour"]);

        expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
        expect(stderr).toContain(
            "Unknown option '--no-colour'.\n  from:  the command line\n  fix:   Did you mean --no-color?\n",
        );
    });
});

/** Not for users. */
const internal = ["verify", "screenshots", "test"];

test("each is a command of package.json, and in the table of docs/commands.md", () => {
    const page = readFileSync(join(projectDir, "docs/commands.md"), "utf8");
    const rows = page.split("\n").filter((line) => line.startsWith("| `bun run "));
    const scripts = Object.entries(manifest.scripts);
    const missing = commands.filter((file) => {
        const [name] = scripts.find(([, script]) => script === `bun scripts/${file}.ts`) ?? [];
        const isListed = rows.some((row) => row.includes(`\`bun run ${name}`) || row.includes(`\`${name}\``));
        return name === undefined || (!isListed && !internal.includes(file));
    });

    expect(missing).toEqual([]);
});
