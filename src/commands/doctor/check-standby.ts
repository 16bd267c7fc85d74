/** Whether the server that reads go to answers, and how far it is behind. */

import { connect } from "../../database/connect.ts";
import { describeTarget, parseDatabaseUrl } from "../../database/database-target.ts";
import { reachServer } from "../../database/open-database.ts";
import { libpqEnvironment } from "../../environment.ts";
import { readStatus } from "../../operations/status/read-status.ts";
import { formatDuration } from "../../terminal/format.ts";
import { type Found, note, ok } from "./finding.ts";

/** From then on its numbers are no longer the present. */
const mostLagSeconds = 60;

export async function checkStandby(readDatabaseUrl: string): Promise<Found> {
    const { target } = await reachServer(parseDatabaseUrl(readDatabaseUrl, libpqEnvironment()));
    const where = `Reads go to ${describeTarget(target)}`;
    const sql = connect(target, { applicationName: "sluice doctor", max: 1 });
    try {
        const { standby } = await readStatus(sql);
        if (standby === null) {
            return note(`${where}, which is no standby.`, "If it is the primary, unset SLUICE_READ_DATABASE_URL.");
        }
        const found = `${where}, a standby, ${formatDuration(standby.lagSeconds * 1000)} behind.`;
        if (standby.lagSeconds <= mostLagSeconds) return ok(found);
        return note(found, "See pg_stat_replication on the primary, and whether replay is paused on the standby.");
    } finally {
        await sql.end({ timeout: 1 });
    }
}
