/** For what takes minutes and would hold up the pages: the checks, which set their own transactions read-only, and replays. */
import { connect, type Sql } from "../../database/connect.ts";
import type { DatabaseTarget } from "../../database/database-target.ts";

const statementTimeoutMs = 600_000;

/** For `createApp`. Close it with `end({ timeout })`. */
export function openWorkPool(target: DatabaseTarget): Sql {
    return connect(target, {
        applicationName: "sluice-api work",
        max: 2,
        connectTimeoutSeconds: 5,
        // A role that reads only has the other default; what it may write is for its grants to say.
        limits: { statement_timeout: `${statementTimeoutMs}`, default_transaction_read_only: "off" },
    });
}
