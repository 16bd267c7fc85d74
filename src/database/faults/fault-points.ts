/**
 * Every place on the data path where a test can make something break, in the order in which the data comes past. A point
 * that no test strikes fails tests/faults/fault-points.test.ts. docs/system_architecture.md, "Faults on demand".
 */

export interface FaultPoint {
    /** The state of the work at the point. */
    at: string;
    /** Whose backend the actions on a backend strike: the COPY's, or those that everything else goes through. */
    backend: "copy" | "query";
    /** In SQL, within a transaction; else in this process. */
    isInSql?: true;
    /** The statement is committed; once the action is over, its caller is told that the connection was lost. */
    losesAnswer?: true;
}

export const faultPoints = {
    "before-copy": { at: "a load is in the ledger, none of its rows are sent", backend: "copy" },
    "in-copy": { at: "a piece of a COPY is sent, more is to come", backend: "copy" },
    "after-copy-bytes": { at: "the last byte of a COPY is sent, its end is not", backend: "copy" },
    "in-direct-copy": { at: "a piece of a direct load is sent, more may come", backend: "copy" },
    "before-direct-commit": { at: "rows and ledger of a direct load are written and not committed", backend: "copy" },
    "after-direct-commit": {
        at: "a direct load is committed, the loader does not know it",
        backend: "copy",
        losesAnswer: true,
    },
    "before-record-load": { at: "a COPY is committed, the ledger does not name its load", backend: "query" },
    "after-record-load": {
        at: "the ledger names a load, the loader does not know it",
        backend: "query",
        losesAnswer: true,
    },
    "before-merge": { at: "chunks are staged, no merge has been asked for", backend: "query" },
    "in-merge": { at: "a merge has inserted its rows and not compared the rest", backend: "query", isInSql: true },
    "before-merge-commit": { at: "a merge has done all but commit", backend: "query", isInSql: true },
    "after-merge": { at: "a merge is committed, nobody knows it", backend: "query", losesAnswer: true },
    "before-defer-commit": { at: "indexes are dropped and not committed", backend: "query", isInSql: true },
    "after-defer": {
        at: "indexes are dropped and in the ledger, the loader does not know it",
        backend: "query",
        losesAnswer: true,
    },
    "before-index-commit": { at: "an index is made again and not committed", backend: "query", isInSql: true },
    "between-indexes": { at: "an index is made again, others may wait", backend: "query" },
    "before-archive": { at: "a file is merged and about to leave the folder", backend: "query" },
    "in-archive": { at: "a file is aside, neither in the folder nor in the archive", backend: "query" },
    "before-archive-noted": { at: "a file has left, the ledger does not know it", backend: "query" },
    "before-notification": { at: "a message is in the ledger and about to be sent", backend: "query" },
    "after-notification": { at: "a message was taken by its receiver, the ledger does not know it", backend: "query" },
    "before-migration": { at: "the lock of the migration is held, nothing is changed", backend: "query" },
    "in-migration": { at: "a migration has done all but commit", backend: "query", isInSql: true },
    "in-prune": { at: "a prune has removed a range of rows and not committed", backend: "query", isInSql: true },
    "in-reset": { at: "a reset has emptied the tables and not committed", backend: "query", isInSql: true },
} as const satisfies Record<string, FaultPoint>;

export type FaultPointName = keyof typeof faultPoints;

export const faultActions = {
    kill: "kill -9 of this process",
    freeze: "SIGSTOP of this process, until somebody sends SIGCONT",
    "terminate-backend": "pg_terminate_backend of the backend in use",
    "kill-backend": "kill -9 of the backend in use: Postgres ends all others, recovers and empties staging",
    "kill-postmaster": "kill -9 of the server's first process: the server is gone until somebody starts it",
} as const;

export type FaultAction = keyof typeof faultActions;

export interface FaultPlan {
    at: FaultPointName;
    /** The how-manieth time the point is passed, from 1: in this process, or in SQL in one session. */
    pass: number;
    action: FaultAction;
}
