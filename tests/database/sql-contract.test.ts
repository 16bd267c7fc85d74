/** TypeScript and sql/ agree on our SQLSTATEs, on the codes of problems, and on the stream's functions that the engine calls. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { fileProblems } from "../../src/database/file-problems.ts";
import { sluiceStates } from "../../src/database/sql-states.ts";
import { streamFunctions } from "../../src/streams/stream-functions.ts";
import { useDatabase } from "../support/fixture.ts";
import { projectDir } from "../support/test-server.ts";

const database = useDatabase(import.meta.path);

const textsOf = (pattern: string) =>
    [...new Glob(pattern).scanSync(projectDir)].map((file) => readFileSync(join(projectDir, file), "utf8"));
const withoutComments = (text: string) => text.replace(/--.*$/gm, "");
const engineSql = textsOf("sql/engine/*.sql").map(withoutComments);
const streamSql = ["sql/events/*.sql", "sql/rendered/**/*.sql"].flatMap(textsOf).map(withoutComments);
const everything = [...engineSql, ...streamSql];
const found = (texts: string[], pattern: RegExp) => [
    ...new Set(texts.flatMap((text) => [...text.matchAll(pattern)].map((match) => match[1]!))),
];

test("every SQLSTATE of ours that sql/ raises is named in sql-states.ts, and the reverse", () => {
    expect(found(everything, /'(SL\d{3})'/g).sort()).toEqual(Object.values(sluiceStates).sort());
});

test("every problem that sql/ gives a file is named in file-problems.ts", () => {
    const given = found(everything, /\bproblem = (?:case .*? then )?'(\w+)'/g);
    expect(given.sort()).toEqual(["copy", "forgotten", "rewritten", "too_many_rejects"]);
    expect(given.filter((problem) => !(problem in fileProblems))).toEqual([]);
});

const streamFunctionNames = Object.keys(streamFunctions).map((signature) => signature.split("(")[0]!);

test("the stream's functions are in the database as stream-functions.ts has them", async () => {
    const rows = await database.sql<{ signature: string }[]>`
        select
            format('%s(%s) returns %s', proname, pg_get_function_arguments(oid), pg_get_function_result(oid)) as signature
        from pg_proc
        where pronamespace = 'ingest'::regnamespace and proname = any(${streamFunctionNames}::text[])`;
    expect(rows.map(({ signature }) => signature).sort()).toEqual(Object.keys(streamFunctions).sort());
});

test("what engine, commands and API call of the stream's SQL is in stream-functions.ts, and nothing else", () => {
    const defined = found(streamSql, /create or replace function ingest\.(\w+)\(/g);
    // src/streams renders the stream's SQL, and src/shop has its hooks.
    const callers = [...engineSql, ...textsOf("src/{engine,operations,server,commands}/**/*.ts")];
    const called = found(callers, /(?:ingest|%(?:1\$)?I|\.home\)?\}|\(home\)\})\.(\w+)\(/g).filter((name) =>
        defined.includes(name),
    );
    expect(called.sort()).toEqual(streamFunctionNames.sort());
});
