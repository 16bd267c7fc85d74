/** Which checks there are: of the ledger and of built-in streams those in sql/, of tables that Sluice found by their template. */
import type { Sql } from "../database/connect.ts";
import { type ProgramFiles, programFiles } from "../program.ts";
import { renderFoundChecks } from "../streams/render/render-found-checks.ts";
import { keyColumnsOf } from "./streams/describe-contract.ts";
import { type KnownStream, readStreams } from "./streams/read-streams.ts";

export interface Check {
    /** The file's name without its ending; of a found table with the stream's name and a dot before it. */
    name: string;
    /** The stream whose table and staging it looks at; none: it is the ledger's, of all streams. */
    stream?: string;
    /** The leading comment, as one line. */
    asserts: string;
    /** The select, without a semicolon. */
    query: string;
}

/** Those of this database, by name. With a stream's name those of its own, and of the ledger. */
export async function findChecks(sql: Sql, stream?: string | undefined): Promise<Check[]> {
    const found = await readFoundStreams(sql);
    const rendered = found.flatMap((known) =>
        Object.entries(renderFoundChecks(known)).map(([name, text]) => ({
            ...parseCheck(`${known.name}.${name}`, text),
            stream: known.name,
        })),
    );
    return [...readChecks(), ...rendered].filter((check) => isOf(check, stream));
}

/** Whether it is asked when only this stream is. */
export function isOf(check: Pick<Check, "stream">, stream: string | undefined): boolean {
    return stream === undefined || check.stream === undefined || check.stream === stream;
}

/** Every check that stands in sql/, by name. */
export function readChecks(files: ProgramFiles = programFiles): Check[] {
    const streams = files.list("sql/rendered");
    return [
        ...readFolder(files, "sql/checks"),
        ...streams.flatMap((stream) =>
            [`sql/${stream}/checks`, `sql/rendered/${stream}/checks`].flatMap((folder) =>
                readFolder(files, folder).map((check) => ({ ...check, stream })),
            ),
        ),
    ].sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Every check that stands in this folder. */
export function readFolder(files: ProgramFiles, folder: string): Check[] {
    return files
        .list(folder)
        .filter((name) => name.endsWith(".sql"))
        .map((name) => parseCheck(name.slice(0, -".sql".length), files.read(`${folder}/${name}`)));
}

function parseCheck(name: string, text: string): Check {
    const lines = text.split("\n");
    const firstOfQuery = lines.findIndex((line) => !line.startsWith("--") && line.trim() !== "");
    const comment = lines.slice(0, firstOfQuery).map((line) => line.replace(/^--\s?/, "").trim());
    const query = lines.slice(firstOfQuery).join("\n").trim().replace(/;$/, "");
    return { name, asserts: comment.join(" ").trim(), query };
}

/** Whether its mode deletes rows: then the row of a conflict may be gone. */
function removesRows({ mode, declaration }: KnownStream): boolean {
    const { mode: declared } = (declaration ?? {}) as { mode?: { deleteWhen?: string | null } };
    return mode === "snapshot" || (mode === "upsert" && typeof declared?.deleteWhen === "string");
}

/** Streams with a schema of their own. */
async function readFoundStreams(sql: Sql) {
    const streams = (await readStreams(sql)).filter(({ home }) => home !== "ingest");
    if (streams.length === 0) return [];
    const homes = await sql<{ home: string }[]>`
        select pg_namespace.nspname::text as home
        from pg_namespace
        where
            pg_namespace.nspname = any(${streams.map(({ home }) => home)}::text[])
            and case
                when has_schema_privilege(pg_namespace.oid, 'usage') then
                    to_regclass(format('%I.staging', pg_namespace.nspname)) is not null
                    and to_regprocedure(format('%I.stored_record(jsonb)', pg_namespace.nspname)) is not null
                -- To name what is in it would raise here. Each check of the stream says so itself.
                else true
            end`;
    return streams.map((stream: KnownStream) => ({
        ...stream,
        key: keyColumnsOf(stream),
        removesRows: removesRows(stream),
        hasHome: homes.some(({ home }) => home === stream.home),
    }));
}
