/** What systemd hears of a service: by the rules of src/commands/service.ts, and over a real socket from real processes. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openService } from "../../src/commands/service.ts";
import { findServiceManager } from "../../src/environment.ts";
import { openDatabaseProxy } from "../support/database-proxy.ts";
import { shopCsv, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { startIngest } from "../support/ingest-process.ts";
import { openNotifySocket } from "../support/notify-socket.ts";
import { spawnScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";

describe("a service of two parts that is watched with nine seconds", () => {
    function open({ watchdogMs = 9_000 as number | null, fails = false } = {}) {
        const sent: string[] = [];
        const warnings: string[] = [];
        let nowMs = 0;
        const service = openService(["api", "ingest"], {
            log: { warn: (line) => void warnings.push(line) },
            manager: { socket: "/run/notify", watchdogMs },
            async send(message) {
                if (fails) throw new Error("no such socket");
                sent.push(message.join(" "));
            },
            nowMs: () => nowMs,
        });
        return {
            service,
            sent: async () => {
                await Bun.sleep(0);
                return sent;
            },
            warnings,
            after(ms: number) {
                nowMs += ms;
            },
        };
    }

    test("is ready when each part has given a sign, and then once", async () => {
        const { service, sent, after } = open();

        service.alive("api");
        service.alive("api");
        expect(await sent()).toEqual([]);
        service.alive("ingest", "5 read");
        expect(await sent()).toEqual(["READY=1 WATCHDOG=1 STATUS=5 read"]);
        after(3_000);
        service.alive("api");
        service.alive("ingest");
        expect(await sent()).toEqual(["READY=1 WATCHDOG=1 STATUS=5 read", "WATCHDOG=1 STATUS=5 read"]);
    });

    test("keeps the watchdog quiet three times in its time, however many signs there are", async () => {
        const { service, sent, after } = open();

        for (let ms = 0; ms <= 9_000; ms += 100) {
            service.alive("api");
            service.alive("ingest");
            after(100);
        }
        expect((await sent()).length).toBe(4);
    });

    test("says nothing more when one part gives no sign, whatever the other does", async () => {
        const { service, sent, after } = open();

        service.alive("api");
        service.alive("ingest");
        for (let ms = 0; ms < 60_000; ms += 1_000) {
            after(1_000);
            service.alive("api");
        }
        expect((await sent()).length).toBe(1);
        service.alive("ingest");
        expect((await sent()).length).toBe(2);
    });

    test("says that it stops, and nothing after that", async () => {
        const { service, sent, after } = open();

        service.stopping();
        service.stopping();
        after(60_000);
        service.alive("api");
        service.alive("ingest");
        expect(await sent()).toEqual(["STOPPING=1 STATUS=Stopping"]);
    });

    test("has sent its last words when it says so, behind one that takes its time", async () => {
        const sent: string[] = [];
        const slow = Promise.withResolvers<void>();
        const service = openService(["api"], {
            log: { warn() {} },
            manager: { socket: "/run/notify", watchdogMs: null },
            async send([first]) {
                if (first === "READY=1") await slow.promise;
                sent.push(first!);
            },
        });

        service.alive("api");
        service.stopping();
        const isSent = service.sent();
        slow.resolve();
        await isSent;
        expect(sent).toEqual(["READY=1", "STOPPING=1"]);
    });

    test("tells its status where nobody watches, and no line feed of it begins another field", async () => {
        const { service, sent } = open({ watchdogMs: null });

        service.alive("api");
        service.alive("ingest", "waits\nREADY=0");
        expect(await sent()).toEqual(["READY=1 STATUS=waits\\x0aREADY=0"]);
    });

    test("warns once when nobody can be told, and goes on", async () => {
        const { service, sent, warnings, after } = open({ fails: true });

        for (let turn = 0; turn < 5; turn += 1) {
            service.alive("api");
            service.alive("ingest");
            after(3_000);
        }
        await sent();
        expect(warnings).toEqual(["The service manager cannot be told how this is: no such socket"]);
    });
});

test("there is no service manager without NOTIFY_SOCKET, and no watchdog without WATCHDOG_USEC", () => {
    expect(findServiceManager({ WATCHDOG_USEC: "1000" })).toBeNull();
    expect(findServiceManager({ NOTIFY_SOCKET: "/run/n" })).toEqual({ socket: "/run/n", watchdogMs: null });
    expect(findServiceManager({ NOTIFY_SOCKET: "@n", WATCHDOG_USEC: "90000000" })).toEqual({
        socket: "@n",
        watchdogMs: 90_000,
    });
});

describe("over a real socket", () => {
    const database = useEmptyDatabase(import.meta.path);
    const inputDir = useFolder();

    test("an ingest is ready once it holds its lease, stays alive while the database is away, and says that it stops", async () => {
        const { path, messages } = await openNotifySocket();
        const proxy = await openDatabaseProxy(database.target);
        writeFileSync(
            join(inputDir, "a.csv"),
            shopCsv("a0000000-0000-4000-8000-000000000001,view,p,u,2024-01-02 03:04:05,,"),
        );
        const child = startIngest(proxy.target.url, inputDir, ["--trigger", "continuous"], {
            environment: { NOTIFY_SOCKET: path, WATCHDOG_USEC: "3000000" },
        });

        const [first] = await waitUntil("it is ready", () => (messages().length > 0 ? messages() : null));
        expect(first).toEqual(["READY=1", "WATCHDOG=1", expect.stringMatching(/^STATUS=\d+ read = /)]);
        const [workers] = await database.sql`select count(*)::int as count from ingest.workers`;
        expect(workers!.count).toBe(1);
        await waitUntil("the status has the record", () =>
            messages().some((it) => it.includes(`STATUS=1 read = 1 inserted + 0 duplicate + 0 conflict + 0 rejected`)),
        );

        proxy.takeDown();
        const isWaiting = (message: string[]) => message[0] === "WATCHDOG=1" && /^STATUS=Waiting: /.test(message[1]!);
        await waitUntil("it is alive without the database", () => messages().filter(isWaiting).length >= 2);
        await proxy.mend();
        await waitUntil("it goes on", () => !isWaiting(messages().at(-1)!));
        await child.stop();
        await waitUntil("it has said so", () => messages().at(-1)?.[0] === "STOPPING=1");
        expect(messages().filter(([name]) => name === "READY=1").length).toBe(1);
        await proxy.close();
    }, 60_000);

    test("the API is ready when it answers, and is alive for as long as it does", async () => {
        const { path, messages } = await openNotifySocket();
        const child = spawnScript("api", ["--port", "0"], {
            environment: { DATABASE_URL: database.url, NOTIFY_SOCKET: path, WATCHDOG_USEC: "3000000" },
        });

        await waitUntil("it is alive", () => messages().length >= 3);
        const [first, second] = messages();
        expect(first).toEqual(["READY=1", "WATCHDOG=1", expect.stringMatching(/^STATUS=The API is at http:/)]);
        expect(second![0]).toBe("WATCHDOG=1");
        child.kill("SIGTERM");
        expect(await child.exited).toBe(143);
        await waitUntil("it has said so", () => messages().at(-1)?.[0] === "STOPPING=1");
    }, 60_000);
});
