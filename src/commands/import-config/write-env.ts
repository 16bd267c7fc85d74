/** One variable in the text of an .env file. Pure. */
import { parseEnv } from "node:util";
import { lineOf } from "../../config/origin.ts";

export type EnvChange =
    | { kind: "none" }
    | { kind: "added"; text: string }
    /** Another value is there, on this line. */
    | { kind: "replaced"; text: string; line: number };

/** Sets the variable in the text, and leaves everything else as it is. */
export function setVariable(text: string, name: string, value: string): EnvChange {
    const line = lineOf(text, name);
    const assignment = `${name}=${value}`;
    if (line === null) {
        const separator = text === "" || text.endsWith("\n") ? "" : "\n";
        return { kind: "added", text: `${text}${separator}${assignment}\n` };
    }
    if (parseEnv(text)[name] === value) return { kind: "none" };
    const lines = text.split("\n");
    lines[line - 1] = assignment;
    return { kind: "replaced", text: lines.join("\n"), line };
}
