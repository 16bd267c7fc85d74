import { expect, test } from "bun:test";
import { composeScript, splitStatements } from "../../src/database/sql-script.ts";

const texts = (sql: string) => splitStatements(sql).map(({ text }) => text);

test("splits at semicolons, and leaves out what precedes a statement's first word", () => {
    expect(splitStatements("-- first\nselect 1;\n\n/* second; */ select 2 ;; select 3")).toEqual([
        { text: "select 1", line: 2 },
        { text: "select 2", line: 4 },
        { text: "select 3", line: 4 },
    ]);
});

test.each([
    ["a string", "select ';', 'it''s; so'"],
    ["a string with backslashes", "select e'it\\'s; so', E';'"],
    ["a quoted name", 'select 1 as "a;""b"'],
    ["a dollar quote", "do $$ begin perform 1; end $$"],
    ["a tagged dollar quote", "do $a$ begin execute $b$ select 1; $b$; perform $$;$$; end $a$"],
    ["a line comment", "select 1 -- ; no\n + 2"],
    ["nested comments", "select /* ; /* ; */ ; */ 1"],
    [
        "a SQL function's body",
        "create function f() returns int begin atomic select case when true then 1 end; select 2; end",
    ],
    ["a parameter", "prepare p as select $1, $2"],
])("a semicolon in %s ends nothing", (_, statement) => {
    expect(texts(`${statement};\nselect 9;`)).toEqual([statement, "select 9"]);
});

test("a plain begin … end is two statements", () => {
    expect(texts("begin; select 1; end; select 2")).toEqual(["begin", "select 1", "end", "select 2"]);
});

test("finds the file and line of a position, counted in characters", () => {
    const script = composeScript([
        { name: "a.sql", text: "select '𝄞';\n" },
        { name: "b.sql", text: "-- b\n\nselect\n    '𝄞',\n    wrong;\n" },
    ]);
    const position = [...script.text.slice(0, script.text.indexOf("wrong"))].length + 1;
    expect(script.placeOfPosition(position)).toEqual({ name: "b.sql", line: 5 });
    expect(script.placeOfPosition(1_000_000)).toBeNull();
});

test("finds the file and line of a statement by the notice that precedes it", () => {
    const script = composeScript([
        { name: "a.sql", text: "select 1;" },
        { name: "b.sql", text: "\nselect 2;\nselect 3;" },
    ]);
    expect(script.placeOfNotice("sluice statement 2")).toEqual({ name: "b.sql", line: 3 });
    expect(script.placeOfNotice("relation exists, skipping")).toBeNull();
});
