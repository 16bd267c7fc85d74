/** Formats a record beside the stored row, column by column. Pure. */
import { commandHere } from "../../environment.ts";
import type { RejectBeside, RejectField } from "../../operations/rejects/field-schema.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import { formatTable } from "../../terminal/table.ts";

const mostCharacters = 60;

/** `≠` marks a column in which the two differ. */
export function formatFields(fields: readonly RejectField[], indent = ""): string[] {
    const hasStored = fields.some(({ differs }) => differs !== null);
    const hasReasons = fields.some(({ reason }) => reason !== null);
    const rows = fields.map(({ column, stored, arriving, differs, reason }) => [
        differs ? "≠" : "",
        sanitize(column, { most: 40 }),
        ...(hasStored ? [show(stored)] : []),
        show(arriving),
        ...(hasReasons ? [reason ?? ""] : []),
    ]);
    const header = ["", "column", ...(hasStored ? ["stored"] : []), "arriving", ...(hasReasons ? ["reason"] : [])];
    return formatTable(rows, { header, indent });
}

const show = (value: string | null) => (value === null ? "(none)" : sanitize(value, { most: mostCharacters }));

/** What there is to say of the stored row. */
export function describeRow({ row, replacedByBatch }: RejectBeside): string[] {
    return [
        ...(row === "gone" ? ["The stored row is gone: a replay inserts the record."] : []),
        ...(row === "equal" ? ["The stored row has the same values now: a replay counts a duplicate."] : []),
        ...(row === "unreadable"
            ? [
                  `The stream's table cannot be read: it has changed, or this login may not. \`${commandHere("streams")}\` says more.`,
              ]
            : []),
        ...(replacedByBatch === null
            ? []
            : [`The stored row has changed since: replay batch ${replacedByBatch} put another record in its place.`]),
    ];
}
