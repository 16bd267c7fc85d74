/**
 * Common mistakes, and the answers to them: each names the thing and the remedy, in four lines, without a stack or a
 * password, and exits with the code that docs/commands.md says. One entry for each mistake.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inputFolderError } from "../../src/engine/input-folder.ts";
import { type DatabaseProxy, openDatabaseProxy } from "../support/database-proxy.ts";
import { makeFolder, useBareDatabase, useDatabase } from "../support/fixture.ts";
import { startIngest } from "../support/ingest-process.ts";
import { commandLine, runScript } from "../support/run-script.ts";
import { projectDir } from "../support/test-server.ts";
import { waitUntil } from "../support/wait-until.ts";

interface Mistake {
    run: string[];
    environment?: Record<string, string>;
    code: string;
    /** Texts that must be named: the thing at fault, and in the fix the remedy. */
    names: (string | RegExp)[];
    fix: string;
}

const database = useDatabase(import.meta.path);
const bare = useBareDatabase(import.meta.path);
const behind = useDatabase(import.meta.path);
const foreign = useBareDatabase(import.meta.path);
const dir = makeFolder();
const full = useBareDatabase(import.meta.path);
let oldServer: DatabaseProxy;
let otherProgram: ReturnType<typeof Bun.serve>;
let runningSluice: ReturnType<typeof Bun.serve>;

const secret = "hunter2";
const path = (name: string) => join(dir, name);

beforeAll(async () => {
    mkdirSync(path("in"));
    writeFileSync(path("a-file"), "");
    writeFileSync(path("broken.config.ts"), "export default { sources: [");
    writeFileSync(path("misspelt.config.ts"), `export default { sources: [{ match: "*.csv", delimeter: ";" }] };`);
    writeFileSync(path("old.properties"), `host=db\ndatabase=shop\nuser=me\npassword=${secret}\ntable=shop_events\n`);
    await behind.sql`delete from ingest.migrations where created_at = (select max(created_at) from ingest.migrations)`;
    await foreign.sql`create table events (id int)`;
    await full.sql.unsafe(`
        create function public.fail() returns event_trigger language plpgsql as $$ begin
            raise exception 'could not extend file "base/5/16385": No space left on device' using errcode = '53100';
        end $$;
        create event trigger fail on ddl_command_start execute function public.fail()`);
    const [server] = await database.sql`select split_part(current_setting('server_version'), '.', 1) as major`;
    const alterAnswer = (text: string) => text.replaceAll(`${server!.major}.`, "14.");
    oldServer = await openDatabaseProxy(database.target, { alterAnswer });
    otherProgram = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("hello") });
    runningSluice = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json({ status: "alive" }) });
});

afterAll(async () => {
    await Promise.all([otherProgram.stop(true), runningSluice.stop(true), oldServer.close()]);
    for (const each of [database, bare, behind, foreign]) await each.drop();
});

const withPassword = (url: string, password: string) => Object.assign(new URL(url), { password }).href;
const ofDatabase = (url: string, name: string) => Object.assign(new URL(url), { pathname: `/${name}` }).href;

/** Made when the databases are there. */
const mistakes: Record<string, () => Mistake> = {
    "the database is down": () => ({
        run: ["status", "--database-url", `postgres://me:${secret}@127.0.0.1:1/shop`],
        code: "database_unreachable (exit 4)",
        names: ["postgresql://me:***@127.0.0.1:1/shop", "ECONNREFUSED", "from:  --database-url"],
        fix: "Check that the server runs and that host and port are right",
    }),
    "its name is misspelt": () => ({
        run: ["status"],
        environment: { DATABASE_URL: `postgres://me:${secret}@no-such-host.invalid/shop` },
        code: "database_unreachable (exit 4)",
        names: ["no-such-host.invalid", "from:  DATABASE_URL in the environment"],
        fix: "host and port",
    }),
    "the password is wrong": () => ({
        run: ["status", "--database-url", withPassword(database.url, secret)],
        code: "login_refused (exit 3)",
        names: ["refuses the password of"],
        fix: "Correct the user or password in the URL",
    }),
    "the database is missing": () => ({
        run: ["ingest", "--input", path("in"), "--database-url", ofDatabase(database.url, "no_such_shop")],
        code: "database_missing (exit 3)",
        names: ["There is no database no_such_shop"],
        fix: "Create it (createdb)",
    }),
    "the URL is that of another kind of database": () => ({
        run: ["status", "--database-url", `mysql://me:${secret}@db/shop`],
        code: "bad_flag_value (exit 2)",
        names: ["--database-url", "its scheme is mysql"],
        fix: "Begin it with postgres://",
    }),
    "the URL has a % in its password": () => ({
        run: ["status"],
        environment: { DATABASE_URL: `postgres://me:100%${secret}@db/shop` },
        code: "bad_configuration (exit 3)",
        names: ["DATABASE_URL", "its password has a %"],
        fix: "Write a literal % as %25",
    }),
    "the server is too old": () => ({
        run: ["status", "--database-url", oldServer.target.url],
        code: "server_too_old (exit 3)",
        names: [/is PostgreSQL 14\.\d+; Sluice needs 15 or later/],
        fix: "Upgrade the server",
    }),
    "the server's disk is full": () => ({
        run: ["migrate", "--database-url", full.url],
        code: "database_disk_full (exit 1)",
        names: ["The disk of the database is full", "No space left on device"],
        fix: "Free disk space on the server",
    }),
    "the database was never set up": () => ({
        run: ["status", "--database-url", bare.url],
        code: "not_set_up (exit 3)",
        names: ["does not have Sluice's tables"],
        fix: "bun run migrate",
    }),
    "a migration is missing": () => ({
        run: ["status", "--database-url", behind.url],
        code: "schema_behind (exit 3)",
        names: [/it lacks drizzle\/\d{4}_\w+\.sql/],
        fix: "bun run migrate",
    }),
    "events is another program's table": () => ({
        run: ["migrate", "--database-url", foreign.url],
        code: "foreign_events_table (exit 3)",
        names: ["has a table public.events that Sluice did not make"],
        fix: "Give Sluice a database of its own",
    }),
    "the input folder is missing": () => ({
        run: ["ingest", "--input", path("nowhere"), "--database-url", database.url],
        code: "input_folder_missing (exit 3)",
        names: [path("nowhere"), "from:  --input"],
        fix: `mkdir -p ${path("nowhere")}`,
    }),
    "the input folder is named in the environment, and missing": () => ({
        run: ["ingest", "--database-url", database.url],
        environment: { SLUICE_INPUT_DIR: path("nowhere") },
        code: "input_folder_missing (exit 3)",
        names: [path("nowhere"), "from:  SLUICE_INPUT_DIR in the environment"],
        fix: "mkdir -p",
    }),
    "the input folder is a file": () => ({
        run: ["ingest", "--input", path("a-file"), "--database-url", database.url],
        code: "input_folder_unreadable (exit 3)",
        names: [`${path("a-file")} is not a folder`],
        fix: "Name the folder that holds the CSV files",
    }),
    "the data folder is a file": () => ({
        run: ["status", "--data-dir", path("a-file")],
        code: "data_directory_unusable (exit 3)",
        names: [path("a-file"), "from:  --data-dir"],
        fix: "set DATABASE_URL",
    }),
    "a duration has no unit": () => ({
        run: ["ingest", "--trigger", "5"],
        code: "bad_flag_value (exit 2)",
        names: ['--trigger "5" is a number without a unit'],
        fix: "Did you mean 5s?",
    }),
    "a port is out of range": () => ({
        run: ["api", "--port", "70000"],
        code: "bad_flag_value (exit 2)",
        names: ['--port "70000" is out of bounds'],
        fix: "from 0 to 65535",
    }),
    "another program has the port": () => ({
        run: ["api", "--port", String(otherProgram.port), "--database-url", database.url],
        code: "port_taken (exit 3)",
        names: [`Port ${otherProgram.port} on 127.0.0.1 is already in use`, "from:  --port"],
        fix: "choose another with --port",
    }),
    "it is started a second time": () => ({
        run: ["start", "--input", path("in"), "--port", String(runningSluice.port), "--database-url", database.url],
        code: "port_taken (exit 3)",
        names: [`Sluice is already running: http://127.0.0.1:${runningSluice.port}/`],
        fix: "Use that one, or stop it first",
    }),
    "the API is opened to others without a token": () => ({
        run: ["api", "--host", "0.0.0.0", "--port", "0", "--database-url", database.url],
        environment: { SLUICE_API_TOKEN: "" },
        code: "api_token_missing (exit 3)",
        names: ["On 0.0.0.0, anybody", "from:  --host"],
        fix: "Set SLUICE_API_TOKEN",
    }),
    "the token is too short": () => ({
        run: ["api", "--port", "0", "--database-url", database.url],
        environment: { SLUICE_API_TOKEN: secret },
        code: "api_token_short (exit 3)",
        names: ["has 7 bytes", "from:  SLUICE_API_TOKEN in the environment"],
        fix: "openssl rand -base64 32",
    }),
    "a flag is misspelt": () => ({
        run: ["status", "--jsno"],
        code: "unknown_option (exit 2)",
        names: ["Unknown option '--jsno'"],
        fix: "Did you mean --json?",
    }),
    "a variable is misspelt": () => ({
        run: ["status"],
        environment: { SLUICE_TRIGER: "1s" },
        code: "bad_configuration (exit 3)",
        names: ["SLUICE_TRIGER is set, but Sluice has no such variable"],
        fix: "Did you mean SLUICE_TRIGGER?",
    }),
    "sluice.config.ts cannot be loaded": () => ({
        run: ["status"],
        environment: { SLUICE_CONFIG: path("broken.config.ts") },
        code: "bad_config_file (exit 3)",
        names: ["broken.config.ts: cannot be loaded", "from:  SLUICE_CONFIG in the environment"],
        fix: "Correct it, or name another",
    }),
    "sluice.config.ts has a misspelt name": () => ({
        run: ["ingest", "--config", path("misspelt.config.ts")],
        code: "bad_config_file (exit 3)",
        names: ["sources[0].delimeter is not known", "from:  --config"],
        fix: "docs/column_mapping.md",
    }),
    "an argument is no file": () => ({
        run: ["try", path("none.csv"), "--database-url", database.url],
        code: "no_such_file (exit 2)",
        names: [`There is no file ${path("none.csv")}`],
        fix: "Name a CSV file",
    }),
    "an argument is a folder": () => ({
        run: ["try", path("in"), "--database-url", database.url],
        code: "no_such_file (exit 2)",
        names: [`${path("in")} is a folder`],
        fix: join("in", "*.csv"),
    }),
    "an event_id is not known": () => ({
        run: ["trace", "00000000-0000-4000-8000-000000000404", "--database-url", database.url],
        code: "record_unknown (exit 1)",
        names: ["No row and no reject of events has the key event_id=00000000-0000-4000-8000-000000000404"],
        fix: "bun run files",
    }),
    "what is to be traced is neither an event_id nor a record": () => ({
        run: ["trace", "events_7.csv", "--database-url", database.url],
        code: "bad_argument (exit 2)",
        names: ["neither an event_id nor file:record"],
        fix: "events_7.csv:12",
    }),
    "a reset is asked for by a script": () => ({
        run: ["reset", "--database-url", database.url],
        code: "confirmation_needed (exit 2)",
        names: ["there is no terminal; nothing was changed"],
        fix: "Give --yes",
    }),
    "a moment is none": () => ({
        run: ["replay", "--since", "yesterdy", "--database-url", database.url],
        code: "bad_flag_value (exit 2)",
        names: ["--since is not a moment"],
        fix: "Write it like 2026-01-31",
    }),
    "SQL that writes": () => ({
        run: ["sql", "delete from events", "--database-url", database.url],
        code: "statement_failed (exit 1)",
        names: ["cannot execute DELETE in a read-only transaction"],
        fix: "Add --write",
    }),
    "a ratio in percent": () => ({
        run: ["generate", "--dirty", "10", "--output-dir", path("in"), "--files", "1"],
        code: "bad_flag_value (exit 2)",
        names: ["--dirty 10 is not a ratio from 0 to 1"],
        fix: "such as 0.1",
    }),
    "the old properties name another table": () => ({
        run: ["import-config", path("old.properties")],
        code: "other_table (exit 3)",
        names: ["names the table shop_events"],
        fix: "Remove the line",
    }),
    "a retry of nothing": () => ({
        run: ["retry", "--database-url", database.url],
        code: "missing_option (exit 2)",
        names: ["Neither --file nor --all was given"],
        fix: "bun run files --database-url … --state failed",
    }),
    "a state that there is not": () => ({
        run: ["files", "--state", "faild", "--database-url", database.url],
        code: "invalid_argument (exit 2)",
        names: ["faild"],
        fix: "Did you mean failed?",
    }),
};

const documented = readFileSync(join(projectDir, "docs/commands.md"), "utf8");

/** `login_refused (exit 3)` has a row of docs/commands.md with that code and that exit. */
function isDocumented(codeAndExit: string): boolean {
    const [, code, exit] = /^(\w+) \(exit (\d)\)$/.exec(codeAndExit) ?? [];
    return documented.split("\n").some((line) => line.includes(`\`${code}\``) && line.includes(`| ${exit} |`));
}

test("there are at least twenty of them", () => {
    expect(Object.keys(mistakes).length).toBeGreaterThanOrEqual(20);
});

describe.each(Object.keys(mistakes))("when %s", (name) => {
    test("the thing, where it is from and the remedy are named, and the exit code is the documented one", async () => {
        const { run, environment, code, names, fix } = mistakes[name]!();
        const [command, ...args] = run;
        const { exitCode, stdout, stderr } = await runScript(command!, args, environment ? { environment } : {});
        const lines = stderr.trimEnd().split("\n").slice(-4);

        expect(stdout).toBe("");
        for (const part of names)
            expect(stderr).toMatch(part instanceof RegExp ? part : new RegExp(RegExp.escape(part)));
        expect(lines[0]).toStartWith(`${command}: `);
        expect(lines[1]).toStartWith("  from:  ");
        expect(lines[2]).toStartWith("  fix:   ");
        expect(lines[2]).toContain(fix);
        expect(lines[3]).toBe(`  code:  ${code}`);
        expect(exitCode).toBe(Number(/exit (\d)/.exec(code)![1]));
        expect(isDocumented(code)).toBe(true);
        expect(stderr).not.toMatch(/ at .*\.ts:\d+|hunter2/);
    });
});

test("when another folder is being ingested into the database, its process and the ways out are named", async () => {
    const running = startIngest(database.url, path("in"));
    mkdirSync(path("other"));
    const pid = await waitUntil("it is at work", async () => {
        const [row] = await database.sql<{ pid: number }[]>`select pid from ingest.workers`;
        return row?.pid;
    });
    const second = await runScript("ingest", ["--input", path("other"), "--database-url", database.url]);
    const reset = await runScript("reset", ["--yes", "--input", path("in"), "--database-url", database.url]);
    running.kill("SIGTERM");
    await running.finish();

    expect(second.exitCode).toBe(3);
    expect(second.stderr).toContain(`(pid ${pid})`);
    expect(second.stderr).toContain("code:  other_folder_in_use (exit 3)");
    expect(reset.exitCode).toBe(1);
    expect(reset.stderr).toContain("Stop it first");
    expect([isDocumented("other_folder_in_use (exit 3)"), isDocumented("ingest_running (exit 1)")]).toEqual([
        true,
        true,
    ]);
});

test("when the disk that the output goes to is full, that is told", async () => {
    const child = Bun.spawn(["sh", "-c", `"$@" > /dev/full`, "sh", ...commandLine("config")], {
        cwd: projectDir,
        env: { ...process.env, DATABASE_URL: "" },
        stderr: "pipe",
    });
    const stderr = await new Response(child.stderr).text();

    expect(await child.exited).toBe(1);
    expect(stderr).toContain("There is no space left on the disk of standard output.");
    expect(stderr).toContain("code:  disk_full (exit 1)");
});

test("when a folder may not be read, who must be given the right is named", () => {
    // As root every folder can be read: what the operating system says to others is given.
    const refused = Object.assign(new Error("permission denied"), { code: "EACCES" });

    expect(inputFolderError("/srv/drops", refused)).toMatchObject({
        code: "input_folder_unreadable",
        exitCode: 3,
        setting: "inputDir",
        what: "The input folder /srv/drops cannot be read (EACCES).",
        remedy: expect.stringContaining("Give the user that runs Sluice the right to read it"),
    });
});

test("when a file cannot be read, the others are, and it is listed with its problem", async () => {
    const folder = path("with-a-bad-file");
    mkdirSync(folder);
    writeFileSync(
        join(folder, "good.csv"),
        "event_id,event_type,product_id,user_id,event_timestamp\n00000000-0000-4000-8000-000000000001,view,p,u,2024-01-01 00:00:00\n",
    );
    writeFileSync(join(folder, "bad.csv"), "not,our,columns\n1,2,3\n");
    const flags = ["--input", folder, "--trigger", "available-now", "--database-url", database.url];
    const { exitCode, stdout } = await runScript("ingest", flags);
    const listed = await runScript("files", ["bad.csv", "--database-url", database.url]);

    expect(exitCode).toBe(1);
    expect(stdout).toContain("1 merged, 1 failed → bun run files --database-url … --state failed");
    expect(listed.stdout).toMatch(/problem +header_missing_columns: The header lacks event_id/);
    expect(listed.stdout).toMatch(/fix +Add the missing columns to the header line/);
});

test("every code that the program can exit with is documented, and no other", () => {
    const table = documented.slice(documented.indexOf("| code | exit |"));
    const inDocument = new Set([...table.matchAll(/`([a-z]+(?:_[a-z]+)+|unexpected)`/g)].map(([, code]) => code!));
    const files = [...new Bun.Glob("{src,scripts}/**/*.{ts,mjs}").scanSync({ cwd: projectDir })].sort();
    const text = files.map((file) => readFileSync(join(projectDir, file), "utf8")).join("\n");
    // Errors are made by `code: "x"`, also after a condition, and by the first argument of functions that make one.
    const made = text.matchAll(
        /new SluiceError\(\{\s*code: (?:\w+ \? )?"(\w+)"(?: : "(\w+)")?|refus(?:e|al)\(\s*"(\w+)"|\{\s*code: "(\w+)",\s*(?:what|remedy): /g,
    );
    const inProgram = new Set([...made].flatMap(([, ...codes]) => codes.filter((code) => code !== undefined)));

    expect([...inProgram].filter((code) => !inDocument.has(code))).toEqual([]);
    expect([...inDocument].filter((code) => !text.includes(code) && !commanderCodes.includes(code))).toEqual([]);
});

/** https://github.com/tj/commander.js: CommanderError.code, in our spelling. */
const commanderCodes = [
    "unknown_option",
    "option_missing_argument",
    "invalid_argument",
    "missing_argument",
    "excess_arguments",
];
