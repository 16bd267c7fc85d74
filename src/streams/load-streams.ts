/** The streams that are declared in files, streams/<name>.ts, or by the name of their table alone. */
import { existsSync, readdirSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { getTableConfig, type PgTable } from "drizzle-orm/pg-core";
import { z } from "zod";
import { streamsFolder } from "../environment.ts";
import { exitCodes, SluiceError } from "../errors.ts";
import type { TableStream } from "./apply-stream.ts";
import type { StreamDeclaration } from "./declaration.ts";
import { createSourceSchema, type SourceConfig } from "./source-config.ts";

/** The stream of a table that no file declares: every file of the folder is its own. */
export function streamOfTable(table: string): TableStream {
    const last = /(?:[^."]+|"(?:[^"]|"")*")$/.exec(table)?.[0] ?? table;
    const name = last
        .replaceAll('"', "")
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "_")
        .replace(/^(?![a-z])/, "t_")
        .slice(0, 40);
    return { name, table, files: "**", source: sourceFrom({}, "**"), key: null, allowsTriggers: false, isFile: false };
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
        declaration = ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
    } catch (cause) {
        throw fault(path, `it cannot be loaded: ${(cause as Error).message}`, cause);
    }
    const parsed = declarationSchema.safeParse(declaration);
    if (!parsed.success) throw fault(path, parsed.error.issues.map(describeIssue).join("; "));
    const { files, table, key, triggers, ...settings } = declaration as StreamDeclaration;
    const source = createSourceSchema(null).safeParse({ match: "*", ...settings });
    if (!source.success) throw fault(path, source.error.issues.map(describeIssue).join("; "));
    return {
        name,
        files,
        table: typeof table === "string" ? table : nameOfTable(table),
        key: key ?? null,
        allowsTriggers: triggers === "allow",
        isFile: true,
        source: sourceFrom(settings, files),
    };
}

const declarationSchema = z.looseObject({
    files: z.string().min(1),
    table: z.union([z.string().min(1), z.custom<PgTable>((value) => typeof value === "object" && value !== null)]),
    key: z.array(z.string()).min(1).optional(),
    triggers: z.literal("allow").optional(),
});

const describeIssue = ({ path, message }: { path: PropertyKey[]; message: string }) =>
    path.length === 0 ? message : `${path.join(".")}: ${message}`;

/** A table that Sluice found keeps no other columns' values: a file with some fails, unless it is said what becomes of them. */
function sourceFrom(settings: Partial<SourceConfig>, files: string): SourceConfig {
    return { newColumns: "reject-file", ...settings, match: files };
}

function nameOfTable(table: PgTable): string {
    const { schema = "public", name } = getTableConfig(table);
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    return `${quoted(schema)}.${quoted(name)}`;
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
