/** What the parts of the ingest share. Made once by run-ingest.ts. */
import type { IngestConfig } from "../../config/config.ts";
import type { Sql } from "../../database/connect.ts";
import type { Stream } from "../../streams/stream.ts";
import type { Rechecks } from "../discover/recheck-files.ts";
import type { LedgerProof } from "../ledger/ledger-proof.ts";
import type { HeaderReader } from "../read/known-headers.ts";
import type { CopyConnection } from "../stage/copy-connection.ts";

export interface IngestContext {
    stream: Stream;
    config: IngestConfig;
    /** postgres.js: everything but COPY. */
    sql: Sql;
    copyConnection: CopyConnection;
    readHeader: HeaderReader;
    workerId: string;
    proof: LedgerProof;
    rechecks: Rechecks;
    /** For people: warnings and milestones, one line each, without row values. */
    log: IngestLog;
}

/** A line for people, and what a machine may go by: never a value of a row. */
export interface IngestLog {
    info(line: string, facts: LogFacts): void;
    warn(line: string, facts: LogFacts): void;
    error(line: string, facts: LogFacts): void;
}

/** docs/operations.md lists the events and which of these each has. */
export interface LogFacts {
    /** What happened, lower_snake_case and stable. */
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
