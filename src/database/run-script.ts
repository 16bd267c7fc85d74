/** Runs SQL that a person wrote and that may write: one or several statements, all of them or none. */
import { connect } from "./connect.ts";
import type { DatabaseTarget } from "./database-target.ts";
import { sqlStateOf, sqlStates } from "./sql-states.ts";

export interface StatementDone {
    /** `CREATE TABLE`, `UPDATE`. */
    command: string;
    /** Rows that it wrote or returned; null for a statement that has none. */
    rowCount: number | null;
}

/** Returns what the statement did, or null when there were several: the driver reports the last one alone. */
export async function runScript(target: DatabaseTarget, script: string): Promise<StatementDone | null> {
    const sql = connect(target, {
        applicationName: "sluice sql",
        max: 1,
        // How long a person's statement may take is for the administrator of their role to say.
        settings: { statement_timeout: null },
    });
    try {
        const { command, count } = await sql.unsafe(script, [], { simple: false } as never);
        return { command, rowCount: count };
    } catch (error) {
        if (sqlStateOf(error) !== sqlStates.syntaxError) throw error;
        // The extended protocol takes one statement only. The simple one makes one transaction of several.
        await sql.unsafe(script).simple();
        return null;
    } finally {
        await sql.end({ timeout: 1 });
    }
}
