/** The file of a stream: streams/<name>.ts. */
import type { PgTable } from "drizzle-orm/pg-core";
import type { ModeDeclaration } from "./mode.ts";
import type { SourceConfig } from "./source-config.ts";

export interface StreamDeclaration extends Omit<SourceConfig, "match" | "pathValues">, ModeDeclaration {
    /** A glob of paths in the watched folder: `orders-*.csv`, `inbox/**` + `/*.csv`; or of objects in a bucket: `s3://bucket/prefix/*.csv`. */
    files: string;
    /** `public.orders`, or the pgTable that a migration has made. */
    table: string | PgTable;
    /** The columns of a unique index, when it is not the primary key. */
    key?: readonly string[];
    /** Takes a table with triggers that run before its rows are inserted, and may change them. */
    triggers?: "allow";
    /** Drops non-unique indexes of the table while a backlog is loaded that is larger than it, and makes them again after that. */
    deferIndexes?: boolean;
}

/** Declares a stream: `export default stream({ files: "orders-*.csv", table: "public.orders" });` */
export function stream(declaration: StreamDeclaration): StreamDeclaration {
    return declaration;
}
