/** The name of a table as a person writes it: `orders`, `sales.orders`, `"Sales"."Orders"`. Pure. */

export interface TableName {
    /** Null: the first schema of the search_path that has it. */
    schema: string | null;
    table: string;
}

const part = /\s*(?:"((?:[^"]|"")+)"|([^\s".]+))\s*/y;

/**
 * As Postgres reads it: what is not quoted is in lower case. Only ASCII letters change, as in a UTF-8 database.
 * @returns null for what is no such name, such as one of three parts
 */
export function parseTableName(text: string): TableName | null {
    const names: string[] = [];
    for (let at = 0; ; at += 1) {
        part.lastIndex = at;
        const found = part.exec(text);
        if (found === null) return null;
        const [whole, quoted, bare] = found;
        names.push(quoted === undefined ? asciiLower(bare!) : quoted.replaceAll('""', '"'));
        at += whole.length;
        if (at === text.length) break;
        if (text[at] !== ".") return null;
    }
    const [table, schema = null, ...more] = names.reverse();
    return more.length > 0 ? null : { schema, table: table! };
}

const asciiLower = (text: string) => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
