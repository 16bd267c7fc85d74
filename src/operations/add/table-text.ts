/** The statement that makes the table of a proposal, with the evidence for each column beside it. Pure. */
import { program } from "../../environment.ts";
import { quoteIdent } from "../../streams/catalog/quote-ident.ts";
import { formatCount } from "../../terminal/format.ts";
import type { Proposal } from "../sniff/sniff-file.ts";

/** How each begins, whatever the command was called. */
export const proposedBy = "-- Proposed by ";

/** `fileName`: of the file that it was proposed for. */
export function tableText(table: string, fileName: string, { columns, key, records }: Proposal): string {
    const keyColumns = key?.columns ?? [];
    const isKeyAlone = keyColumns.length === 1;
    const lines = columns.map(({ name, type, isNullable, note }): [text: string, note: string] => {
        const isKey = keyColumns.includes(name);
        const ending = isKey && isKeyAlone ? " primary key" : isKey || !isNullable ? " not null" : "";
        return [`${quoteIdent(name)} ${type}${ending}`, note];
    });
    if (!isKeyAlone && key !== null) lines.push([`primary key (${keyColumns.map(quoteIdent).join(", ")})`, key.note]);
    const width = Math.max(...lines.map(([text]) => text.length)) + 1;
    const body = lines.map(([text, note], index) => {
        const column = index < lines.length - 1 ? `${text},` : text;
        return `    ${column.padEnd(width)} -- ${oneLine(note)}`;
    });
    return [
        `${proposedBy}\`${program} add\` from the ${formatCount(records, "record")} of ${oneLine(fileName)}.`,
        "-- To change the table later, write another migration beside this one.",
        `create table if not exists public.${quoteIdent(table)} (`,
        ...body,
        ");",
        "",
    ].join("\n");
}

function oneLine(text: string): string {
    return text.replace(/[\x00-\x1f\x7f\u0085\u2028\u2029]/g, " ");
}
