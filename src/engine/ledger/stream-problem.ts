/** Why a stream is blocked, where status and the page read it: `problem` of ingest.streams. */

import type { Sql } from "../../database/connect.ts";
import { describeFault } from "../../database/describe-fault.ts";
import { sqlStateOf, sqlStates } from "../../database/sql-states.ts";
import { SluiceError } from "../../errors.ts";

export interface StreamProblem {
    /** Stable: `table_changed`, `table_missing`, `table_rights` (a right is missing), or what the error calls itself. */
    code: string;
    detail: string;
}

export function problemOf(error: unknown): StreamProblem {
    const { message, cause } = error as Error;
    const said = [error, cause].find((fault) => fault instanceof SluiceError);
    if (said instanceof SluiceError) return { code: said.code, detail: said.message };
    const state = sqlStateOf(error);
    const what = describeFault(error) ?? message;
    if (state === sqlStates.insufficientPrivilege) {
        return { code: "table_rights", detail: `${what}. Grant that right. The stream then resumes automatically.` };
    }
    const isMissing = state === sqlStates.undefinedTable || state === sqlStates.invalidSchemaName;
    return {
        code: isMissing ? "table_missing" : "table_changed",
        detail: `${what}. Undo that change. The stream then resumes automatically; until then its files wait.`,
    };
}

/** Null: there is none any more. Since when it is one is kept as long as its code stays the same. */
export async function noteStreamProblem(sql: Sql, streamId: number, problem: StreamProblem | null): Promise<void> {
    const { code = null, detail = null } = problem ?? {};
    await sql`
        update ingest.streams
        set
            problem = ${code},
            problem_detail = ${detail},
            problem_at = case
                when ${code}::text is null then null
                when problem is distinct from ${code}::text then clock_timestamp()
                else problem_at
            end
        where
            stream_id = ${streamId}
            and (problem is distinct from ${code}::text or problem_detail is distinct from ${detail}::text)`;
}
