/** What Postgres's catalog says of a table: the contract of a stream. Names are as the catalog has them, unquoted. */

export interface CatalogTable {
    schema: string;
    name: string;
    oid: number;
    /** pg_class.relkind: a table, a partitioned one, a view, a materialized view, a foreign table. */
    relationKind: "r" | "p" | "v" | "m" | "f";
    isTemporary: boolean;
    isPartitioned: boolean;
    /** What the role of this session may do. */
    rights: CatalogRights;
    /** In the order of the table. */
    columns: readonly CatalogColumn[];
    /** The primary key first, then other unique indexes over NOT NULL columns: valid, immediate, not partial, not on expressions. */
    keys: readonly CatalogKey[];
    /** Other unique indexes and exclusion constraints. */
    uniques: readonly CatalogKey[];
    /** Those that are enforced for new rows. */
    checks: readonly CatalogCheck[];
    /** Those that are enforced for new rows. */
    foreignKeys: readonly CatalogForeignKey[];
    /** Triggers of users that run for an insert, those of its partitions too. */
    triggers: readonly { name: string; isBefore: boolean; isRow: boolean }[];
    /** Rules on insert or update. With one of them, Postgres refuses `on conflict`. */
    rules: readonly string[];
    /** Whether row security applies to the role of this session. */
    hasRowSecurity: boolean;
}

export interface CatalogRights {
    role: string;
    hasSchemaUsage: boolean;
    /** On every column that is not generated. */
    canInsert: boolean;
    /** On every column. */
    canSelect: boolean;
    /** On every column that is not generated. */
    canUpdate: boolean;
    canDelete: boolean;
    /** Sequences that fill columns, and that the role may not use. */
    lockedSequences: readonly string[];
}

export interface CatalogType {
    /** As `create table` writes it, with its schema unless that is pg_catalog: `numeric(10,2)`, `sales.order_status`. */
    type: string;
    /** Of the type under all domains: `pg_catalog.numeric`, `sales.order_status`. */
    baseType: string;
    /** As format_type writes the type under all domains: `numeric(10,2)`. */
    baseTypeText: string;
    /** pg_type.typtype of the type under all domains: b(ase), e(num), c(omposite), r(ange), m(ultirange), p(seudo). */
    kind: "b" | "e" | "c" | "r" | "m" | "p";
    /** pg_type.typcategory of it: N(umeric), S(tring), D(ate/time), B(oolean), A(rray) … */
    category: string;
    /** Of varchar(n), char(n), bit(n); null without one. */
    length: number | null;
    /** Of numeric(p,s), and of times (their decimals of a second); null without one. */
    precision: number | null;
    scale: number | null;
    /** From the outermost inwards. */
    domains: readonly CatalogDomain[];
    /** The labels of an enum. */
    labels: readonly string[] | null;
    /** Of an array, what it is of, as format_type writes it. */
    elementType: string | null;
    /** What an array, a range or a multirange is of. */
    element: CatalogType | null;
    /** Of a composite type. */
    fields: readonly (CatalogType & { name: string })[] | null;
}

export interface CatalogColumn extends CatalogType {
    name: string;
    /** Whether equal values are equal bytes: false for citext and nondeterministic collations. */
    isDeterministic: boolean;
    /** With its schema, as SQL writes it; null: that of the database, or its type has none. */
    collation: string | null;
    isNotNull: boolean;
    /** The type without a length or precision, as a cast writes it: what is cast to it is neither cut nor rounded. */
    looseType: string;
    /** The expression of its default, or that of its domain, as Postgres writes it. */
    defaultText: string | null;
    identity: "always" | "by default" | null;
    /** The expression of a generated column. */
    generatedText: string | null;
}

export interface CatalogDomain {
    /** With its schema. */
    name: string;
    isNotNull: boolean;
    checks: readonly CatalogDomainCheck[];
}

export interface CatalogDomainCheck {
    name: string;
    /** pg_get_expr, over VALUE. */
    expression: string;
}

export interface CatalogKey {
    /** Of its index or constraint. */
    name: string;
    columns: readonly string[];
    isPrimary: boolean;
    /** Why it cannot be a stream's key: nullable columns, partial, on expressions, an exclusion, deferrable. Null: it can. */
    unfit: string | null;
}

export interface CatalogCheck {
    name: string;
    /** pg_get_expr over the table's own column names. */
    expression: string;
    columns: readonly string[];
}

export interface CatalogForeignKey {
    name: string;
    columns: readonly string[];
    parentSchema: string;
    parentTable: string;
    parentColumns: readonly string[];
    isSelf: boolean;
    isMatchFull: boolean;
    isDeferrable: boolean;
    /** Whether the current user may read the parent. */
    isReadable: boolean;
}
