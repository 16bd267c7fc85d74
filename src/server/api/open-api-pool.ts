/** The API's own small pool: the server ends what runs too long and refuses every write, whatever a route asks. */
import { connect, type Sql } from "../../database/connect.ts";
import type { DatabaseTarget } from "../../database/database-target.ts";

/** Less than the reader's deadline, so that the server has given up when the caller is told so. */
const statementTimeoutMs = 5000;
const connections = 4;

/** For `createApp`. Close it with `end({ timeout })`. */
export function openApiPool(target: DatabaseTarget): Sql {
    return connect(target, {
        applicationName: "sluice-api",
        max: connections,
        connectTimeoutSeconds: 5,
        limits: { statement_timeout: `${statementTimeoutMs}`, default_transaction_read_only: "on" },
    });
}
