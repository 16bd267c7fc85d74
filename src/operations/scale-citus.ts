/**
 * Distributes the tables of streams over the workers of a Citus cluster, by their keys, and back. Everything else (ledger, rejects,
 * rollups, staging) stays on the coordinator. What each step does is a statement, so that it can be looked at before, or run by hand.
 */
import type { Sql } from "../database/connect.ts";
import { commandHere } from "../environment.ts";
import { exitCodes, SluiceError } from "../errors.ts";
import { literal } from "../streams/render/sql-text.ts";
import { refuseWhileRunning } from "./refuse-while-running.ts";

/** Each shard costs a merge a message, however few rows it has; with eight, two to eight workers have their share. */
export const shardCount = 8;

export interface CitusNode {
    host: string;
    port: number;
}

export interface CitusStep {
    /** What it does, for people. */
    what: string;
    statement: string;
}

export interface CitusPlan {
    /** Those that have rows, or will. */
    workers: CitusNode[];
    steps: CitusStep[];
    /** Streams whose table stays as it is, and why. */
    kept: { stream: string; table: string; why: string }[];
}

interface StreamTable {
    stream: string;
    /** As SQL writes it. */
    table: string;
    mode: string;
    /** Whether Sluice made it: its functions name its row type. */
    isOurs: boolean;
    isDistributed: boolean;
    bytes: number;
    /** As SQL writes it: the first of its key. */
    column: string | null;
    /** What Citus, or Sluice on it, does not do with this table. */
    obstacles: string[];
    /** Views of somebody else, which go with the table when its distribution is undone. */
    views: string[];
}

/**
 * What would be done, from what is there. Reads only.
 * @throws SluiceError citus_missing, citus_no_workers, citus_views, ingest_running
 */
export async function planCitus(sql: Sql, added: readonly CitusNode[], isUndone: boolean): Promise<CitusPlan> {
    await requireCitus(sql);
    await refuseIngest(sql);
    const [tables, nodes] = [await readTables(sql), await readNodes(sql)];
    if (isUndone) return planUndo(tables, nodes);
    const unknown = added.filter(({ host, port }) => !nodes.some((node) => node.host === host && node.port === port));
    const workers = [...nodes, ...unknown];
    if (workers.length === 0) throw noWorkers();
    const distributable = tables.filter(({ isDistributed, obstacles }) => !isDistributed && obstacles.length === 0);
    return {
        workers,
        steps: [...unknown.map(addNode), ...distributable.map(distribute)],
        kept: tables
            .filter(({ isDistributed, obstacles }) => !isDistributed && obstacles.length > 0)
            .map(({ stream, table, obstacles }) => ({ stream, table, why: obstacles.join("; ") })),
    };
}

/** Each step is a transaction. What is done stays done: the command can be run again. */
export async function runCitus(sql: Sql, { steps }: CitusPlan, onStep: (step: CitusStep) => void): Promise<void> {
    for (const step of steps) {
        onStep(step);
        await sql.unsafe(step.statement).simple();
    }
}

const addNode = ({ host, port }: CitusNode): CitusStep => ({
    what: `adds the worker ${host}:${port}`,
    statement: `select citus_add_node(${literal(host)}, ${port})`,
});

/** The rows of before are moved by the first statement, and hidden; the second gives their space back. */
const distribute = ({ stream, table, column, bytes }: StreamTable): CitusStep => ({
    what: `distributes ${table} (stream ${stream}, ${Math.ceil(bytes / 1e6)} MB) by ${column} in ${shardCount} shards`,
    statement: [
        `select create_distributed_table(${literal(table)}, ${literal(column!)}, shard_count => ${shardCount}, colocate_with => 'none')`,
        `select truncate_local_data_after_distributing_table(${literal(table)})`,
    ].join(";\n"),
});

function planUndo(tables: readonly StreamTable[], workers: CitusNode[]): CitusPlan {
    const distributed = tables.filter(({ isDistributed }) => isDistributed);
    const views = distributed.flatMap((table) => table.views);
    if (views.length > 0) {
        throw new SluiceError({
            code: "citus_views",
            what: `Citus makes the table anew, and drops what depends on it: ${views.join(", ")}; nothing was changed.`,
            remedy: "Drop them first, and create them again afterwards.",
        });
    }
    return { workers, kept: [], steps: distributed.map(undistribute) };
}

/** The functions that name its row type go with the old table: the next migration makes them again. */
const undistribute = ({ stream, table, isOurs }: StreamTable): CitusStep => ({
    what: `brings the rows of ${table} (stream ${stream}) back to the coordinator`,
    statement: [
        `select undistribute_table(${literal(table)})`,
        ...(isOurs ? ["update ingest.applied_sql set content_hash = ''"] : []),
    ].join(";\n"),
});

async function requireCitus(sql: Sql): Promise<void> {
    const [row] = await sql<{ isThere: boolean; database: string }[]>`
        select
            exists (select from pg_extension where extname = 'citus') as "isThere",
            current_database() as database`;
    if (row!.isThere) return;
    throw new SluiceError({
        code: "citus_missing",
        what: `The database ${row!.database} does not have the extension citus.`,
        remedy:
            "Install Citus on the coordinator and on each worker, set shared_preload_libraries = 'citus', restart them, and run " +
            "`create extension citus` in a database of this name on each.",
        setting: "databaseUrl",
        exitCode: exitCodes.configuration,
    });
}

async function refuseIngest(sql: Sql): Promise<void> {
    refuseWhileRunning(
        await sql<{ host: string; pid: number; leaseSeconds: number }[]>`
            select distinct host, pid, extract(epoch from lease_until - clock_timestamp())::float8 as "leaseSeconds"
            from ingest.workers
            where lease_until > clock_timestamp()`,
    );
}

async function readNodes(sql: Sql): Promise<CitusNode[]> {
    return await sql<CitusNode[]>`
        select nodename as host, nodeport as port
        from pg_dist_node
        where shouldhaveshards and isactive and noderole = 'primary'
        order by nodename, nodeport`;
}

function noWorkers(): SluiceError {
    return new SluiceError({
        code: "citus_no_workers",
        what: "The cluster has no worker: the coordinator knows of no other node that takes shards.",
        remedy:
            `Name them: ${commandHere("scale")} citus --workers 10.0.0.2:5432 10.0.0.3:5432. The coordinator must be known by an ` +
            "address that they reach: select citus_set_coordinator_host('10.0.0.1', 5432).",
        exitCode: exitCodes.configuration,
    });
}

async function readTables(sql: Sql): Promise<StreamTable[]> {
    const rows = await sql<
        (StreamTable & { foreignKeys: string[]; uniques: string[]; triggers: string[]; kind: string })[]
    >`
        select
            streams.name as stream,
            streams.table_name as table,
            streams.mode,
            streams.home = 'ingest' as "isOurs",
            ingest.is_distributed(streams.table_name) as "isDistributed",
            pg_total_relation_size(pg_class.oid) as bytes,
            pg_class.relkind as kind,
            (
                select pg_attribute.attname
                from pg_index
                inner join pg_attribute on pg_attribute.attrelid = pg_class.oid and pg_attribute.attnum = pg_index.indkey[0]
                where pg_index.indrelid = pg_class.oid and pg_index.indisunique
                order by pg_index.indisprimary desc
                limit 1
            ) as column,
            array(
                select format('%s of %s', pg_constraint.conname, pg_constraint.conrelid::regclass)
                from pg_constraint
                where pg_constraint.contype = 'f' and pg_class.oid in (pg_constraint.conrelid, pg_constraint.confrelid)
                order by 1
            ) as "foreignKeys",
            array(
                select pg_index.indexrelid::regclass::text
                from pg_index
                where pg_index.indrelid = pg_class.oid and (pg_index.indisunique or pg_index.indisexclusion)
                order by pg_index.indisprimary desc, 1
                offset 1
            ) as uniques,
            array(
                select pg_trigger.tgname::text
                from pg_trigger
                where pg_trigger.tgrelid = pg_class.oid and not pg_trigger.tgisinternal
                order by 1
            ) as triggers,
            array(
                select distinct pg_rewrite.ev_class::regclass::text
                from pg_depend
                inner join pg_rewrite on pg_rewrite.oid = pg_depend.objid
                where
                    pg_depend.classid = 'pg_rewrite'::regclass and pg_depend.refobjid = pg_class.oid
                    and pg_rewrite.ev_class <> pg_class.oid
            ) as views
        from ingest.streams
        inner join pg_class on pg_class.oid = to_regclass(streams.table_name)
        where streams.is_active
        order by streams.stream_id`;
    return rows.map((row) => ({ ...row, obstacles: obstaclesOf(row) }));
}

function obstaclesOf(row: {
    mode: string;
    kind: string;
    column: string | null;
    foreignKeys: string[];
    uniques: string[];
    triggers: string[];
}): string[] {
    return [
        ...(row.mode === "insert"
            ? []
            : [`its mode is ${row.mode}; only tables of the mode insert can be distributed`]),
        ...(row.kind === "r" ? [] : ["it is partitioned"]),
        ...(row.column === null ? ["it has no primary key"] : []),
        ...row.foreignKeys.map((name) => `the foreign key ${name}: drop it, or let the other table be`),
        ...row.uniques.map((name) => `the unique index ${name}: a shard sees only its own rows`),
        ...row.triggers.map((name) => `the trigger ${name}: Citus does not fire it`),
    ];
}
