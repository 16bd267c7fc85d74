/** What a stream's file exports → its parts, or every fault in it. Pure. */
import { getTableConfig, type PgTable } from "drizzle-orm/pg-core";
import { z } from "zod";
import { parseBucketUrl } from "../bucket/bucket-url.ts";
import type { StreamDeclaration } from "./declaration.ts";
import { deriveKey } from "./derive-key.ts";
import { type Mode, modeSchema, modeSettings } from "./mode.ts";
import { createSourceSchema, type SourceConfig } from "./source-config.ts";
import type { Stream } from "./stream.ts";

export interface ReadDeclaration {
    files: string;
    /** As SQL writes it. */
    table: string;
    key: readonly string[] | null;
    triggers: "allow" | undefined;
    mode: Mode;
    defersIndexes: boolean;
    /** How its files are read. */
    settings: Omit<SourceConfig, "match">;
}

const ownSettings = z.looseObject({
    files: z.string().min(1),
    table: z.union([z.string().min(1), z.custom<PgTable>((value) => typeof value === "object" && value !== null)]),
    key: z.array(z.string()).min(1).optional(),
    triggers: z.literal("allow").optional(),
    deferIndexes: z.boolean().optional(),
});

export function readDeclaration(declaration: unknown): ReadDeclaration | { faults: string } {
    const own = ownSettings.safeParse(declaration);
    if (!own.success) return { faults: describe(own.error) };
    const { files, table, key, triggers, deferIndexes = false, ...others } = declaration as StreamDeclaration;
    const isOfMode = (name: string) => modeSettings.some((setting) => setting === name);
    const entries = Object.entries(others);
    const mode = modeSchema.safeParse(Object.fromEntries(entries.filter(([name]) => isOfMode(name))));
    const settings = Object.fromEntries(entries.filter(([name]) => !isOfMode(name)));
    const faults = [
        mode.success ? null : describe(mode.error),
        mode.data?.name === "append" ? keyOfAppend({ key, ...settings }) : null,
        faultsOfSettings(settings, null),
        faultOfAddress(files),
    ];
    if (!mode.success || faults.some((fault) => fault !== null)) {
        return { faults: faults.filter((fault) => fault !== null).join("; ") };
    }
    return {
        ...{ files, triggers, settings, key: key ?? null, mode: mode.data, defersIndexes: deferIndexes },
        table: typeof table === "string" ? table : nameOfTable(table),
    };
}

function faultOfAddress(files: string): string | null {
    try {
        parseBucketUrl(files);
        return null;
    } catch (error) {
        return `files: ${(error as Error).message}`;
    }
}

/** A key would have no effect. */
function keyOfAppend(given: object): string | null {
    const named = (["key", deriveKey] as const).find((name) => given[name as keyof typeof given] !== undefined);
    return named === undefined
        ? null
        : `${named}: has no meaning in the mode append, in which each record becomes a row`;
}

/** `stream`: whose columns the settings name; null: they are not looked at. Returns null when there is no fault. */
export function faultsOfSettings(settings: Omit<SourceConfig, "match">, stream: Stream | null): string | null {
    const { error } = createSourceSchema(stream).safeParse({ ...settings, match: "*" });
    return error === undefined ? null : describe(error);
}

function describe({ issues }: z.ZodError): string {
    return issues
        .map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`))
        .join("; ");
}

function nameOfTable(table: PgTable): string {
    const { schema = "public", name } = getTableConfig(table);
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    return `${quoted(schema)}.${quoted(name)}`;
}
