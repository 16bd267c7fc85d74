/** A stream for a CSV file without a table: makes the table that was proposed, and tries the file against it. */
import { basename, join, resolve } from "node:path";
import type { Sql } from "../../database/connect.ts";
import type { DatabaseTarget } from "../../database/database-target.ts";
import { migrateDatabase } from "../../database/migrate.ts";
import { streamMigrationsDir } from "../../database/stream-migrations.ts";
import { streamsFolder } from "../../environment.ts";
import { exitCodes, SluiceError } from "../../errors.ts";
import { applyStream } from "../../streams/apply-stream.ts";
import { quoteIdent } from "../../streams/catalog/quote-ident.ts";
import { readTable } from "../../streams/catalog/read-table.ts";
import { type ModeDeclaration, modeSchema } from "../../streams/mode.ts";
import { formatCount } from "../../terminal/format.ts";
import type { Proposal } from "../sniff/sniff-file.ts";
import { type TriedFile, type TryOptions, tryFiles } from "../try/try-files.ts";
import { migrationPath, type NewFile, refuseExisting, removeNewFiles, writeNewFiles } from "./new-files.ts";
import { streamText } from "./stream-text.ts";
import { tableText } from "./table-text.ts";
import { readMigrationNames, takeBack } from "./take-back.ts";

export interface NewCsvStream {
    name: string;
    /** A glob of paths in the watched folder. */
    files: string;
    /** The file that was looked at. */
    path: string;
    /** Nothing in it is asked any more. */
    proposal: Proposal;
    mode: ModeDeclaration;
}

/** What `--print` shows: the stream's file, then the migration. */
export function filesForCsv(
    { name, files, path, proposal, mode }: NewCsvStream,
    /** Migrations that the database has had. */
    applied: readonly string[] = [],
): [stream: NewFile, migration: NewFile] {
    const table = `public.${quoteIdent(name)}`;
    return [
        {
            path: join(streamsFolder(), `${name}.ts`),
            text: streamText({ files, table, key: null, mode, settings: proposal.source }),
        },
        {
            path: migrationPath(join(streamsFolder(), "migrations"), name, applied),
            text: tableText(name, basename(path), proposal),
        },
    ];
}

/** Before anything is asked or written. @throws SluiceError `table_exists` or `file_exists` */
export async function refuseTaken(sql: Sql, stream: NewCsvStream): Promise<void> {
    refuseExisting(filesForCsv(stream));
    const { name } = stream;
    if ((await readTable(sql, { schema: "public", table: name })) === null) return;
    throw new SluiceError({
        code: "table_exists",
        what: `The table public.${quoteIdent(name)} exists already; it was not changed.`,
        from: "the command line",
        remedy: `Give --table public.${quoteIdent(name)} if the file belongs there, --replace if \`add\` made it and it is empty, else another --name.`,
        exitCode: exitCodes.usage,
    });
}

/** @throws what the database refuses, and `nothing_fits`; then nothing stays behind */
export async function addCsvStream(
    sql: Sql,
    target: DatabaseTarget,
    stream: NewCsvStream,
    tryConfig: TryOptions["config"],
    log: (line: string) => void,
): Promise<{ written: string[]; tried: TriedFile }> {
    const newFiles = filesForCsv(stream, await readMigrationNames(sql));
    writeNewFiles(newFiles);
    try {
        await migrateDatabase(target, { log, streamMigrationsDir: resolve(streamMigrationsDir()) });
    } catch (error) {
        removeNewFiles(newFiles);
        throw error;
    }
    const { name, files, path, proposal } = stream;
    const applied = await applyStream(target, {
        name,
        files,
        table: `public.${quoteIdent(name)}`,
        source: { newColumns: "reject-file", ...proposal.source, match: files },
        key: null,
        mode: modeSchema.parse(stream.mode),
        allowsTriggers: false,
        isFile: true,
    });
    const sources = [{ ...applied.source!, match: "*" }];
    const [tried] = await tryFiles({ target, stream: applied, config: { ...tryConfig, sources }, files: [path] });
    if (isAllRejected(tried!)) {
        await takeBack(sql, name);
        throw nothingFits(path, tried!);
    }
    return { written: newFiles.map((file) => file.path), tried: tried! };
}

const isAllRejected = ({ problem, records }: TriedFile): boolean =>
    problem === null && records.read > 0 && records.rejected === records.read;

function nothingFits(path: string, { records, reasons }: TriedFile): SluiceError {
    const [most] = reasons;
    const why = most === undefined ? "" : `, most often ${most.reason}`;
    return new SluiceError({
        code: "nothing_fits",
        what: `All ${formatCount(records.read, "record")} of ${path} would be rejected${why}; nothing was made.`,
        from: "the command line",
        remedy: "Give another --type, or how its values are written: --date, --decimal, --thousands, --null.",
        exitCode: exitCodes.usage,
    });
}
