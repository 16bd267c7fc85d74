/** The text of streams/<name>.ts. */
import type { ModeDeclaration } from "../../streams/mode.ts";
import type { ReadingSettings } from "../sniff/read-values.ts";

export interface StreamText {
    files: string;
    table: string;
    /** The columns of a unique index that is not the primary key; null: nothing is said. */
    key: readonly string[] | null;
    mode: ModeDeclaration;
    settings: ReadingSettings;
}

const lineWidth = 120;

export function streamText({ files, table, key, mode, settings }: StreamText): string {
    const entries = Object.entries({ files, table, ...(key !== null && { key }), ...mode, ...settings });
    const given = entries.map(([name, value]) => `${name}: ${literal(value)}`);
    const oneLine = `export default stream({ ${given.join(", ")} });`;
    const declaration =
        oneLine.length <= lineWidth
            ? oneLine
            : `export default stream({\n${given.map((entry) => `    ${entry},\n`).join("")}});`;
    return `import { stream } from "sluice";\n\n${declaration}\n`;
}

/** As it is written in TypeScript. */
function literal(value: unknown): string {
    if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
    if (typeof value !== "object" || value === null) return JSON.stringify(value);
    const entries = Object.entries(value).map(([name, inner]) => `${property(name)}: ${literal(inner)}`);
    return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}

function property(name: string): string {
    return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}
