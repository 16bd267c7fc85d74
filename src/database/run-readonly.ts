/** Runs one statement that a person wrote, in a transaction that cannot write; values as Postgres spells them. */
import { connect } from "./connect.ts";
import type { DatabaseTarget } from "./database-target.ts";

export interface ReadonlyResult {
    columns: { name: string; isNumber: boolean; isJson: boolean; isBoolean: boolean }[];
    /** Postgres's text of each value. */
    rows: (string | null)[][];
    /** How many there were, those beyond `limit` included. */
    rowCount: number;
}

const numberTypes = new Set([20, 21, 23, 26, 700, 701, 1700]);
const jsonTypes = new Set([114, 3802]);
const booleanType = 16;

/**
 * Runs `statement` (not an empty one: postgres.js would wait for ever) and returns its first `limit` rows. Exactly one
 * statement: the extended protocol takes no more, so a `commit` cannot smuggle a write behind it; and the session is
 * read-only too, should the connection be replaced.
 */
export async function runReadonly(
    target: DatabaseTarget,
    statement: string,
    { limit }: { limit: number },
): Promise<ReadonlyResult> {
    const sql = connect(target, {
        applicationName: "sluice sql",
        max: 1,
        // How long a person's statement may take is for the administrator of their role to say.
        settings: { default_transaction_read_only: "on", statement_timeout: null },
    });
    const rows: ReadonlyResult["rows"] = [];
    let rowCount = 0;
    try {
        const result = await sql.begin("read only", (transaction) => {
            const query = transaction.unsafe(statement, [], { simple: false } as never).raw();
            // Row by row: what is beyond the limit is counted, not kept.
            return query.forEach((row) => {
                rowCount++;
                if (rows.length < limit) rows.push((row as unknown as (Buffer | null)[]).map(toText));
            });
        });
        const columns = (result as unknown as { columns?: { name: string; type: number }[] }).columns ?? [];
        return { columns: columns.map(toColumn), rows, rowCount };
    } finally {
        await sql.end({ timeout: 1 });
    }
}

function toText(value: Buffer | null): string | null {
    return value === null ? null : value.toString("utf8");
}

function toColumn({ name, type }: { name: string; type: number }): ReadonlyResult["columns"][number] {
    return {
        name,
        isNumber: numberTypes.has(type),
        isJson: jsonTypes.has(type),
        isBoolean: type === booleanType,
    };
}
