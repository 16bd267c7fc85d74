/** libpq's environment is read as libpq reads it, or refused by name. */
import { describe, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseDatabaseUrl } from "../../src/database/database-target.ts";
import { refusalOf } from "../support/failure-of.ts";
import { makeFolder } from "../support/fixture.ts";

const folder = makeFolder();

function passfile(text: string, mode = 0o600): string {
    const file = join(folder, "pgpass");
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
}

describe("what the URL does not say", () => {
    test("is taken from PG… variables", () => {
        const environment = {
            ...{ PGHOST: "db", PGPORT: "6432", PGUSER: "ann", PGDATABASE: "shop", PGPASSWORD: "p@ss" },
            ...{ PGSSLMODE: "disable", PGCONNECT_TIMEOUT: "7", PGOPTIONS: "-c work_mem=1MB" },
            PGTARGETSESSIONATTRS: "primary",
        };
        expect(parseDatabaseUrl("postgres://", environment)).toMatchObject({
            ...{ host: "db", port: 6432, user: "ann", database: "shop", password: "p@ss" },
            ...{ connectTimeoutSeconds: 7, serverOptions: "-c work_mem=1MB", sessionAttributes: "primary" },
            tls: { mode: "disable" },
        });
    });

    test("and what it says is not: place or parameter", () => {
        const environment = {
            PGHOST: "db",
            PGPORT: "1",
            PGUSER: "ann",
            PGDATABASE: "x",
            PGPASSWORD: "y",
            PGSSLMODE: "require",
        };
        const parts = { host: "h", port: 5433, user: "u", database: "d", password: "p", tls: { mode: "disable" } };
        expect(parseDatabaseUrl("postgres://u:p@h:5433/d?sslmode=disable", environment)).toMatchObject(parts);
        const said = "postgres://?host=h&port=5433&user=u&dbname=d&password=p&sslmode=disable";
        expect(parseDatabaseUrl(said, environment)).toMatchObject(parts);
    });

    test.each([
        ["PGSERVICE", "shop"],
        ["PGHOSTADDR", "10.0.0.1"],
        ["PGSSLCERT", "/x.crt"],
        ["PGREQUIREAUTH", "scram-sha-256"],
        ["PGSSLNEGOTIATION", "direct"],
        ["PGGSSENCMODE", "require"],
    ])("should fail: %s cannot be followed, and is named", async (name, value) => {
        const { code, what, remedy } = await refusalOf(() => parseDatabaseUrl("postgres://h/d", { [name]: value }));
        expect([code, what]).toEqual(["bad_database_url", `${name} is set, but Sluice does not support it.`]);
        expect(remedy).toContain(`unset ${name}`);
    });

    test.each([
        ["PGSSLNEGOTIATION", "postgres"],
        ["PGGSSENCMODE", "disable"],
        ["PGSERVICE", ""],
        ["PGAPPNAME", "x"],
    ])("%s=%s changes nothing", (name, value) => {
        expect(parseDatabaseUrl("postgres://h/d", { [name]: value }).host).toBe("h");
    });
});

describe("the password file", () => {
    const url = "postgres://ann@db:6432/shop";
    const passwordOf = (text: string, from = url) => parseDatabaseUrl(from, { PGPASSFILE: passfile(text) }).password;

    // https://www.postgresql.org/docs/current/libpq-pgpass.html
    test.each([
        ["db:6432:shop:ann:secret\n", "secret"],
        ["# a note\n\nother:6432:shop:ann:no\ndb:6432:shop:ann:secret\r\n", "secret"],
        ["*:*:*:*:any\ndb:6432:shop:ann:late\n", "any"],
        ["db:*:shop:ann:se\\:cr\\\\et", "se:cr\\et"],
        ["db:6432:shop:ann:se:cret", "se"],
        ["db:5432:shop:ann:no\ndb:6432:*:bob:no\n", ""],
        ["db:6432:shop\n", ""],
        ["", ""],
    ])("%j gives %j", (text, password) => {
        expect(passwordOf(text)).toBe(password);
    });

    test("names with a colon or a backslash are written with backslashes; a socket's default place is localhost", () => {
        expect(passwordOf("db:6432:a\\:b:c\\\\d:secret\n", "postgres://c%5Cd@db:6432/a:b")).toBe("secret");
        const socket = "postgres://ann@/shop?host=/var/run/postgresql";
        expect(passwordOf("localhost:5432:shop:ann:secret\n", socket)).toBe("secret");
        expect(passwordOf("localhost:5432:shop:ann:no\n", "postgres://ann@/shop?host=/elsewhere")).toBe("");
        expect(passwordOf("/elsewhere:5432:shop:ann:secret\n", "postgres://ann@/shop?host=/elsewhere")).toBe("secret");
    });

    test("comes behind the URL's and PGPASSWORD", () => {
        const file = passfile("*:*:*:*:file\n");
        expect(parseDatabaseUrl("postgres://ann:url@db/shop", { PGPASSFILE: file }).password).toBe("url");
        expect(parseDatabaseUrl(url, { PGPASSFILE: file, PGPASSWORD: "variable" }).password).toBe("variable");
        expect(parseDatabaseUrl(`${url}?passfile=${file}`, {}).password).toBe("file");
    });

    test("that others may read, or that is none, is not read, and that is said", () => {
        const open = parseDatabaseUrl(url, { PGPASSFILE: passfile("*:*:*:*:file\n", 0o640) });
        expect([open.password, open.warnings[0]]).toEqual(["", expect.stringContaining("chmod 600")]);
        const folderAsFile = parseDatabaseUrl(url, { PGPASSFILE: folder });
        expect(folderAsFile.warnings[0]).toContain("not a regular file");
        expect(parseDatabaseUrl(url, { PGPASSFILE: join(folder, "nowhere") })).toMatchObject({
            password: "",
            warnings: [],
        });
    });
});

test.each([
    "postgres://u:p@ss/w#rd?@h/db",
    "postgres://u:hunter2/x@h:5432/db",
    "postgres://u:12/hunter2@h/db",
    "postgres://u:12?hunter2@h/db",
    "postgres://u:12?hunter2=1@h/db&x",
    "postgres://u:12#hunter2@h/db",
    "postgres://u:/hunter2@h/db?sslmode=disable",
    "postgres://u:p@hunter2/x@h/db",
    "postgres://u:p@hunter2?x@h/db",
    "postgres://u:p@hunter2#x@h/db",
])("should fail, and print nothing of the password: %s", async (url) => {
    const error = await refusalOf(() => parseDatabaseUrl(url));
    expect(error.code).toBe("bad_database_url");
    expect(error.remedy).toContain("@ is %40");
    expect(`${error.message} ${error.remedy} ${error.stack}`).not.toMatch(/hunter2|ss\/w|w#rd|rd\?/);
});

test.each([
    ["postgres://u:p@ss@h/db", { password: "p@ss", host: "h" }],
    ["postgres://h/db?user=a@b&password=p@ss", { user: "a@b", password: "p@ss" }],
    ["postgres://u:p%40ss%2Fw%23rd%3F@h/db", { password: "p@ss/w#rd?" }],
])("%s is clear", (url, parts) => {
    expect(parseDatabaseUrl(url)).toMatchObject(parts);
});
