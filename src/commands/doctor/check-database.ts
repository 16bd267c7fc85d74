/** The database itself: what it is, what its user may do, whether the tables are ours and today's, whose clock is right. */
import type { Sql } from "../../database/connect.ts";
import { readConnectionRoom } from "../../database/connection-room.ts";
import type { DatabaseTarget } from "../../database/database-target.ts";
import { inspectSchema } from "../../database/migrate.ts";
import { leastConnections } from "../../engine/run/plan-connections.ts";
import { SluiceError } from "../../errors.ts";
import type { Status } from "../../operations/status/status-schema.ts";
import type { Stream } from "../../streams/stream.ts";
import { formatCount, formatDuration } from "../../terminal/format.ts";
import { type Finding, fail, note, ok } from "./finding.ts";

/** Past this, ages that people work out by their own clock are wrong; past that, today's events lie in the future. */
const fewClockMs = 5_000;
const mostClockMs = 3_600_000;

/** Where the tables are this program's, `isUsable`: the rest can be looked at. */
export async function checkSchema(
    target: DatabaseTarget,
    sql: Sql,
    { table }: Stream,
): Promise<{ finding: Finding; isUsable: boolean }> {
    const name = "schema";
    try {
        const { isSetUp, pending, isSqlDue } = await inspectSchema(target, sql);
        if (!isSetUp) {
            const finding = note(
                name,
                "There is nothing of Sluice's in this database yet.",
                "`bun run migrate` sets it up; `bun run ingest` and `bun run start` do it too.",
            );
            return { finding, isUsable: false };
        }
        if (pending.length > 0) {
            const remedy = "Run `bun run migrate`: rows and ledger stay.";
            return {
                finding: fail(name, `Older than this program: without ${pending.join(", ")}.`, remedy),
                isUsable: false,
            };
        }
        if (isSqlDue) {
            const finding = note(
                name,
                "The tables are current; functions and views are of another version.",
                "Run `bun run migrate`; the next ingest does it too.",
            );
            return { finding, isUsable: true };
        }
        const triggers = await triggersOn(sql, table);
        if (triggers.length > 0) {
            const found = `Current. Triggers on ${table} may refuse, change or leave out records: ${triggers.join(", ")}.`;
            const remedy =
                "What they refuse or leave out is a reject (refused_by_table): bun run rejects says why. " +
                "A record whose row they changed is a conflict when it is delivered again.";
            return { finding: note(name, found, remedy), isUsable: true };
        }
        return { finding: ok(name, `Current: tables, functions, and the columns of ${table}.`), isUsable: true };
    } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        return { finding: fail(name, error.what, error.remedy), isUsable: false };
    }
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
    /** `insert on public.events`: what an ingest needs and this user lacks. */
    missing: string[];
    mayRead: boolean;
}

/** What an ingest does to each table, and to the functions; `isSetUp`: they are there. */
export async function checkRights(sql: Sql, { table }: Stream, isSetUp: boolean): Promise<Finding> {
    const name = "rights";
    const { userName, mayCreate, missing, mayRead } = await readRights(sql, table, isSetUp);
    if (!isSetUp) {
        if (mayCreate) return ok(name, `${userName} may set the database up.`);
        return fail(
            name,
            `${userName} may not set the database up.`,
            `As its owner: grant create on database … to ${userName}; grant create on schema public to ${userName};`,
        );
    }
    if (missing.length === 0) return ok(name, `${userName} may ingest, serve and replay.`);
    const found = `${userName} lacks ${missing.slice(0, 3).join(", ")}${missing.length > 3 ? " and more" : ""}`;
    const remedy = "For ingest and replay, grant it (or connect as the user that ran `bun run migrate`).";
    return mayRead
        ? note(name, `${found}: enough for status, api and sql.`, remedy)
        : fail(name, `${found}, and may not even read.`, remedy);
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
export async function checkConnections(sql: Sql, { workers }: Pick<Status, "workers">): Promise<Finding> {
    const name = "connections";
    const { free: most, limit } = await readConnectionRoom(sql);
    if (most === null) return ok(name, "Nothing limits them.");
    const found = `${formatCount(most, "connection")} can be opened: ${limit}`;
    if (workers.length > 0 || most >= leastConnections) return ok(name, `${found}.`);
    return fail(
        name,
        `${found}. An ingest needs ${leastConnections}.`,
        `Raise that limit by ${leastConnections - most} at least, or end sessions that nobody needs (pg_stat_activity).`,
    );
}

/** The database's clock decides about leases and ages; ours only stamps the records that we invent. */
export async function checkClock(sql: Sql, nowMs: () => number = Date.now): Promise<Finding> {
    const name = "clock";
    const before = nowMs();
    const [row] = await sql<{ epochMs: number }[]>`
        select (extract(epoch from clock_timestamp()) * 1000)::float8 as "epochMs"`;
    const after = nowMs();
    // The server read it somewhere in between: only what lies outside is a difference.
    const apartMs = row!.epochMs < before ? row!.epochMs - before : Math.max(0, row!.epochMs - after);
    const apart = Math.abs(apartMs);
    const remedy = "Set both clocks by NTP (timedatectl).";
    if (apart < fewClockMs) return ok(name, "This machine's and the database's agree.");
    const found = `The database's is ${formatDuration(apart)} ${apartMs < 0 ? "behind" : "ahead of"} this machine's`;
    if (apart < mostClockMs) return note(name, `${found}. Ages are by the database's.`, remedy);
    return fail(name, `${found}: records of now may be rejected as lying in the future.`, remedy);
}
