/** What the catalog says of one table, in five queries: a reader only. PostgreSQL 15 to 18. */
import type { Sql } from "../../database/connect.ts";
import type { CatalogColumn, CatalogRights, CatalogTable, CatalogType } from "./catalog-table.ts";
import { readConstraints } from "./read-constraints.ts";
import { readKeys } from "./read-keys.ts";
import { readTypes } from "./read-types.ts";
import { parseTableName, type TableName } from "./table-name.ts";

/**
 * @param name as a person writes it (`orders`, `sales.orders`, `"Sales"."Orders"`), or as the catalog has it
 * @returns null when there is no such table. A view and whatever else refuseTable refuses is returned too.
 */
export async function readTable(
    sql: Sql,
    name: { schema: string; table: string } | string,
): Promise<CatalogTable | null> {
    const parsed = typeof name === "string" ? parseTableName(name) : name;
    const relation = parsed && (await findRelation(sql, parsed));
    if (!relation) return null;
    const [columns, { keys, uniques }, constraints] = await Promise.all([
        readColumns(sql, relation.oid),
        readKeys(sql, relation.oid),
        readConstraints(sql, relation.oid),
    ]);
    return { ...relation, isPartitioned: relation.relationKind === "p", columns, keys, uniques, ...constraints };
}

type Relation = Pick<CatalogTable, "schema" | "name" | "oid" | "relationKind" | "isTemporary" | "hasRowSecurity"> & {
    rights: CatalogRights;
};

async function findRelation(sql: Sql, { schema, table }: TableName): Promise<Relation | null> {
    const [found] = await sql<Relation[]>`
        select
            pg_namespace.nspname as schema,
            pg_class.relname as name,
            pg_class.oid::bigint::float8 as oid,
            pg_class.relkind as "relationKind",
            pg_class.relpersistence = 't' as "isTemporary",
            row_security_active(pg_class.oid) as "hasRowSecurity",
            jsonb_build_object(
                'role', current_user,
                'hasSchemaUsage', has_schema_privilege(pg_namespace.oid, 'usage'),
                'canInsert', has_table_privilege(pg_class.oid, 'insert') or coalesce(rights.can_insert, false),
                'canSelect', has_table_privilege(pg_class.oid, 'select') or coalesce(rights.can_select, false),
                'canUpdate', has_table_privilege(pg_class.oid, 'update') or coalesce(rights.can_update, false),
                'canDelete', has_table_privilege(pg_class.oid, 'delete'),
                'lockedSequences', sequences.locked
            ) as rights
        from pg_catalog.pg_class
        inner join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
        cross join lateral (
            select
                bool_and(
                    pg_attribute.attgenerated <> '' or has_column_privilege(pg_class.oid, pg_attribute.attnum, 'insert')
                ) as can_insert,
                bool_and(
                    pg_attribute.attgenerated <> '' or has_column_privilege(pg_class.oid, pg_attribute.attnum, 'update')
                ) as can_update,
                bool_and(has_column_privilege(pg_class.oid, pg_attribute.attnum, 'select')) as can_select
            from pg_catalog.pg_attribute
            where pg_attribute.attrelid = pg_class.oid and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
        ) as rights
        cross join lateral (
            select coalesce(jsonb_agg(distinct sequence.oid::regclass::text), '[]') as locked
            from (
                select pg_depend.refobjid as oid
                from pg_catalog.pg_attrdef
                inner join pg_catalog.pg_depend
                    on pg_depend.classid = 'pg_catalog.pg_attrdef'::regclass and pg_depend.objid = pg_attrdef.oid
                where pg_attrdef.adrelid = pg_class.oid and pg_depend.refclassid = 'pg_catalog.pg_class'::regclass
                union all
                select pg_depend.objid
                from pg_catalog.pg_depend
                inner join pg_catalog.pg_attribute
                    on pg_attribute.attrelid = pg_depend.refobjid and pg_attribute.attnum = pg_depend.refobjsubid
                where
                    pg_depend.refclassid = 'pg_catalog.pg_class'::regclass and pg_depend.refobjid = pg_class.oid
                    and pg_depend.classid = 'pg_catalog.pg_class'::regclass and pg_attribute.attidentity = 'd'
            ) as used
            inner join pg_catalog.pg_class as sequence on sequence.oid = used.oid
            -- In this order: the function raises for what is no sequence.
            where case when sequence.relkind = 'S' then not has_sequence_privilege(sequence.oid, 'usage') end
        ) as sequences
        where
            pg_class.relkind in ('r', 'p', 'v', 'm', 'f')
            and pg_class.relname = ${table}
            and case
                when ${schema}::text is null then pg_namespace.nspname = any(current_schemas(true))
                else pg_namespace.nspname = ${schema}
            end
        order by array_position(current_schemas(true), pg_namespace.nspname)
        limit 1`;
    return found ?? null;
}

type ColumnRow = Omit<CatalogColumn, keyof CatalogType> & {
    typeOid: number;
    typmod: number;
    typeText: string;
};

async function readColumns(sql: Sql, oid: number): Promise<CatalogColumn[]> {
    const rows = await sql<ColumnRow[]>`
        select
            pg_attribute.attname as name,
            pg_attribute.atttypid::bigint::float8 as "typeOid",
            pg_attribute.atttypmod as typmod,
            format_type(pg_attribute.atttypid, pg_attribute.atttypmod) as "typeText",
            coalesce(pg_collation.collisdeterministic, true) as "isDeterministic",
            case
                when pg_collation.collname <> 'default'
                    then quote_ident(pg_namespace.nspname) || '.' || quote_ident(pg_collation.collname)
            end as collation,
            format_type(pg_attribute.atttypid, -1) as "looseType",
            pg_attribute.attnotnull as "isNotNull",
            case
                when pg_attribute.attgenerated <> '' then null
                when adbin is not null then pg_get_expr(adbin, adrelid)
                when pg_attribute.attidentity = '' and pg_type.typtype = 'd' then pg_get_expr(pg_type.typdefaultbin, 0)
            end as "defaultText",
            case when pg_attribute.attgenerated <> '' then pg_get_expr(adbin, adrelid) end as "generatedText",
            case pg_attribute.attidentity when 'a' then 'always' when 'd' then 'by default' end as identity
        from pg_catalog.pg_attribute
        left join pg_catalog.pg_attrdef
            on pg_attrdef.adrelid = pg_attribute.attrelid and pg_attrdef.adnum = pg_attribute.attnum
        inner join pg_catalog.pg_type on pg_type.oid = pg_attribute.atttypid
        left join pg_catalog.pg_collation on pg_collation.oid = pg_attribute.attcollation
        left join pg_catalog.pg_namespace on pg_namespace.oid = pg_collation.collnamespace
        where pg_attribute.attrelid = ${oid} and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
        order by pg_attribute.attnum`;
    const typeOf = await readTypes(
        sql,
        rows.map(({ typeOid }) => typeOid),
    );
    return rows.map(({ typeOid, typmod, typeText, ...column }) => {
        const type = typeOf({ typeOid, typmod, typeText });
        return {
            ...type,
            ...column,
            isDeterministic: column.isDeterministic && !type.baseType.endsWith(".citext"),
        };
    });
}
