import { beforeAll, expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../support/fixture.ts";
import { asInCheckout, commandLine } from "../support/run-script.ts";

const dir = makeFolder();
beforeAll(() => {
    writeFileSync(join(dir, ".env"), "DATABASE_URL=postgres://me:hunter2@db/shop\nSLUICE_PORT=5000\nSLUICE_HOST=::1\n");
    writeFileSync(
        join(dir, "sluice.config.ts"),
        `export default { settings: { port: 6000, trigger: "5s", afterMerge: "archive" }, sources: [{ match: "*.tsv" }] };`,
    );
});

/** In a folder with its own .env and sluice.config.ts. */
async function run(name: string, args: string[], environment: Record<string, string> = {}, cwd = dir) {
    // The runner sets DATABASE_URL to nothing, which would be one that is set.
    const { DATABASE_URL: _, ...inherited } = process.env;
    const child = Bun.spawn([...commandLine(name), ...args], {
        cwd,
        env: { ...inherited, NODE_ENV: "", ...environment },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return { exitCode: await child.exited, stdout: asInCheckout(stdout), stderr: asInCheckout(stderr) };
}

test("config says what is in force and who said so: flag, environment, .env, sluice.config.ts, default", async () => {
    const { exitCode, stdout } = await run("config", ["--host", "127.0.0.1"], { SLUICE_TRIGGER: "3s" });

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^--host +127\.0\.0\.1 +--host on the command line$/m);
    expect(stdout).toMatch(/^--trigger +3s +SLUICE_TRIGGER in the environment$/m);
    expect(stdout).toMatch(/^--port +5000 +SLUICE_PORT in \.env, line 2$/m);
    expect(stdout).toMatch(/^--after-merge +archive +settings\.afterMerge in sluice\.config\.ts$/m);
    expect(stdout).toMatch(/^--max-batch-records +500000 +the default$/m);
    expect(stdout).toMatch(/^--database-url +postgresql:\/\/me:\*\*\*@db:5432\/shop +DATABASE_URL in \.env, line 1$/m);
    expect(stdout).toContain("\nsources of sluice.config.ts: *.tsv\n");
    expect(stdout).not.toContain("hunter2");
});

test("config --json is the same for programs, and masks the same", async () => {
    const { stdout } = await run("config", ["--json"], { SLUICE_API_TOKEN: "secret".repeat(6) });
    const { settings } = JSON.parse(stdout);

    expect(settings).toContainEqual({
        name: "port",
        flag: "--port",
        variable: "SLUICE_PORT",
        value: "5000",
        origin: { kind: "env-file", name: "SLUICE_PORT", file: ".env", line: 2 },
        fault: null,
    });
    expect(settings).toContainEqual(expect.objectContaining({ name: "apiToken", value: "*** (36 bytes)" }));
    expect(stdout).not.toMatch(/secretsecret|hunter2/);
});

test("config names all that is wrong at once, and still shows the rest", async () => {
    const { exitCode, stdout, stderr } = await run("config", [], { SLUICE_PORT: "x", SLUICE_INPUT: "drops" });

    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/^--trigger +5s /m);
    expect(stderr).toContain('SLUICE_PORT "x" is not a whole number.\n');
    expect(stderr).toContain("SLUICE_INPUT is set, but Sluice has no such variable.\n");
    expect(stderr).toContain("SLUICE_INPUT: Did you mean SLUICE_INPUT_DIR?\n");
});

test("import-config prints the line for .env, read back as what the properties say", async () => {
    const file = join(dir, "old.properties");
    writeFileSync(
        file,
        "# kept\nhost = db.example\nport=5433\ndatabase=shop\nuser=me\npassword=p@ss $1#/é\ntable=events\n",
    );
    const { exitCode, stdout } = await run("import-config", [file]);
    const url = new URL(stdout.trim().replace(/^DATABASE_URL=/, ""));

    expect(exitCode).toBe(0);
    expect([url.hostname, url.port, url.pathname, url.username]).toEqual(["db.example", "5433", "/shop", "me"]);
    expect(decodeURIComponent(url.password)).toBe("p@ss $1#/é");
});

test("import-config names every fault of the file, with its line and the near name", async () => {
    const file = join(dir, "bad.properties");
    writeFileSync(file, "hots=db\nport=x\npassword=hunter2\nwhat is this\n");
    const { exitCode, stderr } = await run("import-config", [file]);

    expect(exitCode).toBe(3);
    for (const part of ["line 1: the property hots", "line 4: this is no", "its port", "no database", "no user"]) {
        expect(stderr).toContain(part);
    }
    expect(stderr).toContain("Did you mean host?");
    expect(stderr).not.toContain("hunter2");
});

test("import-config --write adds the line, for the owner's eyes alone, and replaces another only when told", async () => {
    const own = makeFolder();
    const file = join(own, "old.properties");
    const env = join(own, ".env");
    writeFileSync(env, "SLUICE_PORT=5000");
    const write = (database: string, ...flags: string[]) => {
        writeFileSync(file, `host=db\ndatabase=${database}\nuser=me\npassword=hunter2\n`);
        return run("import-config", [file, "--write", ...flags], {}, own);
    };
    const first = await write("shop");
    const again = await write("shop");
    const other = await write("till");
    const kept = readFileSync(env, "utf8");
    const replaced = await write("till", "--replace");

    expect(first.stdout).toBe("Added to .env: DATABASE_URL=postgresql://me:***@db:5432/shop\n");
    expect(again.stdout).toStartWith(".env has this line already");
    expect([other.exitCode, other.stderr.includes("from:  .env, line 2")]).toEqual([3, true]);
    expect(kept).toBe("SLUICE_PORT=5000\nDATABASE_URL=postgresql://me:hunter2@db:5432/shop\n");
    expect(replaced.exitCode).toBe(0);
    expect(readFileSync(env, "utf8")).toBe("SLUICE_PORT=5000\nDATABASE_URL=postgresql://me:hunter2@db:5432/till\n");
    expect(statSync(env).mode & 0o777).toBe(0o600);
});
