/** Checks of the database itself: its tables, the rights of its user, free connections, its clock. */

import type { Sql } from "../../database/connect.ts";
import { readConnectionRoom } from "../../database/connection-room.ts";
import type { DatabaseTarget } from "../../database/database-target.ts";
import { inspectSchema } from "../../database/migrate.ts";
import { leastConnections } from "../../engine/run/plan-connections.ts";
import { commandHere, program } from "../../environment.ts";
import { SluiceError } from "../../errors.ts";
import type { Status } from "../../operations/status/status-schema.ts";
import type { Stream } from "../../streams/stream.ts";
import { formatCount, formatDuration } from "../../terminal/format.ts";
import { type Found, fail, note, ok } from "./finding.ts";

/** Beyond the first, ages computed by one's own clock are wrong; beyond the second, today's events lie in the future. */
const fewClockMs = 5_000;
const mostClockMs = 3_600_000;

/** `isUsable`: the tables are this program's, and the checks of what is in them make sense. */
export async function checkSchema(
    target: DatabaseTarget,
    sql: Sql,
    { table }: Stream,
): Promise<{ finding: Found; isUsable: boolean }> {
    try {
        const { isSetUp, migrations, sqlFiles } = await inspectSchema(target, sql);
        const isUsable = isSetUp && migrations.length === 0;
        return {
            finding: isUsable ? await judgeCurrent(sql, table, sqlFiles) : judgeOld(isSetUp, migrations),
            isUsable,
        };
    } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        return { finding: fail(error.what, error.remedy), isUsable: false };
    }
}

function judgeOld(isSetUp: boolean, pending: readonly string[]): Found {
    if (isSetUp) {
        return fail(
            `Older than this program. Missing migrations: ${pending.join(", ")}.`,
            `Run \`${commandHere("migrate")}\`. Rows and ledger stay.`,
        );
    }
    return note(
        "This database does not have Sluice's tables yet.",
        `\`${commandHere("migrate")}\` creates them; so do \`${commandHere("ingest")}\` and \`${program} start\`.`,
    );
}

async function judgeCurrent(sql: Sql, table: string, isSqlDue: boolean): Promise<Found> {
    if (isSqlDue) {
        return note(
            "The tables are up to date; the functions and views belong to another version.",
            `Run \`${commandHere("migrate")}\`, or let the next ingest do it.`,
        );
    }
    const triggers = await triggersOn(sql, table);
    if (triggers.length === 0) return ok(`Up to date: tables, functions, and the columns of ${table}.`);
    return note(
        `Up to date. Triggers on ${table} may refuse, change or drop records: ${triggers.join(", ")}.`,
        `A record that they refuse or drop becomes a reject (refused_by_table); ${commandHere("rejects")} shows why. ` +
            "A record whose row they changed becomes a conflict if it is delivered again.",
    );
}

async function triggersOn(sql: Sql, table: string): Promise<string[]> {
    const rows = await sql<{ name: string }[]>`
        select tgname::text as name
        from pg_trigger
        where tgrelid = to_regclass(${`public.${table}`}) and not tgisinternal and tgenabled <> 'D'
        order by tgname`;
    return rows.map(({ name }) => name);
}

interface Rights {
    userName: string;
    mayCreate: boolean;
    /** Rights that an ingest needs and this user lacks, such as `insert on public.events`. */
    missing: string[];
    mayRead: boolean;
}

/** Checks the rights that an ingest needs; before the set-up, the right to create the tables. */
export async function checkRights(sql: Sql, { table }: Stream, isSetUp: boolean): Promise<Found> {
    const { userName, mayCreate, missing, mayRead } = await readRights(sql, table, isSetUp);
    if (!isSetUp) {
        if (mayCreate) return ok(`${userName} can set up the database.`);
        return fail(
            `${userName} cannot set up the database.`,
            `As its owner: grant create on database … to ${userName}; grant create on schema public to ${userName};`,
        );
    }
    if (missing.length === 0) return ok(`${userName} can ingest, serve and replay.`);
    const found = `${userName} lacks ${missing.slice(0, 3).join(", ")}${missing.length > 3 ? " and more" : ""}`;
    const remedy = `For ingest and replay, grant these rights (or connect as the user that ran \`${commandHere("migrate")}\`).`;
    return mayRead
        ? note(`${found}: enough for status, api and sql.`, remedy)
        : fail(`${found}, and cannot even read.`, remedy);
}

async function readRights(sql: Sql, table: string, isSetUp: boolean): Promise<Rights> {
    const [user] = await sql<Pick<Rights, "userName" | "mayCreate">[]>`
        select
            current_user as "userName",
            has_database_privilege(current_database(), 'create') and has_schema_privilege('public', 'create') as "mayCreate"`;
    if (!isSetUp) return { ...user!, missing: [], mayRead: false };
    const missing = await sql<{ right: string }[]>`
        select format('%s on %s.%s', lower(needed.privilege), pg_class.relnamespace::regnamespace, pg_class.relname) as right
        from pg_class
        cross join (values ('INSERT'), ('UPDATE'), ('DELETE')) as needed (privilege)
        where
            pg_class.relkind in ('r', 'p')
            and (
                (pg_class.oid = to_regclass(${`public.${table}`}) and needed.privilege = 'INSERT')
                or (
                    pg_class.relnamespace = 'ingest'::regnamespace
                    and pg_class.relname in ('files', 'loads', 'chunks', 'workers')
                    and needed.privilege <> 'DELETE'
                )
                or (
                    pg_class.relnamespace = 'ingest'::regnamespace
                    and (pg_class.relname in ('batches', 'chunk_merges', 'rejects', 'staging') or pg_class.relname like '%\\_stats')
                    and needed.privilege = 'INSERT'
                )
            )
            and not has_table_privilege(pg_class.oid, needed.privilege)
        order by pg_class.relnamespace::regnamespace::text <> 'public', pg_class.relname, needed.privilege`;
    const [read] = await sql<{ mayRead: boolean }[]>`
        select
            has_schema_privilege('ingest', 'usage')
            and has_table_privilege(to_regclass(${`public.${table}`}), 'select')
            and has_table_privilege('ingest.files'::regclass, 'select') as "mayRead"`;
    return { ...user!, missing: missing.map(({ right }) => right), mayRead: read!.mayRead };
}

/** Whether an ingest would get the connections that it needs; one that runs has its own. */
export async function checkConnections(sql: Sql, { workers }: Pick<Status, "workers">): Promise<Found> {
    const { free: most, limit } = await readConnectionRoom(sql);
    if (most === null) return ok("No limit is set.");
    const found = `${formatCount(most, "connection")} can be opened: ${limit}`;
    if (workers.length > 0 || most >= leastConnections) return ok(`${found}.`);
    return fail(
        `${found}. An ingest needs ${leastConnections}.`,
        `Raise that limit by at least ${leastConnections - most}, or end sessions that are not needed (pg_stat_activity).`,
    );
}

/** The database's clock decides about leases and ages. This machine's clock stamps generated records, and nothing else. */
export async function checkClock(sql: Sql, nowMs: () => number = Date.now): Promise<Found> {
    const before = nowMs();
    const [row] = await sql<{ epochMs: number }[]>`
        select (extract(epoch from clock_timestamp()) * 1000)::float8 as "epochMs"`;
    const after = nowMs();
    // The server read its clock somewhere in between: only a time outside of that is a difference.
    const apartMs = row!.epochMs < before ? row!.epochMs - before : Math.max(0, row!.epochMs - after);
    const apart = Math.abs(apartMs);
    const remedy = "Synchronise both clocks with NTP (timedatectl).";
    if (apart < fewClockMs) return ok("The clocks of this machine and of the database agree.");
    const found = `The database's is ${formatDuration(apart)} ${apartMs < 0 ? "behind" : "ahead of"} this machine's`;
    if (apart < mostClockMs) return note(`${found}. Ages use the database's clock.`, remedy);
    return fail(`${found}: records with the current time may be rejected as being in the future.`, remedy);
}
