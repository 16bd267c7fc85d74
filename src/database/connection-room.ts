/** How many more connections this user can open now, and the limit. */
import type { Sql } from "./connect.ts";

export interface ConnectionRoom {
    /** Null when nothing limits it. */
    free: number | null;
    /** The tightest limit, as part of a sentence: `role shop has a CONNECTION LIMIT of 4, and 3 are open`. */
    limit: string;
}

interface Limit {
    /** `the database has a CONNECTION LIMIT of 4`. */
    what: string;
    most: number;
    open: number;
}

/**
 * Limits of role and database do not hold for superusers, and max_connections keeps some apart for them. Everybody sees all
 * sessions in pg_stat_activity. The session that asks does not count, nor do those whose application name begins with `own`.
 */
export async function readConnectionRoom(sql: Sql, own: string | null = null): Promise<ConnectionRoom> {
    const [least] = await sql<Limit[]>`
        with
            role as (
                select
                    rolname,
                    rolsuper,
                    rolconnlimit,
                    current_setting('max_connections')::integer - case
                        when rolsuper then 0
                        else
                            current_setting('superuser_reserved_connections')::integer
                            + coalesce(current_setting('reserved_connections', true)::integer, 0)
                    end as of_server
                from pg_catalog.pg_roles
                where rolname = session_user
            ),
            sessions as (
                select datname, usename
                from pg_stat_activity
                where
                    usename is not null
                    and datname is not null
                    and pid <> pg_backend_pid()
                    and starts_with(application_name, ${own}::text) is not true
            ),
            limits (what, most, open) as (
                select
                    format('role %s has a CONNECTION LIMIT of %s', role.rolname, role.rolconnlimit),
                    role.rolconnlimit,
                    (select count(*) from sessions where sessions.usename = role.rolname)
                from role
                where not role.rolsuper and role.rolconnlimit >= 0
                union all
                select
                    format('the database has a CONNECTION LIMIT of %s', pg_database.datconnlimit),
                    pg_database.datconnlimit,
                    (select count(*) from sessions where sessions.datname = current_database())
                from role
                cross join pg_catalog.pg_database
                where pg_database.datname = current_database() and not role.rolsuper and pg_database.datconnlimit >= 0
                union all
                select
                    format('max_connections leaves %s for this role', role.of_server),
                    role.of_server,
                    (select count(*) from sessions)
                from role
            )
        select what, most, open
        from limits
        order by most - open
        limit 1`;
    if (least === undefined) return { free: null, limit: "" };
    const { what, most, open } = least;
    return { free: Math.max(0, most - open), limit: `${what}, and ${open} ${open === 1 ? "is" : "are"} open` };
}
