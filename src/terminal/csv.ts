/**
 * Rows as CSV for a spreadsheet: RFC 4180, and no text that one would run. A cell that begins like a formula gets an
 * apostrophe before it (https://owasp.org/www-community/attacks/CSV_Injection); numbers stay numbers.
 */
export interface CsvColumn {
    name: string;
    isNumber: boolean;
}

/** Lines with their line ends, the header first. Null is an empty cell. */
export function formatCsv(columns: readonly CsvColumn[], rows: readonly (readonly (string | null)[])[]): string {
    const header = columns.map(({ name }) => formatCell(name, false));
    const lines = rows.map((row) => columns.map(({ isNumber }, index) => formatCell(row[index] ?? null, isNumber)));
    return [header, ...lines].map((cells) => `${cells.join(",")}\r\n`).join("");
}

function formatCell(value: string | null, isNumber: boolean): string {
    if (value === null) return "";
    const safe = !isNumber && /^[=+\-@\t\r\n＝＋－＠]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
