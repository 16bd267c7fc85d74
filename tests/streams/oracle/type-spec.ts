/** A column's type as the test declares it: what the oracle knows. The rules read theirs from the catalog. */
export interface TypeSpec {
    /** As `create table` takes it; `%s` stands for the schema of the case. */
    ddl: string;
    family: Family;
    /** Characters, bits, or decimals of a second. */
    size?: number;
    scale?: number;
    labels?: readonly string[];
    /** Of an array, a range, a multirange. */
    element?: TypeSpec;
    fields?: readonly TypeSpec[];
    /** Statements that make the type. */
    setup?: readonly string[];
}

export type Family =
    | "integer"
    | "numeric"
    | "real"
    | "double"
    | "boolean"
    | "text"
    | "char"
    | "date"
    | "timestamp"
    | "timestamptz"
    | "time"
    | "timetz"
    | "interval"
    | "uuid"
    | "json"
    | "jsonb"
    | "bytea"
    | "inet"
    | "cidr"
    | "macaddr"
    | "macaddr8"
    | "bits"
    | "xml"
    | "enum"
    | "array"
    | "range"
    | "multirange"
    | "point"
    | "box"
    | "path"
    | "circle"
    | "line"
    | "canonical"
    | "jsonpath"
    | "lsn"
    | "oid"
    | "hstore"
    | "composite";
