/** Text of SQL from templates: what is put in keeps the indentation of its place. Pure. */

/** A template whose values may span lines: each line is indented as the place where the value stands. */
export function sql(strings: TemplateStringsArray, ...values: readonly (string | number)[]): string {
    const text = strings.reduce((before, part, index) => {
        const indent = /(?:^|\n)( *)[^\n]*$/.exec(before)?.[1] ?? "";
        return before + String(values[index - 1]).replaceAll("\n", `\n${indent}`) + part;
    });
    // A line that holds nothing but an empty value goes.
    return text.replace(/\n *\n(?=\n)/g, "\n").replace(/^\n/, "");
}

/** A list, one item a line. */
export function lines<Item>(items: readonly Item[], text: (item: Item) => string, separator = ","): string {
    return items.map(text).join(`${separator}\n`);
}

/** Conditions that must all hold, one a line. */
export function allOf(conditions: readonly string[]): string {
    return conditions.join("\nand ");
}

const listWidth = 100;

/** A list of short items, as many a line as fit. */
export function list<Item>(items: readonly Item[], text: (item: Item) => string = String): string {
    const rows: string[] = [];
    for (const item of items.map(text)) {
        const row = rows.at(-1);
        if (row !== undefined && row.length + item.length + 2 <= listWidth) rows[rows.length - 1] = `${row}, ${item}`;
        else rows.push(item);
    }
    return rows.join(",\n");
}

/** `'text'` */
export function literal(text: string): string {
    return `'${text.replaceAll("'", "''")}'`;
}
