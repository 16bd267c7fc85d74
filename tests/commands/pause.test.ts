/** `bun run pause` and `bun run resume`: what they say, what they change, and what status and doctor say of it. */
import { beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { headerLine, idOf, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { ingestOnce } from "../support/ingest-process.ts";
import { expectSound } from "../support/read-tables.ts";
import { runScript } from "../support/run-script.ts";

const database = useEmptyDatabase(import.meta.path);
const inputDir = useFolder();
const run = (name: string, ...args: string[]) =>
    runScript(name, args, { environment: { DATABASE_URL: database.url, SLUICE_INPUT_DIR: inputDir } });
const me = `${userInfo().username}@${hostname()}`;

beforeEach(async () => {
    await database.sql`select ingest.resume_streams(null)`;
});

test("pauses all streams, keeps the first reason, and resumes them", async () => {
    const first = await run("pause", "--reason", "the disk is replaced");
    expect(first).toEqual({
        exitCode: 0,
        stdout:
            "events is paused.\nAn ingest at work sees it within a second; what it has begun ends first. " +
            "Resume: bun run resume --stream events\n",
        stderr: "",
    });
    const second = await run("pause", "--stream", "events", "--reason", "another");
    expect([second.exitCode, second.stdout.split("\n")[0]]).toEqual([
        0,
        `events was paused before, by ${me}: the disk is replaced`,
    ]);
    const resumed = await run("resume");
    expect(resumed.exitCode).toBe(0);
    expect(resumed.stdout).toMatch(/^events is resumed, after .+\. It was paused by .+@.+\.\n$/);
    expect(await run("resume")).toEqual({ exitCode: 0, stdout: "Nothing is paused.\n", stderr: "" });
});

test("tells a program the same", async () => {
    const { streams } = JSON.parse((await run("pause", "--json")).stdout);
    expect(streams).toEqual([
        { stream: "events", hasChanged: true, pausedAt: expect.any(String), pausedBy: me, pauseReason: null },
    ]);
    expect(JSON.parse((await run("resume", "--json", "--stream", "events")).stdout).streams).toMatchObject([
        { stream: "events", hasChanged: true, pausedBy: me },
    ]);
});

test("should fail for a stream that does not exist, with the near one named, and for a reason that is a letter", async () => {
    const { exitCode, stderr } = await run("pause", "--stream", "event");
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("Did you mean events?")]);
    expect((await run("pause", "--reason", "x".repeat(501))).exitCode).toBe(2);
    const [row] =
        await database.sql`select count(*)::integer as paused from ingest.streams where paused_at is not null`;
    expect(row!.paused).toBe(0);
});

test("status and doctor say who paused it and why, and no alarm", async () => {
    await run("pause", "--reason", "the disk is replaced");
    const status = await run("status");
    expect(status.stdout).toMatch(
        /Paused for .+ by .+: the disk is replaced\. No ingest is running\. Resume it: `bun run resume --stream events`\./,
    );
    const doctor = await run("doctor", "--json");
    const finding = JSON.parse(doctor.stdout).findings.find(({ name }: { name: string }) => name === "pause");
    expect(finding).toMatchObject({ state: "note", found: expect.stringContaining("events: Paused for") });
});

test("while it is paused, a dry run, a replay, a prune and a reset work", async () => {
    const record = (no: number, type = "view") => `${idOf(no)},${type},p1,u1,2024-05-01 10:00:00,1,1.00\n`;
    writeFileSync(join(inputDir, "a.csv"), headerLine + record(1) + record(2, "wish"));
    expect((await ingestOnce(database.url, inputDir)).exitCode).toBe(0);
    await run("pause");
    expect((await run("try", join(inputDir, "a.csv"))).exitCode).toBe(0);
    await database.sql`insert into ingest.event_types values ('wish')`;
    try {
        expect((await run("replay")).exitCode).toBe(0);
        const [row] = await database.sql`select count(*)::integer as events from events`;
        expect(row!.events).toBe(2);
        await expectSound(database.sql);
    } finally {
        await database.sql`delete from ingest.event_types where event_type = 'wish'`;
    }
    expect((await run("prune", "--older-than", "1d", "--yes")).exitCode).toBe(0);
    expect((await run("reset", "--yes")).exitCode).toBe(0);
    // It is not the ledger's history: it stays.
    expect((await run("status")).stdout).toContain("Paused for");
});
