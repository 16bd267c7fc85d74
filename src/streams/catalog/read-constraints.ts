/** CHECKs, foreign keys, triggers and rules of a table: those that Postgres applies to a new row. */
import type { Sql } from "../../database/connect.ts";
import type { CatalogCheck, CatalogForeignKey, CatalogTable } from "./catalog-table.ts";

type Constraints = Pick<CatalogTable, "checks" | "foreignKeys" | "triggers" | "rules">;

export async function readConstraints(sql: Sql, oid: number): Promise<Constraints> {
    const [[checks, foreignKeys], triggers, rules] = await Promise.all([
        Promise.all([readChecks(sql, oid), readForeignKeys(sql, oid)]),
        readTriggers(sql, oid),
        readRules(sql, oid),
    ]);
    return { checks, foreignKeys, triggers, rules };
}

/** NOT VALID ones bind new rows, NOT ENFORCED ones (PostgreSQL 18) none; to_jsonb asks for a column that older versions lack. */
async function readChecks(sql: Sql, oid: number): Promise<CatalogCheck[]> {
    return await sql<CatalogCheck[]>`
        select
            pg_constraint.conname as name,
            pg_get_expr(pg_constraint.conbin, pg_constraint.conrelid) as expression,
            coalesce((
                select jsonb_agg(pg_attribute.attname order by place)
                from unnest(pg_constraint.conkey) with ordinality as key_column (attnum, place)
                inner join pg_catalog.pg_attribute
                    on pg_attribute.attrelid = pg_constraint.conrelid and pg_attribute.attnum = key_column.attnum
            ), '[]') as columns
        from pg_catalog.pg_constraint
        where
            pg_constraint.conrelid = ${oid} and pg_constraint.contype = 'c'
            and (to_jsonb(pg_constraint) ->> 'conenforced') is distinct from 'false'
        order by pg_constraint.conname`;
}

/** Without those of periods (PostgreSQL 18), which are no equality: the table itself refuses what breaks them. */
async function readForeignKeys(sql: Sql, oid: number): Promise<CatalogForeignKey[]> {
    return await sql<CatalogForeignKey[]>`
        select
            pg_constraint.conname as name,
            own.columns,
            pg_namespace.nspname as "parentSchema",
            parent.relname as "parentTable",
            referenced.columns as "parentColumns",
            pg_constraint.confrelid = pg_constraint.conrelid as "isSelf",
            pg_constraint.confmatchtype = 'f' as "isMatchFull",
            pg_constraint.condeferrable as "isDeferrable",
            has_schema_privilege(pg_namespace.oid, 'usage') and has_table_privilege(parent.oid, 'select')
            and not row_security_active(parent.oid) as "isReadable"
        from pg_catalog.pg_constraint
        inner join pg_catalog.pg_class as parent on parent.oid = pg_constraint.confrelid
        inner join pg_catalog.pg_namespace on pg_namespace.oid = parent.relnamespace
        cross join lateral (
            select jsonb_agg(pg_attribute.attname order by place) as columns
            from unnest(pg_constraint.conkey) with ordinality as key_column (attnum, place)
            inner join pg_catalog.pg_attribute
                on pg_attribute.attrelid = pg_constraint.conrelid and pg_attribute.attnum = key_column.attnum
        ) as own
        cross join lateral (
            select jsonb_agg(pg_attribute.attname order by place) as columns
            from unnest(pg_constraint.confkey) with ordinality as key_column (attnum, place)
            inner join pg_catalog.pg_attribute
                on pg_attribute.attrelid = pg_constraint.confrelid and pg_attribute.attnum = key_column.attnum
        ) as referenced
        where
            pg_constraint.conrelid = ${oid} and pg_constraint.contype = 'f'
            and (to_jsonb(pg_constraint) ->> 'conenforced') is distinct from 'false'
            and (to_jsonb(pg_constraint) ->> 'conperiod') is distinct from 'true'
            -- A key to a partitioned table stands in the catalog once more for each partition.
            and not exists (
                select from pg_catalog.pg_constraint as whole
                where whole.oid = pg_constraint.conparentid and whole.conrelid = pg_constraint.conrelid
            )
        order by pg_constraint.conname`;
}

/** pg_trigger.tgtype: bits for each row, before, insert, instead of. */
async function readTriggers(sql: Sql, oid: number): Promise<CatalogTable["triggers"]> {
    return await sql<{ name: string; isBefore: boolean; isRow: boolean }[]>`
        select distinct
            pg_trigger.tgname as name,
            pg_trigger.tgtype & (2 | 64) <> 0 as "isBefore",
            pg_trigger.tgtype & 1 <> 0 as "isRow"
        from pg_catalog.pg_trigger
        where
            pg_trigger.tgrelid in (select ${oid}::oid union all select relid from pg_partition_tree(${oid}::oid))
            and not pg_trigger.tgisinternal
            and pg_trigger.tgenabled in ('O', 'A')
            and pg_trigger.tgtype & 4 <> 0
        order by name`;
}

async function readRules(sql: Sql, oid: number): Promise<string[]> {
    const rows = await sql<{ name: string }[]>`
        select pg_rewrite.rulename as name
        from pg_catalog.pg_rewrite
        where pg_rewrite.ev_class = ${oid} and pg_rewrite.ev_type in ('2', '3') and pg_rewrite.ev_enabled <> 'D'
        order by name`;
    return rows.map(({ name }) => name);
}
