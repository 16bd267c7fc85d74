/** What Postgres's catalog says of a table: the contract of a stream. Names are as the catalog has them, unquoted. */

export interface CatalogTable {
    schema: string;
    name: string;
    oid: number;
    isPartitioned: boolean;
    /** In the order of the table. */
    columns: readonly CatalogColumn[];
    /** The primary key first, then other unique indexes over NOT NULL columns: valid, immediate, not partial, not on expressions. */
    keys: readonly CatalogKey[];
    /** Other unique indexes and exclusion constraints. */
    uniques: readonly CatalogKey[];
    checks: readonly CatalogCheck[];
    foreignKeys: readonly CatalogForeignKey[];
    /** Triggers of users that run for an insert. */
    triggers: readonly { name: string; isBefore: boolean; isRow: boolean }[];
    /** Rules that stand in for inserts. */
    rules: readonly string[];
    hasRowSecurity: boolean;
}

export interface CatalogColumn {
    name: string;
    /** As `create table` writes it, with its schema unless that is pg_catalog: `numeric(10,2)`, `sales.order_status`. */
    type: string;
    /** Of the type under all domains: `pg_catalog.numeric`, `sales.order_status`. */
    baseType: string;
    /** As format_type writes the type under all domains: `numeric(10,2)`. */
    baseTypeText: string;
    /** pg_type.typtype of the type under all domains: b(ase), e(num), c(omposite), r(ange), m(ultirange). */
    kind: "b" | "e" | "c" | "r" | "m";
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
    /** Whether equal values are equal bytes: false for citext and nondeterministic collations. */
    isDeterministic: boolean;
    isNotNull: boolean;
    /** The expression of its default, as Postgres writes it. */
    defaultText: string | null;
    identity: "always" | "by default" | null;
    /** The expression of a generated column. */
    generatedText: string | null;
}

export interface CatalogDomain {
    /** With its schema. */
    name: string;
    isNotNull: boolean;
    /** Names of its CHECKs. */
    checks: readonly string[];
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
}
