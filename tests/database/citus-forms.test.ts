/**
 * The forms of SQL that Citus refuses on a table that it distributes, or answers wrongly, stay out of what touches a stream's table
 * (docs/scaling.md). Tried on Citus 13.2: each has what it said.
 */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { projectDir } from "../support/test-server.ts";

/** Of the built-in stream, and of a found one. */
const streams: [table: string, files: string[]][] = [
    ["public.events", ["sql/engine", "sql/events", "sql/rendered"].flatMap(filesIn)],
    ["public.orders", ["tests/streams/rendered-orders.sql"]],
];

/** Not for a distributed table: prune_distributed, ingest.expects_new_keys, insert_distributed_records. */
const excepted = /function ingest\w*\.(prune_rows|lock_prunable_rows|insert_at_once|insert_records)\(/;

const forms: [said: string, isForbidden: (statement: string, table: string) => boolean][] = [
    [
        "parameterized queries for SQL functions referencing distributed tables are not supported: of an inlined function",
        (body, table) => reads(body, table) && /\b(valid_records|staged_values)\(scan/.test(body),
    ],
    [
        "correlated subqueries are not supported when the FROM clause contains a CTE or subquery",
        (body, table) => new RegExp(`\\(\\s*select [^()]*\\bfrom ${quoted(table)}\\s+where`).test(body),
    ],
    [
        "cannot perform a lateral outer join when a distributed subquery references CTEs or local tables",
        (body, table) => new RegExp(`\\blateral \\(\\s*select\\b[^;]*?\\bfrom ${quoted(table)}\\b`).test(body),
    ],
    [
        "direct joins between distributed and local tables are not supported: a row is looked for in another table",
        (body, table) =>
            reads(body, table) &&
            /\bexists \(\s*select from (ingest|pg_temp)\.\w+\s+where [^()]*= (events|orders)\./.test(body),
    ],
    [
        "the server is killed (signal 11): not exists by a pair of columns beside a condition on a scalar",
        (body, table) =>
            new RegExp(`insert into ${quoted(table)}\\b`).test(body) &&
            /not exists \(\s*select from \w+\s+where \([\w., ]+\) = \(/.test(
                body.replace(/not scan\.has_refused\s+or not exists/g, ""),
            ),
    ],
    [
        "ctid and tableoid name no row of a distributed table",
        (body, table) => reads(body, table) && /\b(ctid|tableoid)\b/.test(body),
    ],
];

for (const [table, files] of streams) {
    test(`no statement on ${table} has a form that Citus refuses`, () => {
        const bodies = files.flatMap(statementsOf).filter((body) => !excepted.test(body));
        expect(bodies.filter((body) => reads(body, table)).length).toBeGreaterThan(5);
        const found = forms.flatMap(([said, isForbidden]) =>
            bodies.filter((body) => isForbidden(body, table)).map((body) => `${said}\n${body.slice(0, 200)}`),
        );
        expect(found).toEqual([]);
    });
}

test("a function that reads a stream's table and has arguments is PL/pgSQL", () => {
    const found = streams.flatMap(([table, files]) =>
        files
            .flatMap(statementsOf)
            .filter(
                (body) =>
                    /function ingest\w*\.\w+\(\s*\w/.test(body) && /\blanguage sql\b/.test(body) && reads(body, table),
            ),
    );
    expect(found).toEqual([]);
});

test("each form is found where it is: what should fail", () => {
    const bad = [
        "with a as (select 1 from ingest.valid_records(scan, facts)) insert into public.events select from a",
        "select a.id from a where (select true from public.events where events.event_id = a.id) is null",
        "select from a left join lateral (select events.* from public.events where events.event_id = a.id offset 0) as b on true",
        "select from public.events where not exists (select from ingest.event_types where event_types.event_type = events.event_type)",
        "insert into public.events select from a where not exists (select from b where (b.x, b.y) = (a.x, a.y))",
        "select from public.events where events.ctid = any(places)",
    ];
    expect(bad.map((body, index) => forms[index]![1](body, "public.events"))).toEqual(bad.map(() => true));
});

function filesIn(folder: string): string[] {
    return [...new Glob(`${folder}/**/*.sql`).scanSync(projectDir)];
}

function statementsOf(file: string): string[] {
    const text = readFileSync(join(projectDir, file), "utf8").replace(/--.*$/gm, "");
    return text.split(/^(?=create or replace function|with$|select$|do \$\$)/m);
}

/** In a place that reads or writes its rows, not as a type. */
function reads(body: string, table: string): boolean {
    return new RegExp(`\\b(from|join|into|update) ${quoted(table)}\\b`).test(body);
}

function quoted(table: string): string {
    return table.replace(".", "\\.");
}
