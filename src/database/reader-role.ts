/** The account that the API has on the embedded database: it reads, and may have rejects replayed, nothing else. */
import { createHmac } from "node:crypto";
import { programFiles } from "../program.ts";
import { connect } from "./connect.ts";
import { type DatabaseTarget, makeTarget } from "./database-target.ts";
import { setUpLockKey } from "./migrate.ts";
import type { Database } from "./open-database.ts";

const role = "sluice_api";

/** How the API reads, and how it works: a pause, a replay and the checks want sessions. */
export async function apiTargets(database: Database): Promise<{ reading: DatabaseTarget; working: DatabaseTarget }> {
    const working = await readerOf(database);
    return { working, reading: database.embedded ? working : database.readTarget };
}

/**
 * The account with which the API reads this migrated database. On the embedded one it is a role of its own, created by the
 * script that owners of another database run by hand. There it is the account of the URL.
 */
export async function readerOf({ target, embedded }: Pick<Database, "target" | "embedded">): Promise<DatabaseTarget> {
    if (embedded === null) return target;
    // Made from the owner's, so that any number of processes come to the same one and none locks another out.
    const password = createHmac("sha256", target.password).update(role).digest("base64url");
    const sql = connect(target, { applicationName: "sluice set-up", max: 1 });
    try {
        // One text, hence one transaction. Two at once would meet in the catalogue ("tuple concurrently updated").
        await sql
            .unsafe(
                `begin;
                select pg_advisory_xact_lock(${setUpLockKey});
                ${programFiles.read("sql/roles/api_reader.sql")}
                alter role ${role} password '${password}';
                commit`,
            )
            .simple();
    } finally {
        await sql.end({ timeout: 1 });
    }
    return makeTarget({ ...target, user: role, password });
}
