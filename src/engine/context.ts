/** Passed to every step of an ingest: the stream, the settings, the database, the log. Made once for each run. */
import type { IngestConfig } from "../config/config.ts";
import type { Sql } from "../database/connect.ts";
import type { Stream } from "../streams/stream.ts";

export interface IngestContext {
    stream: Stream;
    config: IngestConfig;
    /** postgres.js: everything but COPY. */
    sql: Sql;
    workerId: string;
    log: IngestLog;
}

/** Lines for people, and facts that a program may act on. Neither ever holds a value of a row. */
export interface IngestLog {
    info(line: string, facts: LogFacts): void;
    warn(line: string, facts: LogFacts): void;
    error(line: string, facts: LogFacts): void;
}

/** docs/operations.md lists the events and which of these each has. */
export interface LogFacts {
    /** The name of the event, lower_snake_case and stable. */
    event: string;
    /** Relative to the watched folder. */
    file?: string;
    chunk?: number;
    batch?: number;
    /** The ledger's code of what is wrong with a file, an SQLSTATE, or one of docs/commands.md. */
    code?: string;
    durationMs?: number;
    [count: string]: string | number | null | undefined;
}
