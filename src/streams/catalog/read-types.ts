/** The types of columns, and all that they are made from: the types under domains, of elements, of bounds, of fields. */
import type { Sql } from "../../database/connect.ts";
import type { CatalogDomain, CatalogType } from "./catalog-table.ts";
import { quoteIdent } from "./quote-ident.ts";

/** A type where it is used. */
export interface TypeUse {
    typeOid: number;
    typmod: number;
    /** What format_type says of the two. */
    typeText: string;
}

interface TypeRow {
    oid: number;
    schema: string;
    name: string;
    kind: CatalogType["kind"] | "d";
    category: string;
    /** Whether format_type leaves the schema out of another's type: then it is added. */
    needsSchema: boolean;
    isNotNull: boolean;
    base: TypeUse | null;
    checks: { name: string; expression: string }[] | null;
    elementOid: number | null;
    elementText: string | null;
    labels: string[] | null;
    fields: (TypeUse & { name: string })[] | null;
}

/** @returns what tells a type of `oids`, as it is used, from the catalog */
export async function readTypes(sql: Sql, oids: readonly number[]): Promise<(use: TypeUse) => CatalogType> {
    const rows = await sql<TypeRow[]>`
        with recursive used_types as (
            select unnest(${oids as number[]}::bigint[])::oid as oid
            union
            select part.oid
            from used_types
            inner join pg_catalog.pg_type on pg_type.oid = used_types.oid
            cross join lateral (
                select pg_type.typbasetype as oid where pg_type.typtype = 'd'
                union all
                select pg_type.typelem where pg_type.typcategory = 'A'
                union all
                select pg_range.rngsubtype from pg_catalog.pg_range
                where pg_type.oid in (pg_range.rngtypid, pg_range.rngmultitypid)
                union all
                select pg_attribute.atttypid from pg_catalog.pg_attribute
                where
                    pg_type.typtype = 'c' and pg_attribute.attrelid = pg_type.typrelid
                    and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
            ) as part
        )
        select
            pg_type.oid::bigint::float8 as oid,
            pg_namespace.nspname as schema,
            pg_type.typname as name,
            pg_type.typtype as kind,
            pg_type.typcategory as category,
            pg_namespace.nspname <> 'pg_catalog' and pg_type_is_visible(pg_type.oid) as "needsSchema",
            pg_type.typnotnull as "isNotNull",
            case when pg_type.typtype = 'd' then jsonb_build_object(
                'typeOid', pg_type.typbasetype::bigint, 'typmod', pg_type.typtypmod,
                'typeText', format_type(pg_type.typbasetype, pg_type.typtypmod)
            ) end as base,
            (
                select jsonb_agg(
                    jsonb_build_object(
                        'name', pg_constraint.conname, 'expression', pg_get_expr(pg_constraint.conbin, 0)
                    )
                    order by pg_constraint.conname
                )
                from pg_catalog.pg_constraint
                where
                    pg_constraint.contypid = pg_type.oid and pg_constraint.contype = 'c'
                    and (to_jsonb(pg_constraint) ->> 'conenforced') is distinct from 'false'
            ) as checks,
            element.oid::bigint::float8 as "elementOid",
            format_type(element.oid, null) as "elementText",
            (
                select jsonb_agg(pg_enum.enumlabel order by pg_enum.enumsortorder)
                from pg_catalog.pg_enum
                where pg_enum.enumtypid = pg_type.oid
            ) as labels,
            (
                select jsonb_agg(
                    jsonb_build_object(
                        'name', pg_attribute.attname,
                        'typeOid', pg_attribute.atttypid::bigint, 'typmod', pg_attribute.atttypmod,
                        'typeText', format_type(pg_attribute.atttypid, pg_attribute.atttypmod)
                    )
                    order by pg_attribute.attnum
                )
                from pg_catalog.pg_attribute
                where
                    pg_type.typtype = 'c' and pg_attribute.attrelid = pg_type.typrelid
                    and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
            ) as fields
        from used_types
        inner join pg_catalog.pg_type on pg_type.oid = used_types.oid
        inner join pg_catalog.pg_namespace on pg_namespace.oid = pg_type.typnamespace
        left join pg_catalog.pg_range on pg_type.oid in (pg_range.rngtypid, pg_range.rngmultitypid)
        left join pg_catalog.pg_type as element
            on element.oid = case when pg_type.typcategory = 'A' then pg_type.typelem else pg_range.rngsubtype end`;
    const byOid = new Map(rows.map((row) => [row.oid, row]));
    return (use) => describe(use, byOid);
}

function describe(use: TypeUse, byOid: ReadonlyMap<number, TypeRow>): CatalogType {
    const domains: CatalogDomain[] = [];
    let base = use;
    let row = byOid.get(use.typeOid)!;
    while (row.kind === "d") {
        domains.push({ name: textOf(base, row, byOid), isNotNull: row.isNotNull, checks: row.checks ?? [] });
        base = row.base!;
        row = byOid.get(base.typeOid)!;
    }
    const baseTypeText = textOf(base, row, byOid);
    const element = elementOf(base, row, byOid);
    return {
        type: domains[0]?.name ?? baseTypeText,
        baseType: `${row.schema}.${row.name}`,
        baseTypeText,
        kind: row.kind as CatalogType["kind"],
        category: row.category,
        ...modifiers(`${row.schema}.${row.name}`, base.typmod),
        domains,
        labels: row.labels,
        elementType: row.category === "A" ? (element?.type ?? null) : null,
        element,
        fields: row.fields?.map((field) => ({ ...describe(field, byOid), name: field.name })) ?? null,
    };
}

/** The typmod of an array is that of its elements. */
function elementOf(use: TypeUse, row: TypeRow, byOid: ReadonlyMap<number, TypeRow>): CatalogType | null {
    if (row.elementOid === null) return null;
    const isArray = row.category === "A";
    const typeText = isArray && use.typeText.endsWith("[]") ? use.typeText.slice(0, -2) : row.elementText!;
    return describe({ typeOid: row.elementOid, typmod: isArray ? use.typmod : -1, typeText }, byOid);
}

/** format_type leaves out the schema of what the search_path finds. Another session may have another one. */
function textOf({ typeText }: TypeUse, row: TypeRow, byOid: ReadonlyMap<number, TypeRow>): string {
    const named = row.category === "A" && row.elementOid !== null ? byOid.get(row.elementOid)! : row;
    return named.needsSchema ? `${quoteIdent(named.schema)}.${typeText}` : typeText;
}

type Modifiers = Pick<CatalogType, "length" | "precision" | "scale">;
const none: Modifiers = { length: null, precision: null, scale: null };
const headerBytes = 4;

function modifiers(baseType: string, typmod: number): Modifiers {
    if (typmod < 0) return none;
    switch (baseType) {
        case "pg_catalog.varchar":
        case "pg_catalog.bpchar":
            return { ...none, length: typmod - headerBytes };
        case "pg_catalog.bit":
        case "pg_catalog.varbit":
            return { ...none, length: typmod };
        case "pg_catalog.numeric": {
            const packed = typmod - headerBytes;
            // The scale is a signed number of eleven bits.
            return { ...none, precision: (packed >> 16) & 0xffff, scale: ((packed & 0x7ff) ^ 1024) - 1024 };
        }
        case "pg_catalog.time":
        case "pg_catalog.timetz":
        case "pg_catalog.timestamp":
        case "pg_catalog.timestamptz":
            return { ...none, precision: typmod };
        case "pg_catalog.interval": {
            const decimals = typmod & 0xffff;
            return decimals === 0xffff ? none : { ...none, precision: decimals };
        }
        default:
            return none;
    }
}
