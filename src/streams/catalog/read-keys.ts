/** The unique indexes of a table: which of them can be the key of a stream, and why the others cannot. */
import type { Sql } from "../../database/connect.ts";
import type { CatalogKey } from "./catalog-table.ts";

/** `uniques` has those that can be no key, and exclusion constraints. */
export async function readKeys(sql: Sql, oid: number): Promise<{ keys: CatalogKey[]; uniques: CatalogKey[] }> {
    const all = await sql<CatalogKey[]>`
        select
            pg_class.relname as name,
            parts.columns,
            pg_index.indisprimary as "isPrimary",
            case
                when pg_index.indisexclusion then 'it excludes what overlaps, and not only what is equal'
                when not pg_index.indisvalid then 'its index is not valid (reindex it)'
                when not pg_index.indimmediate then 'it is deferrable'
                when pg_index.indpred is not null then 'it is only of some rows (where …)'
                when pg_index.indexprs is not null then 'it is on an expression'
                when parts.nullable is not null then 'it takes nulls (' || parts.nullable || ')'
                when parts.has_other_collation then 'its collation is not the one of its column'
            end as unfit
        from pg_catalog.pg_index
        inner join pg_catalog.pg_class on pg_class.oid = pg_index.indexrelid
        cross join lateral (
            select
                coalesce(
                    jsonb_agg(pg_attribute.attname order by place) filter (where pg_attribute.attname is not null), '[]'
                ) as columns,
                string_agg(pg_attribute.attname, ', ' order by place) filter (
                    where
                        not (pg_attribute.attnotnull or pg_type.typtype = 'd' and pg_type.typnotnull)
                        -- In PostgreSQL 18 a NOT NULL that is not validated may stand beside nulls.
                        or exists (
                            select from pg_catalog.pg_constraint
                            where
                                pg_constraint.conrelid = pg_index.indrelid and pg_constraint.contype = 'n'
                                and pg_constraint.conkey = array[pg_attribute.attnum]
                                and not pg_constraint.convalidated
                        )
                ) as nullable,
                coalesce(bool_or(
                    pg_attribute.attcollation <> pg_index.indcollation[place - 1]
                    and exists (
                        select from pg_catalog.pg_collation
                        where
                            pg_collation.oid in (pg_attribute.attcollation, pg_index.indcollation[place - 1])
                            and not pg_collation.collisdeterministic
                    )
                ), false) as has_other_collation
            from generate_series(1, pg_index.indnkeyatts) as place
            left join pg_catalog.pg_attribute
                on pg_attribute.attrelid = pg_index.indrelid and pg_attribute.attnum = pg_index.indkey[place - 1]
            left join pg_catalog.pg_type on pg_type.oid = pg_attribute.atttypid
        ) as parts
        where pg_index.indrelid = ${oid} and (pg_index.indisunique or pg_index.indisexclusion)
        order by pg_index.indisprimary desc, pg_index.indnkeyatts, pg_class.relname`;
    return {
        keys: all.filter(({ unfit }) => unfit === null),
        uniques: all.filter(({ unfit }) => unfit !== null),
    };
}
