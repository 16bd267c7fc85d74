/** Whether a connection pooler is between us and the server, and whether everything has a way past it that it needs. */

import type { Config } from "../../config/config.ts";
import { type DatabaseTarget, describeTarget, type Pooler, parseDatabaseUrl } from "../../database/database-target.ts";
import { reachServer } from "../../database/open-database.ts";
import { libpqEnvironment } from "../../environment.ts";
import { type Found, fail, note, ok } from "./finding.ts";

/** `target`: the way of all that writes, as it was found. */
export async function checkPooler(
    { databaseUrl, directDatabaseUrl }: Pick<Config, "databaseUrl" | "directDatabaseUrl">,
    target: DatabaseTarget,
): Promise<Found> {
    if (target.pooler && !isSession(target.pooler)) {
        return fail(
            `${describeTarget(target)} is ${describe(target.pooler)}: it serves what only reads, and nothing that writes.`,
            directDatabaseUrl === undefined
                ? "Set SLUICE_DIRECT_DATABASE_URL to the server itself, beside DATABASE_URL."
                : "Let SLUICE_DIRECT_DATABASE_URL name the server itself.",
        );
    }
    if (directDatabaseUrl === undefined || databaseUrl === undefined) {
        if (!target.pooler) return ok("None: connections are the server's own.");
        return note(
            `${describeTarget(target)} is ${describe(target.pooler)}.`,
            "It may ignore settings that a session begins with: see docs/operations.md, Connection poolers.",
        );
    }
    const { target: pooled } = await reachServer(parseDatabaseUrl(databaseUrl, libpqEnvironment()));
    const reads = pooled.pooler ? `through ${describe(pooled.pooler)}` : "with no pooler in between";
    return ok(`Reads go to ${describeTarget(pooled)}, ${reads}; writes go to ${describeTarget(target)}.`);
}

const isSession = ({ mode, takesSettings }: Pooler) => mode === "session" && takesSettings;

function describe({ mode, takesSettings }: Pooler): string {
    const refusal = mode === "session" && !takesSettings ? " that refuses the settings of a session" : "";
    return `a connection pooler in ${mode} mode${refusal}`;
}
