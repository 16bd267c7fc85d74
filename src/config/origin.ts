/** Where a setting's value came from. In falling rank: a flag, the environment, an .env file, sluice.config.ts, the default. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";

export type Origin =
    /** `name` as it is written there: `--port`, `SLUICE_PORT`, `settings.port`. */
    | { kind: "flag"; name: string }
    | { kind: "environment"; name: string }
    | { kind: "env-file"; name: string; file: string; line: number }
    | { kind: "config-file"; name: string; file: string }
    | { kind: "default" };

/** For people: `SLUICE_PORT in .env, line 3`. */
export function describeOrigin(origin: Origin): string {
    switch (origin.kind) {
        case "flag":
            return `${origin.name} on the command line`;
        case "environment":
            return `${origin.name} in the environment`;
        case "env-file":
            return `${origin.name} in ${origin.file}, line ${origin.line}`;
        case "config-file":
            return `${origin.name} in ${origin.file}`;
        case "default":
            return "the default";
    }
}

/** Those that Bun reads into the environment by itself, unless a variable is there already. https://bun.com/docs/runtime/env */
const envFileNames = [".env.local", ".env.development", ".env.production", ".env.test", ".env"];

/**
 * Whether a variable of this process was set outside, or by Bun from a file in `dir`. Bun does not tell: a file that
 * gives the name this very value is taken to be where it is from.
 */
export function originOfVariable(name: string, value: string, dir: string = process.cwd()): Origin {
    for (const file of envFileNames) {
        const text = readText(join(dir, file));
        const line = lineOf(text, name);
        if (line === null) continue;
        const given = parseEnv(text)[name];
        // Bun fills in $OTHER, parseEnv does not.
        if (given === value || given?.includes("$")) return { kind: "env-file", name, file, line };
    }
    return { kind: "environment", name };
}

function readText(path: string): string {
    try {
        return readFileSync(path, "utf8");
    } catch {
        return "";
    }
}

/** The number, from 1, of the last line that sets the variable: that one counts. Null when none does. */
export function lineOf(text: string, name: string): number | null {
    const setsIt = new RegExp(`^\\s*(?:export\\s+)?${name}\\s*=`);
    const index = text.split("\n").findLastIndex((line) => setsIt.test(line));
    return index === -1 ? null : index + 1;
}
