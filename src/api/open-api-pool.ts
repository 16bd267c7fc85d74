/** The API's own small pool: the server ends what runs too long and refuses every write, whatever a route asks. */
import { connect, type Sql } from "../database/connect.ts";
import type { DatabaseTarget } from "../database/database-target.ts";

/** Less than the reader's deadline, so that the server has given up when the caller is told so. */
const statementTimeoutMs = 5000;
const connections = 4;

const serverOptions = `-c statement_timeout=${statementTimeoutMs} -c default_transaction_read_only=on`;

/** For `createApp`. Close it with `end({ timeout })`. */
export function openApiPool(target: DatabaseTarget): Sql {
    const options = target.serverOptions === null ? serverOptions : `${target.serverOptions} ${serverOptions}`;
    return connect(
        { ...target, serverOptions: options },
        { applicationName: "sluice-api", max: connections, connectTimeoutSeconds: 5 },
    );
}
