/** The `events` stream as the templates of the merge see it; its rules and rollups are in sql/events/. */
import { getTableConfig } from "drizzle-orm/pg-core";
import type { ColumnSql, MadeTable, StreamSql } from "../streams/render/stream-sql.ts";
import { eventsStream } from "./events-stream.ts";
import { events } from "./schema.ts";

/** The fact that a rule needs besides the value. */
const ruleFacts: Record<string, string> = { event_type: "known_types", event_timestamp: "not_after" };

const reasonOf = (name: string) => (value: string, facts: string) =>
    `ingest.${name}_reason(${value}${name in ruleFacts ? `, (${facts}).${ruleFacts[name]}` : ""})`;

const reasons = Object.fromEntries(eventsStream.columns.map(({ name }) => [name, reasonOf(name)]));

const columns: ColumnSql[] = eventsStream.columns.map(({ name, ident, type }) => ({
    name,
    ident,
    typed: null,
    column: name,
    type: type.name,
    reason: reasons[name]!,
    passes: (value, facts) => `${reasons[name]!(value, facts)} is null`,
    equals: "=",
    cast: (value) => (type.name === "text" ? value : `${value}::${type.name}`),
    text: (value) => (type.name === "text" ? value : `${value}::text`),
    collation: null,
    distinct: (value) => value,
    fallback: null,
    steady: null,
}));

const made: MadeTable = {
    stamped: ["created_at"],
    shape: getTableConfig(events).columns.map((column) => ({
        name: column.name,
        type: spelledOut(column.getSQLType()),
        notNull: column.notNull,
        hasDefault: column.hasDefault,
    })),
    brokenColumns: (stored, facts) => [
        ["event_type", `${stored}.event_type <> all((${facts}).known_types)`],
        ["product_id", `ingest.trimmed(${stored}.product_id) is distinct from ${stored}.product_id`],
        ["user_id", `ingest.trimmed(${stored}.user_id) is distinct from ${stored}.user_id`],
        [
            "event_timestamp",
            `${stored}.event_timestamp not between '1970-01-01 00:00:00+00' and to_timestamp((${facts}).last_second)`,
        ],
        ["quantity", `${stored}.quantity < 0`],
        // NaN is greater than every number.
        ["price", `${stored}.price not between 0 and 99999999.99`],
    ],
    rollups: {
        columns: ["event_type", "product_id", "event_timestamp", "quantity", "price"],
        facts: "ingest.gain_facts",
        gains,
    },
};

export const eventsMade = made;

export const eventsSql: StreamSql = {
    streamId: 0,
    mode: { name: "insert" },
    timed: "event_timestamp",
    table: `public.${eventsStream.table}`,
    rowName: "event",
    columns,
    keys: columns.filter(({ name }) => name === eventsStream.key!.name),
    keyIndex: null,
    extras: eventsStream.extras,
    conflictCode: "event_id_conflict",
    facts: "ingest.event_facts",
    // The loader has seen that the other four are well-formed.
    knownToPass: (record, facts) =>
        [
            `${record}.plain_second <= (${facts}).last_second`,
            ...["event_type", "product_id", "user_id"].map(
                (name) => `${reasons[name]!(`${record}.${name}`, facts)} is null`,
            ),
        ].join("\nand "),
    knownAsTyped: () => null,
    conditions: null,
    deletes: null,
    refusals: [],
    uniques: [],
    waiting: [],
    parents: null,
    made,
};

/** drizzle writes varchar(50) and numeric(10, 2); Postgres answers with the long name and without the space. */
function spelledOut(type: string): string {
    return type.replace(/^varchar/, "character varying").replaceAll(", ", ",");
}

/** One pass over the rows: by time at the finest grain that is kept, and by product. */
function gains(rows: string, sign: 1 | -1): string {
    const count = sign === 1 ? "count(*)" : "-count(*)";
    const sum = (value: string) => `coalesce(${sign === 1 ? "" : "-"}sum(${value})`;
    const bought = "filter (where event_type = 'purchase')";
    return `insert into rollup_gains
select
    grouping(product_id) = 0, is_recent, bucket, event_type, product_day, product_id,
    ${count},
    ${count} ${bought},
    ${sum("quantity")}, 0),
    ${sum("quantity")} ${bought}, 0),
    ${sum("quantity * price")} ${bought}, 0)
from ${rows}
cross join lateral ingest.gain_times(event_timestamp, gain_facts)
group by grouping sets ((is_recent, bucket, event_type), (product_day, product_id))`;
}
