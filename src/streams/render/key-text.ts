/** By which the rejects that claim a key are found: the indexes on the key of rejects are on these texts. */
import { allOf, literal, sql } from "./sql-text.ts";
import { type ColumnSql, keyName, type StreamSql } from "./stream-sql.ts";

/** So many characters of a column: a value of any length may stand there. */
export const indexedCharacters = 100;

/**
 * The one text of those that say the same value. Only functions of Postgres's own: an index on one of Sluice's would go with it
 * when that is made anew. Times are left as they are written: their zone is a setting of the session.
 */
function commonText(value: string, type: string): string {
    if (type === "uuid") return `lower(${value})`;
    if (!/^(?:smallint|integer|bigint|numeric)\b/.test(type)) return value;
    const whole = `regexp_replace(${value}, '^(-?)[+]?0*(?=[0-9])', '\\1')`;
    return type.startsWith("numeric") ? `regexp_replace(${whole}, '(\\.[0-9]*[1-9])0+$|\\.0*$', '\\1')` : whole;
}

export const keyText = ({ name, type }: ColumnSql) =>
    commonText(`btrim(rejects.record ->> ${literal(name)}, E' \\t\\n\\r\\f\\x0b')`, type);

/**
 * Whether a reject claims the key of `record`, as it is given or as the row in `stored_rows`, which has that key, would be written.
 */
export function claimsKeyOf(stream: StreamSql, record: string): string {
    if (stream.made !== null) {
        const name = literal(keyName(stream));
        return `left(lower(btrim(rejects.record ->> ${name})), 36) = lower(ingest.trimmed(${record} ->> ${name}))`;
    }
    return allOf(stream.keys.map((key) => isKeyText(key, record)));
}

function isKeyText(column: ColumnSql, record: string): string {
    const given = commonText(`ingest.trimmed(${record} ->> ${literal(column.name)})`, column.type);
    const stored = commonText(`(select stored_rows.record ->> ${literal(column.name)} from stored_rows)`, column.type);
    const text = keyText(column);
    return sql`
left(${text}, ${indexedCharacters}) = any(array[left(${given}, ${indexedCharacters}), left(${stored}, ${indexedCharacters})])
and ${text} = any(array[${given}, ${stored}])`;
}
