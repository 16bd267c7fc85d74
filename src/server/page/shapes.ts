/** Shapes of answers that no route module has a type of. */
import type { Status } from "../../operations/status/status-schema.ts";

export interface Page<Row> {
    data: Row[];
    nextCursor: string | null;
    /** A search has stopped at its limit: nextCursor goes on with it. */
    isPartial?: true;
}

/** One of the API, or of the page itself when there is no answer. */
export interface Problem {
    code: string;
    title: string;
    detail: string;
    /** With /v1/status, while the database does not answer. */
    lastKnown?: Status;
}
