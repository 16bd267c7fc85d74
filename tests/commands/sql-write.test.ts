/** `bun run sql --write`: the way to make a table, or to correct a reject, on a machine without psql. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, useDatabase } from "../support/fixture.ts";
import { runScript } from "../support/run-script.ts";

const database = useDatabase(import.meta.path);
const dir = makeFolder();
const write = (...args: string[]) => runScript("sql", ["--write", ...args, "--database-url", database.url]);

test("runs several statements, and says of one what it did", async () => {
    const file = join(dir, "make.sql");
    writeFileSync(
        file,
        "create table made (id int primary key, name text); insert into made values (1, 'a;b'), (2, 'c');",
    );

    expect(await write("--file", file)).toMatchObject({ exitCode: 0, stdout: "Done.\n" });
    expect(await write("create table other (id int)")).toMatchObject({ exitCode: 0, stdout: "CREATE TABLE\n" });
    expect(await write("update made set name = 'd' where id = 2")).toMatchObject({ exitCode: 0, stdout: "UPDATE 1\n" });
    expect(JSON.parse((await write("delete from made where id = 2", "--json")).stdout)).toEqual({
        command: "DELETE",
        rowCount: 1,
    });
    expect(await database.sql`select id, name from made`).toEqual([{ id: 1, name: "a;b" }] as never);
});

test("should fail: one of several statements is refused, and none is done", async () => {
    const ran = await write("create table half (id int); insert into half values ('x')");

    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain('invalid input syntax for type integer: "x"');
    expect(await database.sql`select to_regclass('half') as half`).toEqual([{ half: null }] as never);
});
