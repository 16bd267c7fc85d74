import { beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { runReadonly } from "../../src/database/run-readonly.ts";
import { sqlStateOf } from "../../src/database/sql-states.ts";
import { failureOf } from "../support/failure-of.ts";
import { useDatabase } from "../support/fixture.ts";
import { projectDir } from "../support/test-server.ts";

const database = useDatabase(import.meta.path);
beforeAll(async () => {
    await database.sql`create table kept as select 1 as n`;
});

const run = (statement: string, limit = 10) => runReadonly(database.target, statement, { limit });

test("gives names, kinds and Postgres's own text of each value", async () => {
    const { columns, rows } = await run(
        `select 1.50::numeric as n, null as nothing, true as yes, '{"a": 1}'::jsonb as j`,
    );
    expect(columns.map(({ name }) => name)).toEqual(["n", "nothing", "yes", "j"]);
    expect(columns.map(({ isNumber }) => isNumber)).toEqual([true, false, false, false]);
    expect(rows).toEqual([["1.50", null, "t", '{"a": 1}']]);
});

test("keeps the first rows and counts all of them", async () => {
    const result = await run("select n from generate_series(1, 5000) as n order by n", 2);
    expect(result).toMatchObject({ rows: [["1"], ["2"]], rowCount: 5000 });
});

test("takes explain and show, and a result without rows", async () => {
    expect((await run("explain select 1")).columns).toMatchObject([{ name: "QUERY PLAN" }]);
    expect((await run("show timezone")).rows).toEqual([["UTC"]]);
    expect(await run("select 1 as one where false")).toMatchObject({ columns: [{ name: "one" }], rows: [] });
});

describe("should fail, and change nothing:", () => {
    test.each([
        ["delete from kept"],
        ["create table other (n integer)"],
        ["commit; delete from kept"],
        ["rollback; delete from kept"],
        ["do $$ begin commit; delete from kept; end $$"],
        ["select set_config('transaction_read_only', 'off', false); delete from kept"],
        ["with gone as (delete from kept returning n) select * from gone"],
        ["truncate kept"],
    ])("%s", async (statement) => {
        expect(sqlStateOf(await failureOf(run(statement)))).not.toBeNull();
        expect((await run("select n from kept")).rows).toEqual([["1"]]);
    });
});

describe("bun run sql", () => {
    function sql(...args: string[]) {
        const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, "scripts/sql.ts", ...args], {
            cwd: projectDir,
            env: { ...process.env, DATABASE_URL: database.url },
        });
        return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
    }

    test("prints an aligned table", () => {
        const { stdout } = sql("select n, repeat('x', n) as text from generate_series(9, 10) as n");
        expect(stdout).toBe(" n  text\n 9  xxxxxxxxx\n10  xxxxxxxxxx\n(2 rows)\n");
    });

    test("says when it left rows out", () => {
        expect(sql("--limit", "1", "select n from generate_series(1, 3) as n").stdout).toContain(
            "(the first 1 of 3 rows)",
        );
    });

    test("prints JSON without losing a digit", () => {
        const { stdout } = sql(
            "--json",
            "select 12345678901234567890.10 as n, 'a' as t, null as z, false as f, 'NaN'::float8 as x",
        );
        expect(stdout).toBe('[\n  {"n": 12345678901234567890.10, "t": "a", "z": null, "f": false, "x": "NaN"}\n]\n');
    });

    test("should fail: a wrong statement, with the place in it", () => {
        const { exitCode, stderr, stdout } = sql("selec 1");
        expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
        expect(stderr).toContain("at character 1");
    });
});

test("bun run migrate says whether there was anything to do", () => {
    const { exitCode, stdout } = Bun.spawnSync([process.execPath, join("scripts", "migrate.ts")], {
        cwd: projectDir,
        env: { ...process.env, DATABASE_URL: database.url },
    });
    expect({ exitCode, said: stdout.toString() }).toEqual({
        exitCode: 0,
        said: expect.stringContaining("is up to date."),
    });
});
