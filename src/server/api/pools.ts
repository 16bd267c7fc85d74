/** The API's own two pools. Close them with `end({ timeout })`. */
import { connect, type Sql } from "../../database/connect.ts";
import type { DatabaseTarget } from "../../database/database-target.ts";

/** Small. The server ends what runs too long and refuses every write, whatever a route asks. */
export function openReadPool(target: DatabaseTarget): Sql {
    return connect(target, {
        applicationName: "sluice-api",
        max: 4,
        connectTimeoutSeconds: 5,
        // Less than the reader's deadline, so that the server has given up when the caller is told so.
        settings: { statement_timeout: "5000", default_transaction_read_only: "on" },
    });
}

/**
 * For what takes minutes and would hold up the pages (the checks, which set their own transactions read-only, and replays: one of each
 * at a time), and for what writes: a pause waits for neither.
 */
export function openWorkPool(target: DatabaseTarget): Sql {
    return connect(target, {
        applicationName: "sluice-api work",
        max: 3,
        connectTimeoutSeconds: 5,
        // A role that reads only has the other default; what it may write is for its grants to say.
        settings: { statement_timeout: "600000", default_transaction_read_only: "off" },
    });
}
