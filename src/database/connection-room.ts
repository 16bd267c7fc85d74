/** How many more connections this user can open now, and what limits that. */
import type { Sql } from "./connect.ts";

export interface ConnectionRoom {
    /** Null when nothing limits it. */
    free: number | null;
    /** What there is least of, as part of a sentence: `role shop has a CONNECTION LIMIT of 4, and 3 are open`. */
    limit: string;
}

interface Limit {
    name: "role" | "database" | "server";
    most: number;
    open: number;
    roleName: string;
}

/**
 * Limits of role and database do not hold for superusers, and max_connections keeps some apart for them. Who has which
 * session is for everybody to see in pg_stat_activity. The session that asks does not count, nor do those whose application
 * name begins with `own`.
 */
export async function readConnectionRoom(sql: Sql, own: string | null = null): Promise<ConnectionRoom> {
    const limits = await sql<Limit[]>`
        with
            role as (
                select rolname, rolsuper, rolconnlimit from pg_catalog.pg_roles where rolname = session_user
            ),
            sessions as (
                select datname, usename
                from pg_stat_activity
                where
                    usename is not null
                    and datname is not null
                    and pid <> pg_backend_pid()
                    and starts_with(application_name, ${own}::text) is not true
            )
        select
            'role' as name,
            role.rolconnlimit as most,
            (select count(*) from sessions where sessions.usename = role.rolname) as open,
            role.rolname::text as "roleName"
        from role
        where not role.rolsuper and role.rolconnlimit >= 0
        union all
        select
            'database',
            pg_database.datconnlimit,
            (select count(*) from sessions where sessions.datname = current_database()),
            role.rolname::text
        from role
        cross join pg_catalog.pg_database
        where pg_database.datname = current_database() and not role.rolsuper and pg_database.datconnlimit >= 0
        union all
        select
            'server',
            current_setting('max_connections')::integer - case
                when role.rolsuper then 0
                else
                    current_setting('superuser_reserved_connections')::integer
                    + coalesce(current_setting('reserved_connections', true)::integer, 0)
            end,
            (select count(*) from sessions),
            role.rolname::text
        from role`;
    const [least] = limits.toSorted((left, right) => left.most - left.open - (right.most - right.open));
    if (least === undefined) return { free: null, limit: "" };
    return { free: Math.max(0, least.most - least.open), limit: describeLimit(least) };
}

function describeLimit({ name, most, open, roleName }: Limit): string {
    const what = {
        role: `role ${roleName} has a CONNECTION LIMIT of ${most}`,
        database: `the database has a CONNECTION LIMIT of ${most}`,
        server: `max_connections leaves ${most} for this role`,
    }[name];
    return `${what}, and ${open} ${open === 1 ? "is" : "are"} open`;
}
