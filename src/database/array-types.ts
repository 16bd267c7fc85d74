/**
 * Postgres arrays as postgres.js parameters and results.
 *
 * postgres.js learns array types by a query at start-up, whose failure nobody can catch. With `fetch_types` off it knows
 * none, and sends [1,2] as the text "1,2". The built-in array types never change, so they are listed here.
 */
import type postgres from "postgres";

/** Element type → its array type: select oid, typarray from pg_type. */
const arrayTypes: Record<number, number> = {
    16: 1000, // boolean
    17: 1001, // bytea
    20: 1016, // bigint
    21: 1005, // smallint
    23: 1007, // integer
    25: 1009, // text
    114: 199, // json
    701: 1022, // double precision
    1043: 1015, // varchar
    1082: 1182, // date
    1114: 1115, // timestamp
    1184: 1185, // timestamptz
    1700: 1231, // numeric
    2950: 2951, // uuid
    3802: 3807, // jsonb
};

type Codec = (value: unknown) => unknown;

/** Teaches this client the array types above. */
export function addArrayTypes(sql: postgres.Sql): void {
    const { parsers, serializers, shared } = sql.options as unknown as {
        parsers: Record<string, Codec>;
        serializers: Record<string, Codec>;
        shared: { typeArrayMap: Record<string, number> };
    };
    for (const [element, array] of Object.entries(arrayTypes)) {
        shared.typeArrayMap[element] = array;
        // Looked up at each call: drizzle replaces the codecs of dates on the client it is given.
        parsers[array] = (text) => parseArray(String(text), parsers[element] ?? ((value) => value));
        serializers[array] = (value) => formatArray(value, serializers[element] ?? String);
    }
}

/** `[1, null, 'a"b']` → `{"1",NULL,"a\"b"}`. Anything but an array is returned as it is: drizzle hands over finished text. */
function formatArray(value: unknown, formatElement: Codec): unknown {
    if (!Array.isArray(value)) return value;
    const elements = value.map((element) => {
        if (element === null || element === undefined) return "NULL";
        if (Array.isArray(element)) return formatArray(element, formatElement);
        return `"${String(formatElement(element)).replace(/[\\"]/g, "\\$&")}"`;
    });
    return `{${elements.join(",")}}`;
}

/** The text form of a Postgres array, of any depth, lower bound 1. https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
function parseArray(text: string, parseElement: Codec): unknown[] {
    const stack: unknown[][] = [[]];
    const token = /[{},]|"((?:[^"\\]|\\.)*)"|[^{},"]+/gs;
    for (const [part, quoted] of text.matchAll(token)) {
        const open = stack.at(-1)!;
        if (part === "{") {
            const inner: unknown[] = [];
            open.push(inner);
            stack.push(inner);
        } else if (part === "}") stack.pop();
        else if (quoted !== undefined) open.push(parseElement(quoted.replace(/\\(.)/gs, "$1")));
        else if (part !== ",") open.push(part.toUpperCase() === "NULL" ? null : parseElement(part));
    }
    return stack[0]![0] as unknown[];
}
