import { describe, expect, test } from "bun:test";
import { Argument, Option } from "commander";
import { type CommandDefinition, executeCommand } from "../../src/commands/command.ts";
import { SluiceError } from "../../src/errors.ts";

async function execute(argv: string[], given: Partial<CommandDefinition> = {}) {
    const written = { stdout: "", stderr: "" };
    const into = (stream: keyof typeof written) => ({
        write(text: string) {
            written[stream] += text;
        },
    });
    const definition: CommandDefinition = {
        name: "pour",
        summary: "Pours it.",
        options: [new Option("--into <vessel>"), new Option("--slowly")],
        examples: [["bun run pour --into glass", "fills the glass"]],
        run: async () => {},
        ...given,
    };
    const exitCode = await executeCommand(definition, argv, { stdout: into("stdout"), stderr: into("stderr") });
    return { exitCode, ...written };
}

test("gives the command its flags and arguments, and exits with what it says", async () => {
    let seen: unknown;
    const { exitCode, stdout, stderr } = await execute(["--into", "glass", "milk", "--slowly"], {
        arguments: [new Argument("<what>")],
        run: async (given) => {
            seen = given;
            return 7;
        },
    });

    expect(seen).toEqual({ flags: { into: "glass", slowly: true, color: true }, args: ["milk"] });
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 7, stdout: "", stderr: "" });
});

test("--help goes to stdout, with the flags and the examples, and exits with 0", async () => {
    const { exitCode, stdout, stderr } = await execute(["--help"]);

    expect(stdout).toStartWith("Usage: bun run pour [options]\n\nPours it.\n");
    expect(stdout).toContain("--into <vessel>");
    expect(stdout).toContain("--no-color");
    expect(stdout).toContain("Examples:\n  bun run pour --into glass  fills the glass\n");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
});

describe("usage errors exit with 2 and run nothing", () => {
    test.each([
        ["a mistyped flag, with the near one", ["--intoo", "x"], "Unknown option '--intoo'.", "Did you mean --into?"],
        ["a flag that is nothing like one", ["--qqqqqqqq"], "Unknown option '--qqqqqqqq'.", "bun run pour --help"],
        ["a flag without its value", ["--into"], "Option '--into <vessel>' argument missing.", "bun run pour --help"],
        ["too much", ["milk"], "Too many arguments. Expected 0 arguments but got 1: milk.", "bun run pour --help"],
        ["escapes in a flag", ["--\u001b[31m"], "Unknown option '--\\x1b[31m'.", "bun run pour --help"],
    ])("%s", async (_case, argv, what, remedy) => {
        let hasRun = false;
        const { exitCode, stdout, stderr } = await execute(argv, {
            run: async () => {
                hasRun = true;
            },
        });

        expect({ exitCode, stdout, hasRun }).toEqual({ exitCode: 2, stdout: "", hasRun: false });
        const [first, second, third, fourth, ...rest] = stderr.trimEnd().split("\n");
        expect(first).toBe(`pour: ${what}`);
        expect(second).toBe("  from:  the command line");
        expect(third).toStartWith(`  fix:   ${remedy}`);
        expect(fourth).toMatch(/^ {2}code: {2}[a-z_]+ \(exit 2\)$/);
        expect(rest).toEqual([]);
    });
});

const failWith = (error: unknown) => ({
    options: [new Option("--input <folder>")],
    run: async () => {
        throw error;
    },
});

describe("errors of a command", () => {
    const cause = new Error("no such vessel");
    const leak = { code: "c", what: "It leaks.", remedy: "Drink.", cause };

    test.each<[string, string[], SluiceError, number, string]>([
        [
            "what, why, remedy and code",
            [],
            new SluiceError({ ...leak, exitCode: 3 }),
            3,
            "pour: It leaks.\n  cause: no such vessel\n  fix:   Drink.\n  code:  c (exit 3)\n",
        ],
        [
            "who gave the setting",
            ["--input", "sieve"],
            new SluiceError({ ...leak, setting: "inputDir" }),
            1,
            "pour: It leaks.\n  from:  --input on the command line (no such vessel)\n  fix:   Drink.\n  code:  c (exit 1)\n",
        ],
        [
            "whose default the setting is",
            [],
            new SluiceError({ ...leak, setting: "inputDir" }),
            1,
            "pour: It leaks.\n  from:  the default of --input (no such vessel)\n  fix:   Drink.\n  code:  c (exit 1)\n",
        ],
        [
            "several faults, one below another",
            [],
            new SluiceError({ code: "c", what: "One.\nTwo.", remedy: "Do a.\nDo b.", exitCode: 3 }),
            3,
            "pour: One.\n      Two.\n  fix:   Do a.\n         Do b.\n  code:  c (exit 3)\n",
        ],
    ])("say %s, without a stack", async (_what, argv, error, exitCode, stderr) => {
        expect(await execute(argv, failWith(error))).toEqual({ exitCode, stdout: "", stderr });
    });

    test.each([
        ["ENOSPC", "disk_full", 1],
        ["EACCES", "file_not_allowed", 3],
        ["53100", "database_disk_full", 1],
        ["53300", "too_many_connections", 4],
        ["57014", "statement_ended", 1],
        ["25P04", "statement_ended", 1],
        ["53400", "statement_ended", 1],
        ["55P03", "database_busy", 1],
        ["58030", "database_busy", 1],
        ["42501", "not_permitted", 3],
        ["25006", "database_read_only", 3],
        ["42P01", "schema_not_current", 3],
        ["42883", "schema_not_current", 3],
        ["CONNECTION_CLOSED", "database_unreachable", 4],
    ])("with %s are told as %s, with %d", async (code, expected, exitCode) => {
        const path = code.startsWith("E") ? { path: "/srv/drops/a.csv" } : {};
        const ended = await execute([], failWith(Object.assign(new Error("the system says no"), { code, ...path })));

        expect(ended.exitCode).toBe(exitCode);
        expect(ended.stderr).toContain(path.path ?? "(the system says no)");
        expect(ended.stderr).toContain(`code:  ${expected} (exit ${exitCode})`);
    });

    test("that nobody thought of are their message and where to see more, with 1", async () => {
        const { exitCode, stderr } = await execute([], failWith(new TypeError("x is not\u001b[2J a function")));

        expect(exitCode).toBe(1);
        expect(stderr).toStartWith("Unexpected error: TypeError: x is not\\x1b[2J a function\n");
        expect(stderr).toContain("SLUICE_DEBUG=1");
        expect(stderr).toContain("code:  unexpected (exit 1)");
        expect(stderr).not.toContain("\u001b");
    });

    test("of a missing file are no lost connection", async () => {
        const { stderr } = await execute([], { run: async () => void (await Bun.file("/nowhere/x").text()) });

        expect(stderr).toContain("code:  unexpected (exit 1)");
    });
});

describe("as a process", () => {
    const script = (body: string) => `
        import { runCommand } from ${JSON.stringify(import.meta.resolve("../../src/commands/command.ts"))};
        await runCommand({ name: "pour", summary: "Pours it.", examples: [["bun run pour", "x"]], run: async () => { ${body} } });`;
    const spawn = (body: string) =>
        Bun.spawn([process.execPath, "-e", script(body)], { stdout: "pipe", stderr: "pipe" });

    test("everything written reaches a slow reader before the exit", async () => {
        const child = spawn(`process.stdout.write("x".repeat(3_000_000)); return 5;`);
        await Bun.sleep(200);

        expect((await new Response(child.stdout).text()).length).toBe(3_000_000);
        expect(await child.exited).toBe(5);
    });

    test("open handles do not keep it", async () => {
        expect(await spawn("setInterval(() => {}, 1000);").exited).toBe(0);
    });

    test("a rejection that nobody awaits is told in the same way", async () => {
        const child = spawn(`Promise.reject(new RangeError("astray")); await Bun.sleep(5000);`);

        expect(await child.exited).toBe(1);
        expect(await new Response(child.stderr).text()).toStartWith("Unexpected error: RangeError: astray\n");
    });

    test("a reader that goes away early is no error", async () => {
        const child = Bun.spawn(
            [
                "sh",
                "-c",
                `"$0" -e "$1" | head -c 3; true`,
                process.execPath,
                script(`process.stdout.write("abc".repeat(1_000_000));`),
            ],
            { stdout: "pipe", stderr: "pipe" },
        );

        expect(await new Response(child.stdout).text()).toBe("abc");
        expect(await new Response(child.stderr).text()).toBe("");
    });
});
