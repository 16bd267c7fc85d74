/** For what takes minutes and would hold up the pages: the checks, which set their own transactions read-only, and replays. */
import { connect, type Sql } from "../database/connect.ts";
import type { DatabaseTarget } from "../database/database-target.ts";

const statementTimeoutMs = 600_000;

/** For `createApp`. Close it with `end({ timeout })`. */
export function openWorkPool(target: DatabaseTarget): Sql {
    const serverOptions = [target.serverOptions, `-c statement_timeout=${statementTimeoutMs}`]
        .filter(Boolean)
        .join(" ");
    return connect(
        { ...target, serverOptions },
        { applicationName: "sluice-api work", max: 2, connectTimeoutSeconds: 5 },
    );
}
