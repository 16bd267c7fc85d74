/** `--log-format json`: whatever the long-running commands say on stderr is a JSON object a line, with documented fields and no secrets. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLog } from "../../src/commands/log.ts";
import { header, makeFolder, useDatabase } from "../support/fixture.ts";
import { startIngest } from "../support/ingest-process.ts";
import { useOwnServer } from "../support/own-server.ts";
import { collect, runScript, spawnScript } from "../support/run-script.ts";
import { projectDir } from "../support/test-server.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(90_000);

interface Line extends Record<string, unknown> {
    time: string;
    level: string;
    event: string;
    message: string;
}

const row = (no: number, price = "1.00") =>
    `00000000-0000-4000-8000-${String(no).padStart(12, "0")},view,p,u,2024-01-01 00:00:00,1,${price}`;

const database = useDatabase(import.meta.path);
const folder = makeFolder();

function inputOf(files: Record<string, string>): string {
    const dir = mkdtempSync(join(folder, "input-"));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
    return dir;
}

const csv = (...rows: string[]) => `${[header, ...rows].join("\n")}\n`;

/** Throws at the first line that is no JSON object, and when one lacks what all have. */
function parseLines(stderr: string): Line[] {
    expect(stderr).toEndWith("\n");
    return stderr
        .slice(0, -1)
        .split("\n")
        .map((text) => {
            const line = JSON.parse(text) as Line;
            expect(Object.keys(line).slice(0, 4)).toEqual(["time", "level", "event", "message"]);
            expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
            expect(["info", "warn", "error"]).toContain(line.level);
            expect(line.event).toMatch(/^[a-z]+(_[a-z]+)*$/);
            return line;
        });
}

/** The events of docs/operations.md, with their levels and fields. */
const documented = new Map(
    [
        ...readFileSync(join(projectDir, "docs/operations.md"), "utf8").matchAll(
            /^\| `([a-z_]+)` \| ([\w ]+) \| (.*?) ?\|/gm,
        ),
    ].map(([, event, level, fields]) => [
        event!,
        { level: level!, fields: [...fields!.matchAll(/`(\w+)`/g)].map(([, name]) => name!) },
    ]),
);

function expectDocumented(lines: Line[]): void {
    for (const { time: _, level, event, message: __, ...facts } of lines) {
        expect([...documented.keys()]).toContain(event);
        const { level: expectedLevel, fields } = documented.get(event)!;
        expect([event, expectedLevel.split(" or ")]).toEqual([event, expect.arrayContaining([level])]);
        for (const name of Object.keys(facts)) expect([event, fields]).toEqual([event, expect.arrayContaining([name])]);
    }
}

test("an ingest: what was merged, what failed and why, how it ended; nothing on stdout, and no value of a row", async () => {
    const input = inputOf({
        "a.csv": csv(row(1), row(2), row(2), row(3, "secret-price")),
        "a_again.csv": csv(row(1), row(2), row(2), row(3, "secret-price")),
        "broken.csv": "nothing,of,ours\n1,2,3\n",
        "over\u001b[31m.csv": csv(row(4, "secret-price"), row(5)),
    });
    const flags = ["--trigger", "available-now", "--check", "--log-format", "json", "--max-rejects", "40%"];
    const { exitCode, stdout, stderr } = await runScript("ingest", ["--input", input, ...flags], {
        environment: { DATABASE_URL: database.url },
    });
    const lines = parseLines(stderr);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expectDocumented(lines);
    const among = (facts: Record<string, unknown>) => expect(lines).toContainEqual(expect.objectContaining(facts));
    among({ level: "error", event: "file_failed", file: "broken.csv", code: "header_missing_columns" });
    among({ level: "error", event: "file_failed", file: "over\u001b[31m.csv", code: "too_many_rejects" });
    among({ level: "info", event: "file_skipped", file: "a_again.csv", code: "copy" });
    among({ event: "batch_merged", records: 4, inserted: 2, duplicate: 1, conflict: 0, rejected: 1 });
    among({ event: "ingest_ended", batches: 1, records: 4, merged: 1, skipped: 1, failed: 2 });
    among({ level: "info", event: "checked", broken: 0 });
    expect(stderr).not.toContain("secret-price");
    // Not even a log viewer is made to change its colours.
    expect(stderr).not.toContain("\u001b");
});

test("--json keeps the batches on stdout; the log stays a log", async () => {
    const args = ["--input", inputOf({ "b.csv": csv(row(11)) }), "--trigger", "available-now", "--json"];
    const environment = { DATABASE_URL: database.url, SLUICE_LOG_FORMAT: "json" };
    const { exitCode, stdout, stderr } = await runScript("ingest", args, { environment });
    expect(exitCode).toBe(0);
    expect(
        stdout
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line).type ?? "batch"),
    ).toEqual(["batch", "summary"]);
    // The folder is another one, without the two files that failed in the first.
    const forgotten = Array<string>(2).fill("file_forgotten");
    expect(parseLines(stderr).map(({ event }) => event)).toEqual([...forgotten, "ingest_ended"]);
});

test("start and api tell where they are, without the password, and that they have stopped", async () => {
    const password = new URL(database.url).password;
    expect(password).not.toBe("");
    const input = inputOf({ "c.csv": csv(row(21)) });
    for (const [name, args, events] of [
        ["start", ["--input", input, "--port", "0"], ["started", "batch_merged", "ingest_ended"]],
        ["api", ["--port", "0"], ["listening"]],
    ] as const) {
        const environment = { DATABASE_URL: database.url, SLUICE_LOG_FORMAT: "json" };
        const child = spawnScript(name, args, { environment });
        const stdout = new Response(child.stdout).text();
        const stderr = collect(child.stderr);
        const hasSaid = (event: string) => stderr.text().includes(event);
        await waitUntil(`${name} is up`, () => hasSaid(events[0]) && hasSaid(events.at(-2) ?? events[0]));
        const url = parseLines(stderr.text()).find(({ event }) => event === events[0])!.url;
        expect((await fetch(`${url}/readyz`)).status).toBe(200);
        child.kill("SIGTERM");
        await Promise.all([child.exited, stderr.ended]);
        const lines = parseLines(stderr.text());
        expectDocumented(lines);
        expect([...new Set(lines.map(({ event }) => event))]).toEqual([...events]);
        expect(await stdout).toBe("");
        expect(stderr.text()).not.toContain(password);
    }
});

describe("a database that is stopped under an ingest", () => {
    const server = useOwnServer();

    test("is a warning while it is away, and a milestone when it is back", async () => {
        const target = await server.createDatabase();
        const ingest = startIngest(target.url, inputOf({ "d.csv": csv(row(31)) }), ["--log-format", "json"]);
        await waitUntil("it has merged", () => ingest.batches().length > 0);
        await server.stop();
        await waitUntil("it says so", () => ingest.stderr().includes("database_away"));
        await server.start();
        await waitUntil("it says that it is back", () => ingest.stderr().includes("database_back"));
        ingest.kill("SIGTERM");
        const { stderr } = await ingest.finish();
        const lines = parseLines(stderr);

        expectDocumented(lines);
        expect(lines).toContainEqual(
            expect.objectContaining({ level: "warn", event: "database_away", code: expect.stringMatching(/^\w+$/) }),
        );
        expect(lines).toContainEqual(
            expect.objectContaining({ level: "info", event: "database_back", durationMs: expect.any(Number) }),
        );
    });
});

describe("an error of a command", () => {
    const url = () => database.url.replace(/:[^:@]*@/, ":hunter2-wrong@");

    test("is a line of the log, with its code and remedy, and without the password", async () => {
        const args = ["--input", inputOf({}), "--log-format", "json"];
        const { exitCode, stderr } = await runScript("ingest", args, { environment: { DATABASE_URL: url() } });
        const lines = parseLines(stderr);
        expectDocumented(lines);
        expect({ exitCode, last: lines.at(-1) }).toMatchObject({
            exitCode: 3,
            last: {
                ...{ level: "error", event: "command_failed", command: "ingest", code: "login_refused", exitCode: 3 },
                from: "DATABASE_URL in the environment",
                fix: expect.stringContaining("password"),
            },
        });
        expect(stderr).not.toContain("hunter2");
    });

    test.each([
        ["an unknown flag", ["--log-format", "json", "--tirgger", "1s"], 2, "unknown_option"],
        ["a bad value", ["--log-format=json", "--trigger", "often"], 2, "bad_flag_value"],
    ])("so is %s, before anything was read", async (_, args, exitCode, code) => {
        const ran = await runScript("ingest", args);
        expect(ran.exitCode).toBe(exitCode);
        expect(parseLines(ran.stderr)).toEqual([
            expect.objectContaining({ level: "error", event: "command_failed", code }),
        ]);
    });

    test("a format that there is not is refused", async () => {
        const { exitCode, stderr } = await runScript("ingest", ["--log-format", "xml"]);
        expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining("Write text or json.") });
    });

    test.each([
        ["status", ["--json"], 3, "login_refused"],
        ["status", ["--json", "--wacht"], 2, "unknown_option"],
        ["reset", ["--json"], 2, "confirmation_needed"],
        ["prune", ["--json", "--yes"], 2, "missing_option"],
    ])("%s %p: one object on stderr", async (name, args, exitCode, code) => {
        const ran = await runScript(name, args, { environment: { DATABASE_URL: url() } });
        const { stderr } = ran;
        const error = JSON.parse(stderr);
        expect([ran.exitCode, ran.stdout, stderr.split("\n").length]).toEqual([exitCode, "", 2]);
        expect(Object.keys(error)).toEqual(["command", "code", "what", "from", "cause", "fix", "exitCode"]);
        expect(error).toMatchObject({ command: name, code, exitCode, fix: expect.stringMatching(/\.|\?$/) });
        expect(stderr).not.toContain("hunter2");
    });

    test("without --json it stays four lines for people", async () => {
        const { stderr } = await runScript("status", [], { environment: { DATABASE_URL: url() } });
        expect(stderr).toMatch(/^status: .*\n {2}from: .*\n {2}fix: .*\n {2}code: {2}login_refused \(exit 3\)\n$/);
    });
});

test("as text a line has its level in front, where somebody should look, and moves no cursor", () => {
    const lines: string[] = [];
    const log = createLog({ format: "text", write: (line) => void lines.push(line) });
    log.info("a\u001b[2Jb", { event: "said" });
    log.warn("w", { event: "said" });
    log.error("e", { event: "said" });
    log.setup("Warning: x");
    expect(lines).toEqual(["a\\x1b[2Jb", "warning: w", "error: e", "Warning: x"]);
});

test("as JSON, what the set-up warns of is a warning", () => {
    const lines: string[] = [];
    const now = () => new Date("2026-01-31T07:00:00Z");
    const log = createLog({ format: "json", write: (line) => void lines.push(line), now });
    log.setup("Warning: x");
    log.setup("Started.");
    expect(lines).toEqual([
        '{"time":"2026-01-31T07:00:00.000Z","level":"warn","event":"setup","message":"x"}',
        '{"time":"2026-01-31T07:00:00.000Z","level":"info","event":"setup","message":"Started."}',
    ]);
});
