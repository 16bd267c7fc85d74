import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect as connectSocket, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { connect } from "../../src/database/connect.ts";
import { type DatabaseTarget, makeTarget } from "../../src/database/database-target.ts";
import { findPostmaster, isPortFree } from "../../src/database/embedded/postmaster.ts";
import { choosePlaces, lockFileIn, makeHomeDir } from "../../src/database/embedded/server-places.ts";
import { acquireEmbeddedServer, type EmbeddedServer } from "../../src/database/embedded-server.ts";
import { sqlStateOf } from "../../src/database/sql-states.ts";
import { makeDataDir } from "../support/test-server.ts";
import { waitUntil } from "../support/wait-until.ts";

const isRoot = process.getuid?.() === 0;

let dataDir: string;
let lines: string[];
let open: EmbeddedServer[];
let outside: string[];

beforeEach(() => {
    dataDir = makeDataDir();
    lines = [];
    open = [];
    outside = [];
});
afterEach(async () => {
    for (const server of open) await server.release();
    for (const dir of [dataDir, ...outside]) rmSync(dir, { recursive: true, force: true });
});

async function acquire(dir = dataDir): Promise<EmbeddedServer> {
    const server = await acquireEmbeddedServer({
        dataDir: dir,
        log: (line) => lines.push(line),
        settings: { shared_buffers: "16MB", fsync: "off" },
    });
    open.push(server);
    return server;
}

/** What a first start makes: for tests that begin where that is there. */
const madeDir = makeDataDir();
beforeAll(async () => {
    const server = await acquireEmbeddedServer({ dataDir: madeDir, log: () => {} });
    await server.release();
});
afterAll(() => rmSync(madeDir, { recursive: true, force: true }));

const putMade = () => execFileSync("cp", ["-a", join(madeDir, "postgres"), dataDir]);
function acquireMade(): Promise<EmbeddedServer> {
    putMade();
    return acquire();
}

const places = (dir = dataDir) => choosePlaces(makeHomeDir(dir));
const postmasterPid = () => findPostmaster(places())?.pid ?? null;

async function ask<Row extends object>(target: DatabaseTarget, query: string): Promise<Row[]> {
    const sql = connect(target, { applicationName: "embedded test", max: 1, connectTimeoutSeconds: 5 });
    try {
        return [...(await sql.unsafe<Row[]>(query))];
    } finally {
        await sql.end({ timeout: 1 });
    }
}

/** A second process that uses the server. */
async function spawnUser() {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "embedded-user.ts"), dataDir], {
        stdin: "pipe",
        stdout: "pipe",
        stderr: "inherit",
    });
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    const said = JSON.parse(Buffer.from(value!).toString()) as { url: string };
    return {
        ...said,
        kill: async () => {
            child.kill("SIGKILL");
            await child.exited;
        },
        leave: async () => {
            child.stdin.end();
            expect(await child.exited).toBe(0);
        },
    };
}

/** Without the variable that of package.json. */
const expectedMajor = process.env.SLUICE_TEST_POSTGRES
    ? /test-postgres\/(\d+)\//.exec(process.env.SLUICE_TEST_POSTGRES)![1]
    : "18";

test("a new server is of the package's version, in UTF8 and locale C, with durability untouched", async () => {
    const server = await acquireEmbeddedServer({ dataDir, log: (line) => lines.push(line) });
    open.push(server);
    const names = [
        "server_version",
        "server_encoding",
        "fsync",
        "full_page_writes",
        "synchronous_commit",
        "max_wal_size",
        "lc_messages",
    ];
    const [row] = await ask(server.target, `select ${names.map((name) => `current_setting('${name}') as ${name}`)}`);
    expect(row).toEqual({
        server_version: expect.stringMatching(new RegExp(`^${expectedMajor}\\.`)),
        server_encoding: "UTF8",
        fsync: "on",
        full_page_writes: "on",
        synchronous_commit: "on",
        max_wal_size: "4GB",
        lc_messages: "C",
    });
    const [locale] = await ask(server.target, "select datcollate from pg_database where datname = current_database()");
    expect(locale).toEqual({ datcollate: "C" });
});

test("data and port survive stop and start", async () => {
    const first = await acquire();
    await ask(first.target, "create table kept as select 7 as n");
    await first.release();
    expect(postmasterPid()).toBeNull();
    const second = await acquire();
    expect(second.target.url).toBe(first.target.url);
    expect(await ask(second.target, "select n from kept")).toEqual([{ n: 7 }]);
    expect(lines.filter((line) => line.startsWith("Creating"))).toHaveLength(1);
});

describe("several users", () => {
    test("share one server, and the last one to leave stops it", async () => {
        const server = await acquireMade();
        const pid = postmasterPid();
        const other = await spawnUser();
        expect(other.url).toBe(server.target.url);
        await server.release();
        await server.release();
        expect(postmasterPid()).toBe(pid);
        await other.leave();
        expect(postmasterPid()).toBeNull();
    });

    test("that come at once make one server", async () => {
        const [one, two] = await Promise.all([spawnUser(), spawnUser()]);
        expect(two.url).toBe(one.url);
        await one.leave();
        expect(postmasterPid()).not.toBeNull();
        await two.leave();
        expect(postmasterPid()).toBeNull();
    });

    test("of one process are counted one by one", async () => {
        const one = await acquireMade();
        const two = await acquire();
        await one.release();
        expect(await ask(two.target, "select 1 as up")).toEqual([{ up: 1 }]);
    });
});

test("a server whose owner was killed with kill -9 is adopted, and stopped by the next one to leave", async () => {
    putMade();
    const owner = await spawnUser();
    const pid = postmasterPid();
    await owner.kill();
    expect(postmasterPid()).toBe(pid);
    const heir = await acquire();
    expect(postmasterPid()).toBe(pid);
    expect(heir.target.url).toBe(owner.url);
    await heir.release();
    expect(postmasterPid()).toBeNull();
});

test("a killed user does not keep the server up", async () => {
    const server = await acquireMade();
    const other = await spawnUser();
    await other.kill();
    await server.release();
    expect(postmasterPid()).toBeNull();
});

describe("a postmaster killed with kill -9", () => {
    async function killPostmaster(): Promise<void> {
        const pid = postmasterPid()!;
        process.kill(pid, "SIGKILL");
        await waitUntil("the postmaster is gone", () => postmasterPid() === null);
    }

    test("is restarted on its port by ensureRunning, with what was committed", async () => {
        const server = await acquireMade();
        await ask(server.target, "create table kept as select 7 as n");
        await killPostmaster();
        await server.ensureRunning();
        expect(await ask(server.target, "select n from kept")).toEqual([{ n: 7 }]);
        const pid = postmasterPid();
        await server.ensureRunning();
        expect(postmasterPid()).toBe(pid);
    });

    test("is restarted on its port when that is left a moment later", async () => {
        const server = await acquireMade();
        await killPostmaster();
        const port = server.target.port;
        await waitUntil("the port is free", () => isPortFree(port));
        // In the place of the killed process's socket: gone once it was seen.
        const left = createServer(() => left.close());
        await new Promise<void>((resolve) => left.listen(port, "127.0.0.1", resolve));
        await server.ensureRunning();
        expect(left.listening).toBe(false);
        expect(await ask(server.target, "select 1 as up")).toEqual([{ up: 1 }]);
    });

    test("is restarted by the next user, also while one of its backends is still busy", async () => {
        const server = await acquireMade();
        // A backend in a tight loop does not see that its postmaster is gone until it has finished.
        const busy = ask(server.target, "select count(*) as n from generate_series(1, 10000000)").catch(() => []);
        await Bun.sleep(300);
        await killPostmaster();
        const next = await acquire();
        expect(await ask(next.target, "select 1 as up")).toEqual([{ up: 1 }]);
        await busy;
    });

    test("with a pid that is somebody else's now is not taken for running", async () => {
        const server = await acquireMade();
        await killPostmaster();
        // As after a reboot: the pid in the stale file belongs to another living process.
        const file = join(places().clusterDir, "postmaster.pid");
        const stale = readFileSync(file, "utf8").split("\n");
        const stranger = Bun.spawn(["sleep", "60"]);
        writeFileSync(file, [String(stranger.pid), ...stale.slice(1)].join("\n"));
        await server.ensureRunning();
        expect(await ask(server.target, "select 1 as up")).toEqual([{ up: 1 }]);
        stranger.kill();
    });
});

test("a cluster whose making was cut short is made again", async () => {
    const { baseDir } = places();
    mkdirSync(join(baseDir, "cluster.partial"));
    writeFileSync(join(baseDir, "cluster.partial", "PG_VERSION"), "18\n");
    const server = await acquire();
    expect(await ask(server.target, "select 1 as up")).toEqual([{ up: 1 }]);
});

describe("a server that is looked at from outside: other users of the machine", () => {
    let server: EmbeddedServer;
    const dir = makeDataDir();
    beforeAll(async () => {
        server = await acquireEmbeddedServer({ dataDir: dir, log: () => {} });
    });
    afterAll(async () => {
        await server.release();
        rmSync(dir, { recursive: true, force: true });
    });

    test("should fail: without the password, or with a wrong one", async () => {
        const { target } = server;
        for (const password of ["", "guessed"]) {
            const refused = await ask(makeTarget({ ...target, password }), "select 1").catch((error: unknown) => error);
            expect(["28P01", "28000"]).toContain(sqlStateOf(refused) ?? String(refused));
        }
    });

    test("cannot read the password, the log or the data", async () => {
        const { factsFile, logFile, clusterDir, homeDir } = places(dir);
        for (const file of [factsFile, logFile, lockFileIn(homeDir)]) expect(statSync(file).mode & 0o077, file).toBe(0);
        expect(statSync(clusterDir).mode & 0o077).toBe(0);
        expect(statSync(homeDir).mode & 0o066).toBe(0);
        expect(readFileSync(logFile, "utf8")).not.toContain(JSON.parse(readFileSync(factsFile, "utf8")).password);
    });

    test("find it on no other address and on no Unix socket", async () => {
        const { target } = server;
        const addresses = Object.values(networkInterfaces()).flatMap(
            (list) => list?.map(({ address }) => address) ?? [],
        );
        for (const address of ["::1", ...addresses.filter((candidate) => candidate !== "127.0.0.1")]) {
            expect(await answers(address, target.port), address).toBe(false);
        }
        expect(await answers("127.0.0.1", target.port)).toBe(true);
        const [row] = await ask<{ dirs: string }>(
            target,
            "select current_setting('unix_socket_directories') || current_setting('listen_addresses') as dirs",
        );
        expect(row!.dirs).toBe("127.0.0.1");
        expect(existsSync(`/tmp/.s.PGSQL.${target.port}`)).toBe(false);
    });

    function answers(host: string, port: number): Promise<boolean> {
        return new Promise((resolve) => {
            const socket = connectSocket({ host, port, timeout: 1000 });
            const finish = (answer: boolean) => {
                socket.destroy();
                resolve(answer);
            };
            socket.once("connect", () => finish(true));
            socket.once("error", () => finish(false));
            socket.once("timeout", () => finish(false));
        });
    }

    test("errors in the log name no row values", async () => {
        const { target } = server;
        await ask(target, "create table t (secret_value text check (secret_value <> 'topsecret'))");
        await ask(target, "insert into t values ('topsecret')").catch(() => {});
        const log = readFileSync(places(dir).logFile, "utf8");
        expect(log).toContain("23514");
        expect(log).not.toContain("topsecret");
    });

    test("the folder is never committed", async () => {
        expect(readFileSync(join(dir, "postgres", ".gitignore"), "utf8")).toBe("*\n");
    });

    test.skipIf(!existsSync("/proc/self/stat"))(
        "Ctrl-C does not reach the server: it leads a process group of its own",
        async () => {
            const pid = findPostmaster(places(dir))!.pid;
            const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
            const [, , processGroup] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
            expect(Number(processGroup)).toBe(pid);
        },
    );
});

test("should fail: the password file is gone, and no data is touched", async () => {
    putMade();
    rmSync(places().factsFile);
    await expect(acquire()).rejects.toMatchObject({ code: "embedded_password_lost" });
    expect(existsSync(places().clusterDir)).toBe(true);
});

test("should fail: data of another major version, and none is touched", async () => {
    await (await acquireMade()).release();
    writeFileSync(join(places().clusterDir, "PG_VERSION"), "14\n");
    await expect(acquire()).rejects.toMatchObject({ code: "embedded_data_of_other_version" });
    expect(lines.at(-1)).toContain("Stopped");
});

describe.skipIf(!isRoot)("started by root in a folder that only root can enter", () => {
    let closedDir: string;
    beforeEach(() => {
        closedDir = join(dataDir, "closed");
        mkdirSync(closedDir, { mode: 0o700 });
    });

    test("it keeps cluster and data outside, and finds them again", async () => {
        const server = await acquire(closedDir);
        const { baseDir, clusterDir, account } = places(closedDir);
        outside.push(baseDir);
        expect(baseDir.startsWith(closedDir)).toBe(false);
        expect(readFileSync(join(closedDir, "postgres", "location"), "utf8").trim()).toBe(baseDir);
        expect(statSync(clusterDir)).toMatchObject({ uid: account!.uid });
        expect(account!.uid).not.toBe(0);
        await ask(server.target, "create table kept as select 7 as n");
        await server.release();
        const again = await acquire(closedDir);
        expect(await ask(again.target, "select n from kept")).toEqual([{ n: 7 }]);
    });

    test("a copy of the folder gets a cluster of its own", async () => {
        const server = await acquire(closedDir);
        outside.push(places(closedDir).baseDir);
        const copy = join(dataDir, "copy");
        Bun.spawnSync(["cp", "-a", closedDir, copy]);
        rmSync(join(copy, "postgres", "users.sqlite"));
        rmSync(join(copy, "postgres", "server.json"));
        const other = await acquire(copy);
        outside.push(places(copy).baseDir);
        expect(other.target.url).not.toBe(server.target.url);
        expect(places(copy).baseDir).not.toBe(places(closedDir).baseDir);
    });
});

/** As one that waits for a lock whose holder has died: it does not notice that the postmaster is gone. */
describe.skipIf(process.platform !== "linux")("a backend that outlives a killed server", () => {
    let server: EmbeddedServer;
    let stuckPid: number;
    beforeEach(async () => {
        server = await acquireMade();
        const [backend] = await ask<{ pid: number }>(
            server.target,
            "select pid from pg_stat_activity where backend_type = 'checkpointer'",
        );
        stuckPid = backend!.pid;
        process.kill(stuckPid, "SIGSTOP");
        server.crash();
        await waitUntil("the server is gone", () => postmasterPid() === null || null);
    });

    test("is ended, and the server comes back", async () => {
        await server.ensureRunning();
        expect(await ask(server.target, "select 1 as one")).toEqual([{ one: 1 }]);
    }, 30_000);

    test("does not keep the process from ending", async () => {
        const starting = server.ensureRunning().catch((error: unknown) => error);
        const logFile = places().logFile;
        await waitUntil("the start is refused", () => readFileSync(logFile, "utf8").includes(" F0001 "));
        await server.release();
        expect(await starting).toMatchObject({ message: "The embedded PostgreSQL is no longer wanted." });
        process.kill(stuckPid, "SIGKILL");
    });
});
