import { expect, test } from "bun:test";
import manifest from "../../package.json" with { type: "json" };
import { runScript } from "../support/run-script.ts";

const sluice = (...args: string[]) => runScript("sluice", args);

/** What only the developers of Sluice need. */
const ofDevelopers = /^(test|bench|build:|db:|sql:|pre)|^(compare|verify|screenshots|typecheck|lint|format|sluice)$/;

test.each([[[]], [["--help"]], [["help"]]])("%j lists every command for users once, in its group", async (args) => {
    const { exitCode, stdout, stderr } = await sluice(...args);
    const listed = [...stdout.matchAll(/^ {2}([a-z][a-z-]*) {2}/gm)].map(([, name]) => name!);
    const forUsers = Object.keys(manifest.scripts).filter((name) => !ofDevelopers.test(name));

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout.match(/^[A-Z][a-z ]+:$/gm)).toEqual(["Run:", "Look:", "Fix:", "Delete:", "Set up:"]);
    expect(listed.toSorted()).toEqual(expect.arrayContaining(forUsers.toSorted()));
    expect(new Set(listed).size).toBe(listed.length);
});

test("--version is that of package.json", async () => {
    expect(await sluice("--version")).toEqual({ exitCode: 0, stdout: `${manifest.version}\n`, stderr: "" });
});

test("runs the named command on the arguments behind its name, with its exit code", async () => {
    const shown = await sluice("config", "--port", "8080", "--json");
    const { settings } = JSON.parse(shown.stdout) as { settings: { name: string; value: string }[] };
    const refused = await sluice("retry", "--json");

    expect(shown.exitCode).toBe(0);
    expect(settings.find(({ name }) => name === "port")?.value).toBe("8080");
    expect(refused.exitCode).toBe(2);
    expect(JSON.parse(refused.stderr)).toMatchObject({ command: "retry", code: "missing_option" });
});

test.each([
    ["a mistyped command", ["statsu"], "There is no command statsu.", "Did you mean status?"],
    ["a mistyped command behind help", ["help", "ingset"], "There is no command ingset.", "Did you mean ingest?"],
    [
        "a word like no command",
        ["frobnicate"],
        "There is no command frobnicate.",
        "`sluice --help` lists the commands.",
    ],
    ["a flag in place of a command", ["--jsno"], "There is no command --jsno.", "`sluice --help` lists the commands."],
    [
        "a name of every object",
        ["constructor"],
        "There is no command constructor.",
        "`sluice --help` lists the commands.",
    ],
])("%s should fail: the near one is named", async (_case, args, what, remedy) => {
    expect(await sluice(...args)).toEqual({
        exitCode: 2,
        stdout: "",
        stderr: `sluice: ${what}\n  from:  the command line\n  fix:   ${remedy}\n  code:  unknown_command (exit 2)\n`,
    });
});

test("help and advice name commands by the program that was started", async () => {
    const help = await sluice("help", "retry");
    const refused = await sluice("retry");
    const ofScript = await runScript("retry", ["--help"]);

    expect(help.stdout).toStartWith("Usage: sluice retry [options]\n");
    expect(help.stdout).toContain("\n  sluice retry --all ");
    expect(help.stdout).not.toContain("bun run");
    expect(refused.stderr).toContain("`sluice files --state failed` lists them");
    expect(await sluice("retry", "--help")).toEqual(help);
    expect(ofScript.stdout).toBe(
        help.stdout.replaceAll("sluice retry", "bun run retry").replaceAll("sluice streams", "bun run streams"),
    );
});
