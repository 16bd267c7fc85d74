/** What the parts of the ingest share. Made once by run-ingest.ts. */
import type { IngestConfig } from "../config.ts";
import type { Sql } from "../database/connect.ts";
import type { CopyConnection } from "./copy-connection.ts";
import type { HeaderReader } from "./known-headers.ts";

export interface IngestContext {
    config: IngestConfig;
    /** postgres.js: everything but COPY. */
    sql: Sql;
    copyConnection: CopyConnection;
    readHeader: HeaderReader;
    workerId: string;
    /** For people: warnings and milestones, one line each, without row values. */
    log: IngestLog;
}

export interface IngestLog {
    info(line: string): void;
    warn(line: string): void;
    error(line: string): void;
}
