import { beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../support/fixture.ts";
import { runScript } from "../support/run-script.ts";

const folder = makeFolder();
const scriptOf = (shell: string) => join(folder, `sluice.${shell}`);

beforeAll(async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
        const { exitCode, stdout } = await runScript("sluice", ["completion", shell]);
        expect(exitCode).toBe(0);
        writeFileSync(scriptOf(shell), stdout);
    }
});

async function run(shell: string, ...args: string[]): Promise<string[]> {
    const child = Bun.spawn([shell, ...args], { cwd: folder, stdout: "pipe", stderr: "pipe" });
    const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    expect({ exitCode: await child.exited, stderr }).toEqual({ exitCode: 0, stderr: "" });
    return stdout.split("\n").filter((line) => line !== "");
}

/** What bash offers for the last of the words. */
const offer =
    // biome-ignore lint/suspicious/noTemplateCurlyInString: bash's
    'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sluice; printf "%s\\n" "${COMPREPLY[@]}"';
const inBash = (...words: string[]) => run("bash", "--norc", "-c", offer, "bash", scriptOf("bash"), ...words);

describe("bash", () => {
    test.each([
        ["commands by their beginning", ["sluice", "re"], ["resume", "rejects", "replay", "retry", "reset", "remove"]],
        ["the program's own flags", ["sluice", "--"], ["--help", "--version"]],
        [
            "the options of a command",
            ["sluice", "retry", "--"],
            "--file --all --allow-removal --stream --json --database-url --data-dir --no-color --help".split(" "),
        ],
        ["the values of an option", ["sluice", "rejects", "--kind", ""], ["rejected", "conflict"]],
        ["the values of a setting", ["sluice", "ingest", "--json", "--after-merge", "a"], ["archive"]],
        ["the values of an argument", ["sluice", "completion", "f"], ["fish"]],
        ["commands behind help", ["sluice", "help", "trac"], ["trace"]],
        ["nothing for an option that takes any text", ["sluice", "retry", "--file", ""], []],
        ["nothing for a command that there is not", ["sluice", "frobnicate", "--"], []],
    ])("offers %s", async (_case, words, offered) => {
        expect(await inBash(...words)).toEqual(offered);
    });

    test("is asked by the shell itself for the word sluice", async () => {
        expect(await run("bash", "--norc", "-c", 'source "$1"; complete -p sluice', "bash", scriptOf("bash"))).toEqual([
            "complete -o default -F _sluice sluice",
        ]);
    });
});

test.skipIf(Bun.which("zsh") === null)("zsh takes the script", async () => {
    expect(await run("zsh", "-n", scriptOf("zsh"))).toEqual([]);
});

test.skipIf(Bun.which("fish") === null)("fish takes the script, and offers by it", async () => {
    const offer = (text: string) =>
        run("fish", "-N", "-c", "source $argv[1]; complete -C $argv[2]", scriptOf("fish"), text);
    const names = async (text: string) => (await offer(text)).map((line) => line.split("\t")[0]!).toSorted();

    expect(await run("fish", "-n", scriptOf("fish"))).toEqual([]);
    expect(await names("sluice re")).toEqual(["rejects", "remove", "replay", "reset", "retry"]);
    expect(await names("sluice rejects --kind ")).toEqual(["conflict", "rejected"]);
    expect(await names("sluice retry --f")).toEqual(["--file"]);
});

test("another shell should fail, and those that there are are named", async () => {
    const { exitCode, stderr } = await runScript("completion", ["tcsh"]);

    expect(exitCode).toBe(2);
    expect(stderr).toContain("bash, zsh, fish");
});
