/** A stream for a table of the user's: what the table asks of each column, and how the newest file fares. The table is only read. */
import { join } from "node:path";
import type { Sql } from "../../database/connect.ts";
import type { DatabaseTarget } from "../../database/database-target.ts";
import { streamsFolder } from "../../environment.ts";
import { exitCodes, SluiceError } from "../../errors.ts";
import { applyStream, examine, type TableStream } from "../../streams/apply-stream.ts";
import type { CatalogTable } from "../../streams/catalog/catalog-table.ts";
import { quoteTable } from "../../streams/catalog/quote-ident.ts";
import { declareStream } from "../../streams/declare.ts";
import { type ModeDeclaration, modeSchema } from "../../streams/mode.ts";
import type { SourceConfig } from "../../streams/source-config.ts";
import { isContradictory } from "../sniff/date-format.ts";
import type { ReadingSettings } from "../sniff/read-values.ts";
import type { Proposal } from "../sniff/sniff-file.ts";
import { type TriedFile, type TryOptions, tryFiles } from "../try/try-files.ts";
import { describeRowChecks, type Mapping, mapColumns } from "./map-columns.ts";
import { type NewFile, writeNewFiles } from "./new-files.ts";
import { proposePartitions, widenFiles } from "./propose-partitions.ts";
import { streamText } from "./stream-text.ts";

export interface TableRequest {
    name: string;
    /** As a person writes it. */
    table: string;
    files: string;
    /** Columns of a unique index; null: the primary key, or the only one. */
    key: readonly string[] | null;
    mode: ModeDeclaration;
    settings: ReadingSettings;
    allowsTriggers: boolean;
    /** A file of the stream, as the watched folder or the bucket has it; null: none is known. */
    example: string | null;
    /** The user has said `files`, and not a file's path alone. */
    isFilesGiven: boolean;
}

export interface MappedTable {
    declared: TableStream;
    table: CatalogTable;
    mapping: Mapping;
    rowChecks: readonly string[];
    newFile: NewFile;
}

/** `seen`: what the newest file is like; null: there is none yet. @throws SluiceError with the remedy for a table that no stream takes */
export async function mapTable(sql: Sql, request: TableRequest, seen: Proposal | null): Promise<MappedTable> {
    const { name, key, allowsTriggers } = request;
    const read = { ...request.settings, ...(seen?.source.numbers && { numbers: seen.source.numbers }) };
    const basis = declaredWith(request, read);
    const { table, streamId } = await examine(sql, basis);
    const fileNames = seen?.columns.map(({ fileName }) => fileName) ?? [];
    const partitions = proposePartitions(request.example ?? "", table.columns, fileNames);
    const given = { ...read, ...(partitions.length > 0 && { partitions }) };
    const files = request.isFilesGiven ? request.files : widenFiles(request.files, partitions);
    const keyNames = declareStream(table, basis, streamId).stream.keys.map((column) => column.name);
    const mapping = mapColumns(table, seen?.columns ?? [], keyNames, given);
    const settings = { ...given, ...(given.timestamps === undefined && timestampsOf(mapping)) };
    const { aliases, ignore } = { ...settings, ...(seen !== null && mapping) };
    const source: ReadingSettings = {
        ...settings,
        ...(aliases && Object.keys(aliases).length > 0 && { aliases: { ...aliases } }),
        ...(ignore && ignore.length > 0 && { ignore: [...ignore] }),
    };
    const tableName = quoteTable({ schema: table.schema, table: table.name });
    return {
        declared: declaredWith({ ...request, files, table: tableName }, source),
        table,
        mapping,
        rowChecks: describeRowChecks(table),
        newFile: {
            path: join(streamsFolder(), `${name}.ts`),
            text: streamText({
                files,
                table: tableName,
                key,
                mode: request.mode,
                settings: { ...source, ...(allowsTriggers && { triggers: "allow" }) },
            }),
        },
    };
}

/** Dates that are written in one way alone are read so. */
function timestampsOf({ columns }: Mapping): Pick<ReadingSettings, "timestamps"> {
    const dates = columns.flatMap(({ dateFormats = [] }) => (dateFormats.length === 0 ? [] : [dateFormats]));
    const formats = [...new Set(dates.flat())];
    const isCertain = dates.every(({ length }) => length === 1) && !isContradictory(formats);
    if (formats.length === 0 || !isCertain) return {};
    return { timestamps: { format: formats.length === 1 ? formats[0]! : formats } };
}

function declaredWith(request: TableRequest, settings: ReadingSettings): TableStream {
    const { name, table, files, key, allowsTriggers } = request;
    const source: SourceConfig = { newColumns: "reject-file", ...settings, match: files };
    return { name, table, files, key, mode: modeSchema.parse(request.mode), allowsTriggers, isFile: true, source };
}

/** @throws SluiceError `columns_missing` when every file like this one would fail */
export function refuseLacking({ mapping, table }: MappedTable, path: string): void {
    const lacking = mapping.columns.filter(({ isLacking }) => isLacking).map(({ name }) => name!);
    if (lacking.length === 0) return;
    const free = mapping.ignore.slice(0, 8).join(", ");
    throw new SluiceError({
        code: "columns_missing",
        what: `${path} has no column for ${lacking.join(", ")}, which every row of ${table.name} needs; nothing was written.`,
        from: "the command line",
        remedy:
            free === ""
                ? `Give the column a default (alter table … alter column ${lacking[0]} set default …).`
                : `If it is one of ${free}, map it: --alias "${mapping.ignore[0]}=${lacking[0]}".`,
        exitCode: exitCodes.usage,
    });
}

/** Tries the file, then writes the stream's own. `path`: null when there is no file to try. */
export async function addTableStream(
    target: DatabaseTarget,
    { declared, newFile }: MappedTable,
    path: string | null,
    tryConfig: TryOptions["config"],
): Promise<{ written: string[]; tried: TriedFile | null }> {
    const stream = await applyStream(target, declared);
    const sources = [{ ...declared.source, match: "*" }];
    const files = path === null ? [] : [path];
    const [tried] =
        files.length === 0 ? [] : await tryFiles({ target, stream, config: { ...tryConfig, sources }, files });
    writeNewFiles([newFile]);
    return { written: [newFile.path], tried: tried ?? null };
}
