/** Notifications as people meet them: cron, an API that sees an ingest die, `bun run notify`, and no secret anywhere. */
import { beforeEach, describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { headerLine, idOf, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { ingestOnce, startIngest } from "../support/ingest-process.ts";
import { expireLeases } from "../support/read-tables.ts";
import { expectSigned, openReceiver, secret } from "../support/receiver.ts";
import { runScript } from "../support/run-script.ts";
import { startApi } from "../support/service.ts";
import { waitUntil } from "../support/wait-until.ts";

const database = useEmptyDatabase(import.meta.path);
const folder = useFolder();

const surroundings = (webhook: string) => ({
    environment: { SLUICE_NOTIFY_WEBHOOK: webhook, SLUICE_NOTIFY_SECRET: secret, SLUICE_NOTIFY_AFTER: "0" },
});
const writeFile = (name: string, text: string) => writeFileSync(join(folder, name), text);
const good = (no: number) => `${headerLine}${idOf(no)},view,p,u,2024-01-01 00:00:00,1,1.00\n`;

function expectNoSecret(...texts: string[]): void {
    for (const text of texts) {
        expect(text).not.toContain(secret.slice(6));
        expect(text).not.toContain("key-of-the-path");
    }
}

beforeEach(() => writeFile("a.csv", good(1)));

test("cron's runs tell at their end: a failed file once, and when it is corrected", async () => {
    const receiver = openReceiver();
    const run = () => ingestOnce(database.url, folder, ["--log-format", "json"], surroundings(receiver.url));
    const first = await run();
    expect(receiver.taken()).toEqual([]);

    writeFile("broken.csv", "event_id,price\n1,2\n");
    const second = await run();
    expect(receiver.taken()).toEqual(["stream.problem events ok failing"]);
    const third = await run();
    expect(receiver.taken()).toHaveLength(1);

    rmSync(join(folder, "broken.csv"));
    writeFile("broken.csv", good(2));
    const fourth = await run();
    expect(receiver.taken()).toEqual(["stream.problem events ok failing", "stream.recovered events failing ok"]);
    for (const received of receiver.received) expectSigned(received);
    expect([first, second, third, fourth].map(({ exitCode }) => exitCode)).toEqual([0, 1, 5, 0]);
    expect(second.stderr).toContain('"event":"notified"');
    expectNoSecret(...[first, second, third, fourth].map(({ stderr }) => stderr));
});

test("an API tells that an ingest was killed, and that there is one again", async () => {
    const receiver = openReceiver();
    const api = await startApi(database.url, surroundings(receiver.url).environment);
    try {
        const ingest = startIngest(database.url, folder, ["--trigger", "200ms"]);
        await waitUntil("it was seen at work", async () => {
            const [state] = await database.sql`select is_watched from ingest.told_states where stream_id = 0`;
            return state?.is_watched;
        });
        ingest.kill("SIGKILL");
        await ingest.exited;
        await expireLeases(database.sql);
        await waitUntil("it is told", () => receiver.taken().length > 0);
        expect(receiver.taken()).toEqual(["stream.problem events ok stopped"]);

        startIngest(database.url, folder, ["--trigger", "200ms"]);
        await waitUntil("the end is told", () => receiver.taken().length > 1);
        expect(receiver.taken()[1]).toBe("stream.recovered events stopped ok");
    } finally {
        await api.stop();
    }
});

describe("bun run notify", () => {
    const run = (args: string[], environment: Record<string, string> = {}) =>
        runScript("notify", args, { environment: { DATABASE_URL: database.url, ...environment } });

    test("--test sends one, and says what came back", async () => {
        const receiver = openReceiver();
        const { exitCode, stdout, stderr } = await run(["--test"], surroundings(receiver.url).environment);
        expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
        expect(stdout).toMatch(
            /^http:\/\/127\.0\.0\.1:\d+\/\*\*\* took message msg_\w+ \(signed\): HTTP 200, after .*It answered: ok\n$/,
        );
        expect(receiver.received[0]!.message.type).toBe("test");
        expectSigned(receiver.received[0]!);
        expectNoSecret(stdout);
    });

    test("--test should fail where it is not taken, with what came back", async () => {
        const receiver = openReceiver({ answer: () => new Response("invalid_payload", { status: 400 }) });
        const { exitCode, stdout, stderr } = await run(["--test"], surroundings(receiver.url).environment);
        expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
        expect(stderr).toMatch(/did not take the message: HTTP 400, after .* It answered: invalid_payload/);
        expect(stderr).toContain("notification_failed");
        expectNoSecret(stderr);
    });

    test("--test should fail without an address", async () => {
        const { exitCode, stderr } = await run(["--test"]);
        expect(exitCode).toBe(3);
        expect(stderr).toContain("no_webhook");
    });

    test("shows where messages go, and what became of them", async () => {
        const { stdout } = await run([], surroundings("https://hooks.example.com/key-of-the-path").environment);
        expect(stdout).toStartWith("Messages go to https://hooks.example.com/***, signed.\n");
        expect((await run([])).stdout).toStartWith("No messages are sent from here: notify.webhook is not set.\n");
    });
});

describe("no secret is shown", () => {
    const environment = surroundings("https://hooks.example.com/key-of-the-path").environment;

    test("by config, config --json and doctor", async () => {
        for (const [name, args] of [
            ["config", []],
            ["config", ["--json"]],
            ["doctor", []],
        ] as const) {
            const { stdout, stderr } = await runScript(name, args, {
                environment: { DATABASE_URL: database.url, ...environment },
            });
            expect(stdout).toContain(name === "doctor" ? "notify.webhook" : "https://hooks.example.com/***");
            expectNoSecret(stdout, stderr);
        }
    });

    test("by the error of one that is malformed", async () => {
        const malformed = {
            SLUICE_NOTIFY_SECRET: `${secret}!`,
            SLUICE_NOTIFY_WEBHOOK: "https://me:key-of-the-path@example.com/",
        };
        const { exitCode, stdout, stderr } = await runScript("config", [], { environment: malformed });
        expect(exitCode).toBe(3);
        expect(stderr).toContain("SLUICE_NOTIFY_SECRET is not whsec_");
        expect(stderr).toContain("SLUICE_NOTIFY_WEBHOOK has a user or a password in it.");
        expectNoSecret(stdout, stderr);
    });

    test("and it may not be in sluice.config.ts", async () => {
        const cwd = join(folder);
        writeFile(
            "sluice.config.ts",
            'export default { notify: { webhook: "https://hooks.example.com/x", after: "1m", secret: "whsec_x" } };\n',
        );
        const refused = await runScript("config", [], { cwd });
        expect(refused.stderr).toContain("notify.secret is not known");
        writeFile(
            "sluice.config.ts",
            'export default { notify: { webhook: "https://hooks.example.com/x", after: "1m" } };\n',
        );
        const { stdout } = await runScript("config", [], { cwd });
        expect(stdout).toMatch(
            /--notify-webhook +https:\/\/hooks\.example\.com\/\*\*\* +notify\.webhook in sluice\.config\.ts/,
        );
        expect(stdout).toMatch(/--notify-after +1m +notify\.after in sluice\.config\.ts/);
    });
});
