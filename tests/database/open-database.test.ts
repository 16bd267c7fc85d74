import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { refuseOldServer } from "../../src/database/ask-server.ts";
import { connect, connectForCopy } from "../../src/database/connect.ts";
import { type DatabaseTarget, makeTarget, withDatabase } from "../../src/database/database-target.ts";
import { openDatabase, reachServer } from "../../src/database/open-database.ts";
import { exitCodes } from "../../src/errors.ts";
import { refusalOf } from "../support/failure-of.ts";
import { useBareDatabase } from "../support/fixture.ts";
import { runScript } from "../support/run-script.ts";
import { makeDataDir } from "../support/test-server.ts";
import { startTlsServer, type TlsServer } from "./tls-server.ts";

const database = useBareDatabase(import.meta.path);

test("opens the database of a URL, and says its version and how psql gets there", async () => {
    const log: string[] = [];
    const opened = await openDatabase({ databaseUrl: database.url, dataDir: "nowhere", log: (line) => log.push(line) });
    const { target } = database;
    expect(opened.embedded).toBeNull();
    expect(opened.serverVersion).toMatch(/^\d+\.\d+$/);
    expect(opened.target).toMatchObject({ host: target.host, port: target.port, database: target.database });
    expect(opened.connectionString).toContain(target.database);
    if (target.password !== "") expect(opened.connectionString).not.toContain(target.password);
    expect(log).toEqual([]);
    await opened.close();
});

describe("what a role is set to and a session must not have", () => {
    const role = `sluice_open_${process.pid}`;
    beforeAll(async () => {
        await database.sql.unsafe(`create role ${role} login password 'x'`);
    });
    afterAll(async () => {
        await database.sql.unsafe(`drop role ${role}`);
    });
    const target = () => makeTarget({ ...database.target, user: role, password: "x" });
    const settingsOf = async (names: string[]) => {
        const reached = await reachServer(target());
        const sql = connect(reached.target, { applicationName: "x", max: 1 });
        const rows = await sql`select name, setting from pg_settings where name = any(${names}::text[]) order by name`;
        await sql.end();
        return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
    };

    test("is set back where the server knows it: transaction_timeout, a commit that a crash undoes, a tiny work_mem", async () => {
        const [row] = await database.sql`select current_setting('transaction_timeout', true) is not null as "known"`;
        const theirs = {
            synchronous_commit: "off",
            work_mem: "64kB",
            ...(row!.known && { transaction_timeout: "9s" }),
        };
        for (const [name, value] of Object.entries(theirs)) {
            await database.sql.unsafe(`alter role ${role} set ${name} = '${value}'`);
        }
        expect(await settingsOf(Object.keys(theirs))).toEqual({
            synchronous_commit: "on",
            work_mem: "4096",
            ...(row!.known && { transaction_timeout: "0" }),
        });
    });

    test("is left alone where it asks for more", async () => {
        await database.sql.unsafe(`alter role ${role} set synchronous_commit = 'remote_apply'`);
        await database.sql.unsafe(`alter role ${role} set work_mem = '7MB'`);
        const names = ["synchronous_commit", "work_mem"];
        expect(await settingsOf(names)).toEqual({ synchronous_commit: "remote_apply", work_mem: "7168" });
    });

    test("is refused where it may not be set back: triggers that are switched off", async () => {
        await database.sql.unsafe(`alter role ${role} set session_replication_role = 'replica'`);
        const error = await refusalOf(reachServer(target()));
        expect([error.code, error.exitCode]).toEqual(["triggers_switched_off", exitCodes.configuration]);
        expect(error.remedy).toContain(`alter role ${role} reset session_replication_role`);
    });
});

test("without a URL opens the embedded server, and stops it on close", async () => {
    const dataDir = makeDataDir();
    try {
        const opened = await openDatabase({ dataDir, log: () => {} });
        expect(opened.embedded).not.toBeNull();
        expect(opened.connectionString).not.toContain(opened.target.password);
        await opened.close();
        await refusalOf(reachServer(opened.target));
    } finally {
        rmSync(dataDir, { recursive: true, force: true });
    }
});

describe("a session of another kind", () => {
    test.each([
        ["any", ""],
        ["primary", ""],
        ["read-write", ""],
        ["prefer-standby", ""],
        ["read-only", "&options=-c default_transaction_read_only=on"],
    ])("%s is what the server is", async (wanted, options) => {
        const databaseUrl = `${database.url}?target_session_attrs=${wanted}${options}`;
        const opened = await openDatabase({ databaseUrl, dataDir: "nowhere", log: () => {} });
        expect(opened.target.sessionAttributes).toBe(wanted as never);
    });

    test.each([
        ["standby", "", {}],
        ["read-only", "", { PGTARGETSESSIONATTRS: "read-only" }],
        ["read-write", "?options=-c default_transaction_read_only=on", { PGTARGETSESSIONATTRS: "read-write" }],
    ])("should fail: %s is asked for and the server is not", async (wanted, parameters, environment) => {
        const url = Object.keys(environment).length > 0 ? "" : `?target_session_attrs=${wanted}`;
        const databaseUrl = `${database.url}${url}${parameters}`;
        const error = await refusalOf(openDatabase({ databaseUrl, environment, dataDir: "nowhere", log: () => {} }));
        expect(error).toMatchObject({ code: "session_refused", exitCode: exitCodes.configuration });
        expect(error.what).toContain(`is not ${wanted}`);
    });
});

test("quote_all_identifiers of the database changes nothing for either driver", async () => {
    await database.sql.unsafe(`alter database ${database.target.database} set quote_all_identifiers = on`);
    const sql = connect(database.target, { applicationName: "quotes", max: 1 });
    const copySql = connectForCopy(database.target, { applicationName: "quotes" });
    const query = "select format('%I', 'plain') as name, current_setting('quote_all_identifiers') as quotes";
    const plain = [{ name: "plain", quotes: "off" }];
    expect([[...(await sql.unsafe(query))], [...(await copySql.unsafe(query))]]).toEqual([plain, plain] as never);
    await sql.end();
    await copySql.close();
    await database.sql.unsafe(`alter database ${database.target.database} reset quote_all_identifiers`);
});

describe.each(["SQL_ASCII", "LATIN1", "EUC_JP"])("a database in %s", (encoding) => {
    test("should fail: it is refused by every command that connects, with the statement that makes a right one", async () => {
        const name = `${database.target.database}_${encoding.toLowerCase()}`;
        const admin = connect(database.target, { applicationName: "encodings", max: 1 });
        await admin.unsafe(`create database ${name} template template0 encoding '${encoding}' locale 'C'`);
        try {
            const { url } = withDatabase(database.target, name);
            const error = await refusalOf(openDatabase({ databaseUrl: url, dataDir: "nowhere", log: () => {} }));
            expect(error).toMatchObject({ code: "database_not_unicode", exitCode: exitCodes.configuration });
            expect(error.what).toContain(`has the encoding ${encoding}; Sluice needs UTF8`);
            const statement = /create database [^;]*;/.exec(error.remedy!)![0];
            await admin.unsafe(statement);
            await openDatabase({
                databaseUrl: withDatabase(database.target, `${name}_utf8`).url,
                dataDir: "",
                log: () => {},
            });
            for (const command of ["doctor", "status", "migrate"]) {
                const ran = await runScript(command, [], { environment: { DATABASE_URL: url } });
                expect(ran.exitCode).not.toBe(0);
                expect(`${ran.stdout} ${ran.stderr}`).toContain(`has the encoding ${encoding}`);
            }
        } finally {
            await admin.unsafe(`drop database if exists ${name}_utf8 with (force)`);
            await admin.unsafe(`drop database ${name} with (force)`);
            await admin.end();
        }
    });
});

describe("should fail:", () => {
    test("somebody listens there and never answers", async () => {
        const mute = createServer(() => {});
        await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
        const { port } = mute.address() as { port: number };
        const base = { ...database.target, host: "127.0.0.1", port, connectTimeoutSeconds: 1 };
        for (const mode of ["prefer", "disable"] as const) {
            const error = await refusalOf(reachServer(makeTarget({ ...base, tls: { mode, ca: null } })));
            expect(error).toMatchObject({ code: "database_unreachable" });
        }
        mute.close();
    });

    test("a server before version 15", () => {
        expect(() => refuseOldServer(database.target, "14.23")).toThrow(/is PostgreSQL 14\.23; .* 15 or later/);
        expect(() => refuseOldServer(database.target, "15.0")).not.toThrow();
        expect(() => refuseOldServer(database.target, "19beta1")).not.toThrow();
    });
});

describe.skipIf(Bun.which("openssl") === null)("sslmode, at a server that knows TLS", () => {
    let dataDir: string;
    let tls: TlsServer;
    const any = "host all all 127.0.0.1/32 scram-sha-256";
    const onlyTls = "hostssl all all 127.0.0.1/32 scram-sha-256";
    const onlyPlain = "hostnossl all all 127.0.0.1/32 scram-sha-256";

    beforeAll(async () => {
        dataDir = makeDataDir();
        tls = await startTlsServer(dataDir);
        await tls.setTls(true);
    });
    afterEach(() => tls.setRules(any));
    afterAll(async () => {
        await tls.server.release();
        rmSync(dataDir, { recursive: true, force: true });
    });

    const urlWith = (parameters: string, host = "localhost") =>
        `${tls.server.target.url.replace("127.0.0.1", host)}?${parameters}`;
    const open = (parameters: string, host?: string) =>
        openDatabase({
            databaseUrl: urlWith(parameters, host),
            dataDir: "nowhere",
            log: (line) => warnings.push(line),
        });
    let warnings: string[] = [];

    /** Whether each of the two drivers comes in encrypted. */
    async function encryption(target: DatabaseTarget): Promise<boolean[]> {
        const query = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
        const sql = connect(target, { applicationName: "tls test", max: 1 });
        const copySql = connectForCopy(target, { applicationName: "tls test" });
        const answers = [await sql.unsafe<{ ssl: boolean }[]>(query), await copySql.unsafe(query)];
        await sql.end();
        await copySql.close();
        return answers.map(([row]) => row!.ssl);
    }

    test.each([
        ["sslmode=disable", any, false],
        ["sslmode=allow", any, false],
        ["sslmode=allow", onlyTls, true],
        ["sslmode=prefer", any, true],
        ["sslmode=prefer", onlyPlain, false],
        ["", any, true],
        ["sslmode=require", any, true],
    ])("%s where the rule is %s: encrypted %p", async (parameters, rule, isEncrypted) => {
        await tls.setRules(rule);
        const { target } = await open(parameters);
        expect(await encryption(target)).toEqual([isEncrypted, isEncrypted]);
    });

    test.each(["verify-ca", "verify-full"])("sslmode=%s passes with the right authority", async (mode) => {
        const { target } = await open(`sslmode=${mode}&sslrootcert=${tls.caFile}`);
        expect(await encryption(target)).toEqual([true, true]);
    });

    test("verify-ca takes a certificate for another host name, verify-full does not", async () => {
        const { target } = await open(`sslmode=verify-ca&sslrootcert=${tls.caFile}`, "127.0.0.1");
        expect(await encryption(target)).toEqual([true, true]);
        const error = await refusalOf(open(`sslmode=verify-full&sslrootcert=${tls.caFile}`, "127.0.0.1"));
        expect(error).toMatchObject({ code: "certificate_refused", exitCode: exitCodes.configuration });
    });

    test("the client for COPY checks the host name as well", async () => {
        const { target } = await open(`sslmode=verify-full&sslrootcert=${tls.caFile}`);
        const copySql = connectForCopy(makeTarget({ ...target, host: "127.0.0.1" }), { applicationName: "tls test" });
        const failure = await copySql.unsafe("select 1").catch((error: Error) => error);
        expect(failure).toBeInstanceOf(Error);
        await copySql.close();
    });

    test.each(["verify-ca", "verify-full"])("should fail: sslmode=%s with an unknown authority", async (mode) => {
        const error = await refusalOf(open(`sslmode=${mode}&sslrootcert=system`));
        expect(error).toMatchObject({ code: "certificate_refused", exitCode: exitCodes.configuration });
        const target = { ...tls.server.target, host: "localhost", tls: { mode: mode as "verify-ca", ca: null } };
        const copySql = connectForCopy(target, { applicationName: "tls test" });
        expect(await copySql.unsafe("select 1").catch((failure: Error) => failure)).toBeInstanceOf(Error);
        await copySql.close();
    });

    test("sslmode=require warns once, and names verify-full", async () => {
        warnings = [];
        await open("sslmode=require");
        expect(warnings).toHaveLength(1);
        expect(warnings[0]).toContain("verify-full");
    });

    test("should fail: a wrong password, which is not repeated", async () => {
        const target = makeTarget({ ...tls.server.target, password: "hunter2" });
        const error = await refusalOf(reachServer(target));
        expect(error).toMatchObject({ code: "login_refused", exitCode: exitCodes.configuration });
        expect(`${error.message} ${error.stack}`).not.toContain("hunter2");
    });

    test("should fail: the server's rules want TLS and the URL has none", async () => {
        await tls.setRules(onlyTls);
        expect(await refusalOf(open("sslmode=disable"))).toMatchObject({ code: "login_refused" });
    });

    test("should fail: TLS is asked for and the server has none", async () => {
        await tls.setTls(false);
        for (const mode of ["require", "verify-full"]) {
            const error = await refusalOf(open(`sslmode=${mode}`));
            expect(error).toMatchObject({ code: "server_without_tls", exitCode: exitCodes.configuration });
        }
        const { target } = await open("sslmode=prefer");
        expect(await encryption(target)).toEqual([false, false]);
        await tls.setTls(true);
    });
});
