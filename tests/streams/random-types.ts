/** Random types of columns: all that docs/types.md lists, with random sizes. */
import type { TypeSpec } from "./oracle/type-spec.ts";

export type Pick = (below: number) => number;

const one = <Item>(pick: Pick, items: readonly Item[]): Item => items[pick(items.length)]!;

const simple: readonly TypeSpec[] = [
    { ddl: "smallint", family: "integer" },
    { ddl: "integer", family: "integer" },
    { ddl: "bigint", family: "integer" },
    { ddl: "numeric", family: "numeric" },
    { ddl: "real", family: "real" },
    { ddl: "double precision", family: "double" },
    { ddl: "boolean", family: "boolean" },
    { ddl: "text", family: "text" },
    { ddl: "varchar", family: "text" },
    { ddl: "bpchar", family: "text" },
    { ddl: '"char"', family: "text" },
    { ddl: "name", family: "text" },
    { ddl: "citext", family: "text" },
    { ddl: "date", family: "date" },
    { ddl: "timestamp", family: "timestamp" },
    { ddl: "timestamptz", family: "timestamptz" },
    { ddl: "time", family: "time" },
    { ddl: "timetz", family: "timetz" },
    { ddl: "interval", family: "interval" },
    { ddl: "uuid", family: "uuid" },
    { ddl: "json", family: "json" },
    { ddl: "jsonb", family: "jsonb" },
    { ddl: "bytea", family: "bytea" },
    { ddl: "inet", family: "inet" },
    { ddl: "cidr", family: "cidr" },
    { ddl: "macaddr", family: "macaddr" },
    { ddl: "macaddr8", family: "macaddr8" },
    { ddl: "varbit", family: "bits" },
    { ddl: "xml", family: "xml" },
    { ddl: "point", family: "point" },
    { ddl: "lseg", family: "point" },
    { ddl: "polygon", family: "point" },
    { ddl: "box", family: "box" },
    { ddl: "path", family: "path" },
    { ddl: "circle", family: "circle" },
    { ddl: "line", family: "line" },
    { ddl: "tsvector", family: "canonical" },
    { ddl: "tsquery", family: "canonical" },
    { ddl: "pg_snapshot", family: "canonical" },
    { ddl: "xid8", family: "canonical" },
    { ddl: "tid", family: "canonical" },
    { ddl: "jsonpath", family: "jsonpath" },
    { ddl: "pg_lsn", family: "lsn" },
    { ddl: "oid", family: "oid" },
    { ddl: "hstore", family: "hstore" },
    { ddl: "ltree", family: "canonical" },
];

const ranges: readonly TypeSpec[] = [
    ["int4", { ddl: "integer", family: "integer" }],
    ["int8", { ddl: "bigint", family: "integer" }],
    ["num", { ddl: "numeric", family: "numeric" }],
    ["date", { ddl: "date", family: "date" }],
    ["ts", { ddl: "timestamp", family: "timestamp" }],
    ["tstz", { ddl: "timestamptz", family: "timestamptz" }],
].flatMap(([name, element]) => [
    { ddl: `${name}range`, family: "range", element } as TypeSpec,
    { ddl: `${name}multirange`, family: "multirange", element } as TypeSpec,
]);

function sized(pick: Pick): TypeSpec {
    const size = one(pick, [1, 2, 3, 5, 8, 20]);
    const decimals = pick(7);
    const precision = 1 + pick(20);
    // PostgreSQL 15 takes scales below zero and above the precision.
    const scale = pick(3) > 0 ? pick(precision + 1) : pick(40) - 15;
    return one<TypeSpec>(pick, [
        { ddl: `varchar(${size})`, family: "text", size },
        { ddl: `char(${size})`, family: "char", size },
        { ddl: `bit(${size})`, family: "bits", size },
        { ddl: `varbit(${size})`, family: "bits", size },
        { ddl: `timestamp(${decimals})`, family: "timestamp", size: decimals },
        { ddl: `timestamptz(${decimals})`, family: "timestamptz", size: decimals },
        { ddl: `time(${decimals})`, family: "time", size: decimals },
        { ddl: `timetz(${decimals})`, family: "timetz", size: decimals },
        { ddl: `interval(${decimals})`, family: "interval", size: decimals },
        { ddl: one(pick, ["interval year to month", "interval day to second", "interval hour"]), family: "interval" },
        { ddl: `numeric(${precision},${scale})`, family: "numeric", size: precision, scale },
        { ddl: `numeric(${precision},${scale})`, family: "numeric", size: precision, scale },
        { ddl: `numeric(${precision},${scale})`, family: "numeric", size: precision, scale },
    ]);
}

const labelSets = [
    ["new", "paid", "sent"],
    ["it's", 'say "x"', "a,b", "{}", "é", "null"],
    ["1", "2", "today"],
];

/** `%s` stands for the schema; `no` keeps names apart. */
function made(pick: Pick, no: number): TypeSpec {
    const base = pick(2) === 0 ? sized(pick) : one(pick, simple);
    const name = `%s."Type ${no}"`;
    const labels = one(pick, labelSets);
    const create = (as: string) => [...(base.setup ?? []), `create domain ${name} as ${base.ddl} ${as}`];
    const fields = [one(pick, simple.slice(0, 20)), one(pick, simple.slice(0, 20))];
    return one<TypeSpec>(pick, [
        {
            ddl: name,
            family: "enum",
            labels,
            setup: [
                `create type ${name} as enum (${labels.map((label) => `'${label.replaceAll("'", "''")}'`).join()})`,
            ],
        },
        { ...base, ddl: name, setup: create("") },
        { ...base, ddl: name, setup: create("check (length(value::text) > 2) check (value::text <> '12345')") },
        {
            ddl: name,
            family: "integer",
            setup: [`create domain ${name} as integer constraint "not zero" check (100 / value > 0)`],
        },
        {
            ddl: `${name.slice(0, -1)}+"`,
            family: "text",
            size: 5,
            setup: [
                `create domain ${name} as varchar(5) check (value ~ '^[a-z0-9]')`,
                `create domain ${name.slice(0, -1)}+" as ${name} check (value <> 'today')`,
            ],
        },
        {
            ddl: name,
            family: "array",
            element: base.family === "box" ? { ddl: "integer", family: "integer" } : base,
            setup: [
                ...(base.setup ?? []),
                `create domain ${name} as ${base.family === "box" ? "integer" : base.ddl}[] check (cardinality(value) < 3)`,
            ],
        },
        {
            ddl: name,
            family: "composite",
            fields,
            setup: [`create type ${name} as (a ${fields[0]!.ddl}, "B c" ${fields[1]!.ddl})`],
        },
        {
            ddl: name,
            family: "range",
            element: { ddl: "time", family: "time" },
            setup: [`create type ${name} as range (subtype = time)`],
        },
    ]);
}

export function randomType(pick: Pick, no: number): TypeSpec {
    const kind = pick(10);
    if (kind < 3) return one(pick, simple);
    if (kind < 5) return sized(pick);
    if (kind < 6) return one(pick, ranges);
    if (kind < 8) return made(pick, no);
    for (;;) {
        const element = pick(2) === 0 ? one(pick, simple) : pick(2) === 0 ? sized(pick) : made(pick, no);
        // Refused, or of no array type.
        if (element.family === "box") continue;
        return { ddl: `${element.ddl}[]`, family: "array", element, setup: element.setup ?? [] };
    }
}
