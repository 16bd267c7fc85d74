/** A stream's data contract as Markdown. Pure. */
import type { Contract, ContractColumn } from "../../operations/streams/contract-schema.ts";
import { sanitize } from "../../terminal/sanitize.ts";

/** What the declaration says of an upsert. */
function describeMode({ mode, declaration }: Contract): string {
    const { mode: declared } = (declaration ?? {}) as { mode?: { version?: unknown; deleteWhen?: unknown } };
    if (mode !== "upsert" || typeof declared !== "object") return "";
    const { version, deleteWhen } = declared;
    const newer = typeof version === "string" ? `the higher ${code(version)} wins` : "the later record wins";
    return `: ${newer}${typeof deleteWhen === "string" ? `; a record deletes its row when ${code(deleteWhen)}` : ""}`;
}

export function formatContract(contract: Contract): string[] {
    const { name, table, mode, files, key, columns, checks, foreignKeys, uniques, ignored, codes, problemDetail } =
        contract;
    const facts = [
        `- Table: ${code(table)}`,
        `- Files: ${files === null ? "those that no other stream claims" : code(files)}`,
        `- Mode: ${code(mode)}${describeMode(contract)}`,
        `- Key: ${key.length > 0 ? key.map(code).join(", ") : mode === "append" ? "none" : "unknown"}`,
        ...(ignored.length > 0 ? [`- Columns of files that are left out: ${ignored.map(code).join(", ")}`] : []),
        ...(problemDetail === null ? [] : [`- Blocked: ${cell(problemDetail)}`]),
    ];
    const constraints = [
        ...checks.map((check) => `- ${code(check.name)}: check ${code(check.expression)}`),
        ...foreignKeys.map(
            ({ name: own, columns: from, parent, parentColumns }) =>
                `- ${code(own)}: ${from.map(code).join(", ")} is in ${code(parent)} (${parentColumns.map(code).join(", ")})`,
        ),
        ...uniques.map(({ name: own, columns: of }) => `- ${code(own)}: unique ${of.map(code).join(", ")}`),
    ];
    return [
        `# ${sanitize(name)}`,
        "",
        ...facts,
        "",
        "## Columns",
        "",
        ...formatTable(
            ["column", "type", "required", "when empty", "reject codes"],
            columns.map((column) => [
                code(column.name) + (column.isKey ? " (key)" : ""),
                code(column.type) + (column.values === null ? "" : `: ${column.values.map(code).join(", ")}`),
                column.isRequired ? "yes" : "no",
                whenEmpty(column),
                column.reasons.map(code).join(", "),
            ]),
        ),
        ...(constraints.length > 0 ? ["", "## Constraints", "", ...constraints] : []),
        "",
        "## Reject codes",
        "",
        ...formatTable(
            ["code", "means", "example"],
            codes.map(({ code: name, sentence, example }) => [code(name), cell(sentence), exampleOf(example)]),
        ),
    ];
}

function whenEmpty({ isRequired, default: value, filledBy }: ContractColumn): string {
    if (filledBy === "table") return value === null ? "the table fills it" : `the table fills it: ${code(value)}`;
    if (value !== null) return code(value);
    return isRequired ? "rejected" : "null";
}

function exampleOf(example: string | null): string {
    if (example === null) return "";
    return example === "" ? "(empty)" : code(example);
}

function formatTable(header: string[], rows: string[][]): string[] {
    const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
    return [line(header), `|${header.map(() => "---|").join("")}`, ...rows.map(line)];
}

function code(text: string): string {
    const shown = cell(text);
    return shown.includes("`") ? `\`\` ${shown} \`\`` : `\`${shown}\``;
}

function cell(text: string): string {
    return sanitize(text).replaceAll("|", "\\|");
}
