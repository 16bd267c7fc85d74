import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { runScript } from "../support/run-script.ts";
import { projectDir } from "../support/test-server.ts";

/** Its arguments are bun test's. */
const passesArgumentsOn = ["test"];
const commands = readdirSync(join(projectDir, "scripts"))
    .map((file) => file.replace(/\.ts$/, ""))
    .filter((name) => !passesArgumentsOn.includes(name))
    .sort();

describe.each(commands)("%s", (name) => {
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
