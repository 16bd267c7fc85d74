/** The meaning of each sslmode is that of https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { describeTarget, parseDatabaseUrl, withDatabase, withoutPassword } from "../../src/database/database-target.ts";
import { exitCodes } from "../../src/errors.ts";
import { refusalOf } from "../support/failure-of.ts";
import { makeFolder } from "../support/fixture.ts";

const dir = makeFolder();
const caFile = join(dir, "root.crt");
writeFileSync(caFile, "-----BEGIN CERTIFICATE-----");

test("takes a URL apart", () => {
    expect(parseDatabaseUrl("postgres://ann:secret@db.example:6432/shop?sslmode=disable")).toMatchObject({
        url: "postgresql://ann:secret@db.example:6432/shop",
        host: "db.example",
        port: 6432,
        database: "shop",
        user: "ann",
        password: "secret",
        tls: { mode: "disable", ca: null },
        warnings: [],
    });
});

test("takes several hosts as libpq does, and writes them again without the password", () => {
    const places = (text: string) => {
        const { host, port, otherHosts = [] } = parseDatabaseUrl(text);
        return [{ host, port }, ...otherHosts].map((place) => `${place.host} ${place.port}`);
    };
    expect(places("postgres://u:x@a:1,b,[::1]:3/d")).toEqual(["a 1", "b 5432", "::1 3"]);
    expect(places("postgres:///d?host=a,b&port=7")).toEqual(["a 7", "b 7"]);
    expect(places("postgres:///d?host=a,b&port=7,8")).toEqual(["a 7", "b 8"]);
    const target = parseDatabaseUrl("postgres://u:secret@a:1,b:2/d");
    expect(describeTarget(target)).toBe("postgresql://u:***@a:1,b:2/d");
    expect(parseDatabaseUrl(target.url)).toMatchObject({ host: "a", port: 1, otherHosts: [{ host: "b", port: 2 }] });
});

test("fills in what is missing as libpq does", () => {
    const { username } = userInfo();
    const parts = { host: "localhost", port: 5432, user: username, database: username, tls: { mode: "prefer" } };
    expect(parseDatabaseUrl("postgresql://")).toMatchObject(parts);
    expect(parseDatabaseUrl("postgres://ann@h")).toMatchObject({ user: "ann", database: "ann" });
});

test("decodes percent signs, and writes them again", () => {
    const target = parseDatabaseUrl("postgres://a%40b:p%2Fq%23r%25@h/my%20db");
    expect(target).toMatchObject({ user: "a@b", password: "p/q#r%", database: "my db" });
    expect(parseDatabaseUrl(target.url)).toMatchObject({ user: "a@b", password: "p/q#r%", database: "my db" });
});

test("takes an IPv6 address, and the directory of a Unix socket", () => {
    expect(parseDatabaseUrl("postgres://u@[::1]:5433/d")).toMatchObject({ host: "::1", port: 5433 });
    const socket = parseDatabaseUrl("postgres://u@/d?host=/var/run/postgresql&port=5433");
    expect(socket).toMatchObject({ host: "/var/run/postgresql", port: 5433, database: "d" });
    expect(parseDatabaseUrl(socket.url)).toMatchObject({ host: "/var/run/postgresql", port: 5433, database: "d" });
});

test("warns once that sslmode=require does not verify, and names what does", () => {
    const { warnings } = parseDatabaseUrl("postgres://u@h/d?sslmode=require");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("verify-full");
    expect(parseDatabaseUrl("postgres://u@h/d?sslmode=verify-full").warnings).toEqual([]);
});

test("reads sslrootcert; with it sslmode=require verifies the authority, as in libpq", () => {
    const required = parseDatabaseUrl(`postgres://u@h/d?sslmode=require&sslrootcert=${caFile}`);
    expect(required.tls).toEqual({ mode: "verify-ca", ca: "-----BEGIN CERTIFICATE-----" });
    expect(required.warnings).toEqual([]);
    expect(parseDatabaseUrl("postgres://u@h/d?sslmode=verify-full&sslrootcert=system").tls.ca).toBeNull();
});

test("takes the parameters that hosted databases put in their URLs", () => {
    const target = parseDatabaseUrl(
        "postgres://u@h/d?sslmode=require&channel_binding=require&options=endpoint%3Dx&connect_timeout=3&application_name=a",
    );
    expect(target).toMatchObject({ serverOptions: "endpoint=x", connectTimeoutSeconds: 3 });
    expect(target.warnings).toHaveLength(2);
});

test.each([
    ["h:5432/d", "no scheme"],
    ["mysql://u:hunter2@h/d", "mysql"],
    ["postgres://u:hunter2@h:99999/d", "host or port"],
    ["postgres://u:hunter2@h:0/d", "port is 0"],
    ["postgres://u:hun/ter2@h:5432/d", "must be encoded"],
    ["postgres://u:hunter2@h:port/d", "host or port"],
    ["postgres://u:hunter2%@h/d", "password has a %"],
    ["postgres://u:hunter2@a:1,b:2,c:3/d?port=1,2", "it names 3 hosts and 2 ports"],
    ["postgres://u:hunter2@/d?host=/run/a,b", "a Unix socket among several hosts"],
    ["postgres://u:hunter2@a:1,b:x/d", "host or port cannot be read"],
    ["postgres://u:hunter2@h/d?sslmode=requires", "sslmode is requires"],
    ["postgres://u:hunter2@h/d?sslmod=require", "sslmod is not known"],
    ["postgres://u:hunter2@h/d?sslmode=verify-ca&sslrootcert=/nowhere.crt", "/nowhere.crt cannot be read"],
    ["postgres://u:hunter2@h/d?connect_timeout=soon", "connect_timeout is soon"],
])("should fail: %s", async (url, named) => {
    const error = await refusalOf(() => parseDatabaseUrl(url));
    expect(error).toMatchObject({ code: "bad_database_url", exitCode: exitCodes.configuration });
    expect(error.what).toContain(named);
    expect(`${error.message} ${error.stack}`).not.toContain("hunter2");
});

test("masks the password for logs, and leaves it out for psql", () => {
    const target = parseDatabaseUrl("postgres://ann:hunter2@h:5433/d");
    expect(describeTarget(target)).toBe("postgresql://ann:***@h:5433/d");
    expect(withoutPassword(target)).toBe("postgresql://ann@h:5433/d");
});

test("names another database of the same server", () => {
    const target = withDatabase(parseDatabaseUrl("postgres://u:p@h/d"), "other");
    expect(target).toMatchObject({ database: "other", url: "postgresql://u:p@h:5432/other" });
});
