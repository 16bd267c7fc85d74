/**
 * Makes a declared stream known to the database, and what it needs there: its row in ingest.streams, its schema with staging
 * and functions. Everything is one transaction under the lock of migrations, and is done again only when the table or the
 * templates changed.
 */

import { createHash } from "node:crypto";
import { connect, type Sql } from "../database/connect.ts";
import type { DatabaseTarget } from "../database/database-target.ts";
import { setUpLockKey } from "../database/migrate.ts";
import { sqlStateOf, sqlStates } from "../database/sql-states.ts";
import { commandHere } from "../environment.ts";
import { exitCodes, SluiceError } from "../errors.ts";
import type { CatalogTable } from "./catalog/catalog-table.ts";
import { readTable } from "./catalog/read-table.ts";
import { refusalOfMode } from "./catalog/refuse-mode.ts";
import { type Refusal, refusalOf, refusalOfMissing } from "./catalog/refuse-table.ts";
import {
    type Declared,
    type DeclaredStream,
    declareStream,
    homeOf,
    ignoredColumns,
    keyOf,
    shapeColumns,
} from "./declare.ts";
import { reasonsOfAnyStream, reasonsOfKey, reasonsOfPath } from "./reject-reasons.ts";
import { showText } from "./render/hidden-text.ts";
import { renderTable } from "./render/render-table.ts";
import { literal } from "./render/sql-text.ts";
import type { StreamSql } from "./render/stream-sql.ts";
import { defineStream, type Stream } from "./stream.ts";
import { anyText } from "./types/type-rule.ts";

export interface TableStream extends Declared {
    /** As a person writes it: `orders`, `sales.orders`, `sales."Order"`. */
    table: string;
    /** Takes a table with triggers that may change what is inserted. */
    allowsTriggers: boolean;
    /** Declared in a file: without it the stream is no more. */
    isFile: boolean;
}

/**
 * The stream as its table is now.
 * @throws SluiceError with the remedy when the table cannot be taken
 */
export async function applyStream(
    target: DatabaseTarget,
    declared: TableStream,
    /** False: a new stream is only made known, for a look; nothing is ingested by it yet. */
    { isActive = true } = {},
): Promise<Stream> {
    const sql = connect(target, { applicationName: "sluice stream", max: 1, settings: { lock_timeout: "60s" } });
    try {
        await sql`select pg_advisory_lock(${setUpLockKey}::bigint)`;
        const { table, streamId } = await examine(sql, declared);
        const found = declareStream(table, declared, streamId);
        if (declared.isFile) await refuseUnknownColumns(declared, found.stream);
        await refuseOpenChunks(sql, declared, streamId);
        await applyText(sql, declared, table, found, isActive).catch(explainRights(sql, declared));
        await sql`select ingest.grant_reader(${found.stream.id}::smallint, to_regrole('sluice_api'))`;
        return found.stream;
    } finally {
        await sql.end({ timeout: 5 });
    }
}

/** What was read for one mode is not merged by another: half of a file would be taken for a snapshot, or divided into other slices. */
async function refuseOpenChunks(sql: Sql, { name, mode }: TableStream, streamId: number): Promise<void> {
    const [open] = await sql<{ mode: string; chunks: number }[]>`
        select streams.mode, count(*) as chunks
        from ingest.streams
        inner join ingest.chunks on chunks.stream_id = streams.stream_id
        where
            streams.stream_id = ${streamId}
            and streams.mode <> ${mode.name}
            and array[streams.mode, ${mode.name}::text] && array['snapshot', 'append']
            and chunks.state in ('held', 'staged', 'pending')
        group by streams.mode`;
    if (open === undefined) return;
    throw refuse({
        code: "mode_changed",
        what: `The stream ${name} becomes a stream of the mode ${mode.name}, and ${open.chunks} parts of its files wait that were read for the mode ${open.mode}.`,
        remedy: `Declare mode: "${open.mode}" once more, run \`${commandHere("ingest")} --trigger available-now\` until nothing waits, then change it.`,
    });
}

/** A setting that names no column of the table would be silently without effect. */
async function refuseUnknownColumns({ name, source }: TableStream, stream: Stream): Promise<void> {
    const { faultsOfSettings } = await import("./read-declaration.ts");
    const { match: _, ...settings } = source;
    const faults = faultsOfSettings(settings, stream);
    if (faults === null) return;
    throw new SluiceError({
        code: "invalid_stream",
        what: `streams/${name}.ts: ${faults}.`,
        remedy: `The columns of ${stream.table} are ${stream.columns.map((column) => column.name).join(", ")}.`,
        exitCode: exitCodes.configuration,
    });
}

/**
 * The stream of a table that cannot be taken now, as it was last or as its declaration alone says: enough to know whose its files
 * are, and to wait for the table. @throws PostgresError when the role may not write it down
 */
export async function reserveStream(target: DatabaseTarget, declared: TableStream): Promise<Stream> {
    const sql = connect(target, { applicationName: "sluice stream", max: 1, settings: { lock_timeout: "60s" } });
    try {
        await sql`select pg_advisory_lock(${setUpLockKey}::bigint)`;
        const [known] = await sql<{ streamId: number; table: string | null; isActive: boolean }[]>`
            select
                stream_id as "streamId", is_active as "isActive", (shape #> '{contract,table}')::text as table
            from ingest.streams
            where name = ${declared.name}`;
        if (known?.isActive !== true) {
            const [row] = await sql<{ streamId: number }[]>`
                select coalesce(${known?.streamId ?? null}::integer, max(stream_id) + 1) as "streamId" from ingest.streams`;
            const { streamId } = row!;
            await sql`select ingest.add_stream(${streamId}::smallint, ${declared.name}, ${declared.table}, ${declared.mode.name})`;
            await sql`
                update ingest.streams
                set is_active = true, home = ${homeOf(declared.name)}, files = ${declared.files},
                    declaration = ${JSON.stringify(declarationOf(declared))}::text::jsonb
                where stream_id = ${streamId}`;
            return emptyStream(declared, streamId);
        }
        if (known.table === null) return emptyStream(declared, known.streamId);
        try {
            return declareStream(JSON.parse(known.table), declared, known.streamId).stream;
        } catch {
            // Of another version of this program, or declared otherwise since.
            return emptyStream(declared, known.streamId);
        }
    } finally {
        await sql.end({ timeout: 5 });
    }
}

/** Nothing is read or merged by it: its table tells what it is. */
function emptyStream({ name, table, files, source, mode }: TableStream, id: number): Stream {
    return defineStream({
        ...{
            id,
            name,
            table,
            files,
            source,
            mode,
            home: homeOf(name),
            keepsExtras: false,
            extras: "extras",
            time: null,
        },
        columns: [{ name: "key", type: anyText("text", []), isRequired: true, reasons: [] }],
        key: "key",
    });
}

/** What a dry look needs too: nothing is written. */
export async function examine(sql: Sql, declared: TableStream): Promise<{ table: CatalogTable; streamId: number }> {
    const named = await readTable(sql, declared.table);
    if (named === null) throw refuse(await refusalOfMissing(sql, declared.table));
    // Now every expression names its functions and types with their schema.
    await sql`set search_path to pg_catalog`;
    const table = await readTable(sql, { schema: named.schema, table: named.name });
    const options = {
        triggers: declared.allowsTriggers ? ("allow" as const) : undefined,
        key: declared.key ?? undefined,
        ignore: ignoredColumns(declared.source),
        mode: declared.mode,
    };
    const refusal = table === null ? await refusalOfMissing(sql, declared.table) : refusalOf(table, options);
    if (refusal !== null || table === null) throw refuse(refusal!);
    const refusedMode = await refusalOfMode(sql, table, declared.mode, keyOf(table, declared)?.columns ?? []);
    if (refusedMode !== null) throw refuse(refusedMode);
    const [row] = await sql<{ streamId: number }[]>`
        select coalesce(
            (select stream_id from ingest.streams where name = ${declared.name}),
            (select max(stream_id) + 1 from ingest.streams)
        ) as "streamId"`;
    return { table, streamId: row!.streamId };
}

const refuse = ({ code, what, remedy }: Refusal) =>
    new SluiceError({ code, what, remedy, exitCode: exitCodes.configuration });

/** Streams are the owner's to make: a role that loads finds them made. */
function explainRights(sql: Sql, { name, table, isFile }: TableStream) {
    return async (error: unknown): Promise<never> => {
        if (sqlStateOf(error) !== sqlStates.insufficientPrivilege) throw error;
        await sql.unsafe("rollback").catch(() => {});
        const [row] = await sql<{ role: string; hasHome: boolean }[]>`
            select current_user as role, to_regnamespace(${homeOf(name)}) is not null as "hasHome"`;
        const { role, hasHome } = row!;
        const command = isFile
            ? `\`${commandHere("migrate")}\``
            : `\`${commandHere("ingest")} --table ${table} --trigger available-now\``;
        throw new SluiceError({
            code: "stream_rights",
            what: hasHome
                ? `The table or the declaration of the stream ${name} has changed, or rights on its table are missing, and the role ${role} may not recreate its functions (${(error as Error).message}).`
                : `The stream ${name} does not exist yet, and the role ${role} may not create its schema ${homeOf(name)} (${(error as Error).message}).`,
            remedy: `Run ${command} as the role that owns the schema ingest; then run sql/roles/loader.sql, which grants what a loader needs.`,
            exitCode: exitCodes.configuration,
            cause: error,
        });
    };
}

async function applyText(
    sql: Sql,
    declared: TableStream,
    table: CatalogTable,
    found: DeclaredStream,
    isActive: boolean,
): Promise<void> {
    const home = homeOf(declared.name);
    const text = renderTable(found.sql, home);
    const columns = found.stream.columns.map(({ name, type, isRequired, reasons }) => {
        return { name, type: type.name, isRequired, reasons };
    });
    const shape = {
        key: found.stream.key === null ? undefined : found.stream.keys.map(({ name }) => name).join("_"),
        columns: shapeColumns(table),
        contract: { table: ofAnyRole(table), key: found.stream.keys.map(({ name }) => name), columns },
    };
    const kept = JSON.stringify({
        files: declared.files,
        declaration: declarationOf(declared),
        shape,
        codes: codesOf(found.sql, found.stream).map(showText),
        hash: createHash("sha256")
            .update(JSON.stringify([text, shape]))
            .digest("hex"),
    });
    const [known] = await sql<{ isSame: boolean; isActive: boolean }[]>`
        select
            is_active as "isActive",
            (is_active or not ${isActive}::boolean)
            and files = ${declared.files}
            and shape_hash = ${kept}::text::jsonb ->> 'hash'
            and declaration = ${kept}::text::jsonb -> 'declaration' as "isSame"
        from ingest.streams
        where stream_id = ${found.stream.id}`;
    if ((await isWholeHome(sql, home, found.stream.name, text)) && known?.isSame) return;
    await sql.unsafe(script(found, home, text, kept, isActive || known?.isActive === true)).simple();
}

/** Every code that a reject of the stream can have. */
function codesOf({ conditions, refusals, conflictCode }: StreamSql, { columns, source }: Stream): string[] {
    return [
        ...columns.flatMap(({ name, reasons }) => reasons.map((reason) => `${name}_${reason}`)),
        ...(conditions?.rules ?? []).map(({ code }) => code),
        ...refusals.map(({ code }) => code),
        ...reasonsOfKey(conflictCode),
        ...reasonsOfAnyStream,
        ...reasonsOfPath(source),
    ];
}

/** What says that a schema was made here: one that happens to have such a name is left alone. */
const homeMark = (name: string): string => `What Sluice made for its stream ${name}: staging and functions.`;

/**
 * Whether all that the text makes is there: a dump may have left the schema out, and functions may have gone with others.
 * @throws SluiceError `home_taken`
 */
async function isWholeHome(sql: Sql, home: string, name: string, text: string): Promise<boolean> {
    const functions = [...text.matchAll(/create or replace function (\w+)\.(\w+)/g)].flatMap(([, schema, named]) =>
        schema === home ? [named!] : [],
    );
    const [state] = await sql<{ isMarked: boolean | null; isUsed: boolean; isWhole: boolean }[]>`
        select
            coalesce(obj_description(to_regnamespace(${home}), 'pg_namespace'), '') = ${homeMark(name)} as "isMarked",
            exists (select from pg_class where relnamespace = to_regnamespace(${home}))
            or exists (select from pg_proc where pronamespace = to_regnamespace(${home})) as "isUsed",
            to_regclass(format('%I.staging', ${home}::text)) is not null
            and not exists (
                select unnest(${functions}::text[])
                except
                select proname::text from pg_proc where pronamespace = to_regnamespace(${home})
            ) as "isWhole"`;
    if (state!.isUsed && !state!.isMarked) {
        throw refuse({
            code: "home_taken",
            what: `The schema ${home} exists and was not made by Sluice, but the stream ${name} needs this name for its staging.`,
            remedy: "Give the stream another name (its file in streams/), or rename that schema.",
        });
    }
    return state!.isWhole;
}

/** What a role may do is not the table's: another one would make everything anew. */
const ofAnyRole = ({ rights: _, hasRowSecurity: __, ...table }: CatalogTable) => table;

const declarationOf = ({ source, files, table, key, mode, isFile }: TableStream) => ({
    ...source,
    files,
    table,
    key,
    // Of another mode than the one that streams had before there were several.
    ...(mode.name === "insert" ? {} : { mode }),
    isFile,
});

function script({ stream }: DeclaredStream, home: string, text: string, kept: string, isActive: boolean): string {
    return `
        begin;
        set local client_min_messages = warning;
        select pg_advisory_xact_lock(${setUpLockKey});
        create schema if not exists ${home};
        comment on schema ${home} is ${literal(homeMark(stream.name))};
        do $do$
        declare
            statement text;
        begin
            -- At once: one by one, what goes with another would be looked for in vain.
            select format('drop function if exists %s cascade', string_agg(pg_proc.oid::regprocedure::text, ', '))
            into statement
            from pg_proc
            where pg_proc.pronamespace = '${home}'::regnamespace
            having count(*) > 0;
            if statement is not null then
                execute statement;
            end if;
        end
        $do$;
        ${text}
        select ingest.add_stream(${stream.id}::smallint, ${literal(stream.name)}, ${literal(stream.table)}, ${literal(stream.mode.name)});
        update ingest.streams
        set
            table_name = ${literal(stream.table)},
            home = '${home}',
            is_active = ${isActive},
            files = kept.value ->> 'files',
            declaration = kept.value -> 'declaration',
            -- Rejects keep the codes of rules that are no more.
            shape = kept.value -> 'shape' || jsonb_build_object(
                'codes',
                (
                    select jsonb_agg(distinct codes.code)
                    from jsonb_array_elements_text(
                        kept.value -> 'codes' || coalesce(streams.shape -> 'codes', '[]')
                    ) as codes (code)
                )
            ),
            shape_hash = kept.value ->> 'hash'
        from (select ${literal(kept)}::jsonb as value) as kept
        where streams.stream_id = ${stream.id};
        commit;`;
}
