/** The streams that are declared in files, streams/<name>.ts, or by the name of their table alone. */
import { existsSync, readdirSync } from "node:fs";
import { resolve } from "node:path";
import { streamsFolder } from "../environment.ts";
import { exitCodes, SluiceError } from "../errors.ts";
import type { TableStream } from "./apply-stream.ts";
import { importDeclaration } from "./import-declaration.ts";
import type { Mode } from "./mode.ts";
import type { SourceConfig } from "./source-config.ts";

/** The stream of a table that no file declares: every file of the folder is its own. */
export function streamOfTable(table: string, mode: Mode = { name: "insert" }): TableStream {
    const last = /(?:[^."]+|"(?:[^"]|"")*")$/.exec(table)?.[0] ?? table;
    const name = last
        .replaceAll('"', "")
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "_")
        .replace(/^(?![a-z])/, "t_")
        .slice(0, 40);
    return {
        name,
        table,
        files: "**",
        source: sourceFrom({}, "**"),
        key: null,
        mode,
        allowsTriggers: false,
        isFile: false,
    };
}

/** Of two names as people write them; a name without a schema is one of public. */
export function isSameTable(one: string, other: string): boolean {
    return one.replace(/^public\./, "") === other.replace(/^public\./, "");
}

/** Those of the folder, in the order of their names. @throws SluiceError for a file that declares none */
export async function loadStreams(
    builtIn: readonly string[],
    folder = resolve(streamsFolder()),
): Promise<TableStream[]> {
    if (!existsSync(folder)) return [];
    const names = readdirSync(folder).filter((name) => /\.[tj]s$/.test(name) && !name.endsWith(".d.ts"));
    const streams: TableStream[] = [];
    for (const name of names.sort())
        streams.push(await loadStream(resolve(folder, name), name.replace(/\.[tj]s$/, ""), builtIn));
    return streams;
}

async function loadStream(path: string, name: string, builtIn: readonly string[]): Promise<TableStream> {
    if (!/^[a-z][a-z0-9_]{0,39}$/.test(name) || builtIn.includes(name)) {
        throw fault(
            path,
            `its name must be lower-case letters, digits and _ (40 at most), and not ${builtIn.join(", ")}`,
        );
    }
    let declaration: unknown;
    try {
        declaration = await importDeclaration(path);
    } catch (cause) {
        throw fault(path, `it cannot be loaded: ${(cause as Error).message}`, cause);
    }
    // Imported here, so that a command without such files starts without zod.
    const { readDeclaration } = await import("./read-declaration.ts");
    const read = readDeclaration(declaration);
    if ("faults" in read) throw fault(path, read.faults);
    const { files, table, key, mode, triggers, settings, defersIndexes } = read;
    return {
        ...{ name, files, table, key, mode, defersIndexes, isFile: true },
        allowsTriggers: triggers === "allow",
        source: sourceFrom(settings, files),
    };
}

/** A table that Sluice found keeps no other columns' values: a file with some fails, unless it is said what becomes of them. */
function sourceFrom(settings: Partial<SourceConfig>, files: string): SourceConfig {
    return { newColumns: "reject-file", ...settings, match: files };
}

function fault(path: string, what: string, cause?: unknown): SluiceError {
    return new SluiceError({
        code: "invalid_stream",
        what: `${path}: ${what}.`,
        remedy: 'A stream is declared by `export default stream({ files: "orders-*.csv", table: "public.orders" });`.',
        exitCode: exitCodes.configuration,
        cause,
    });
}
