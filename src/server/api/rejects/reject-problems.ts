/** What can keep a route from changing rejects. */
import { sluiceStates, sqlStateOf, sqlStates } from "../../../database/sql-states.ts";
import { Problem } from "../problem.ts";
import { throwDatabaseProblem } from "../to-problem.ts";

/** For the `catch` of edits and replays. @throws Problem */
export function throwRejectProblem(error: unknown): never {
    const state = sqlStateOf(error);
    if (state === sluiceStates.rejectChanged) {
        throw new Problem("reject_changed", "It, or the stored row, has changed since you looked. Look at it again.");
    }
    if (state === sluiceStates.rejectNotEditable) {
        throw new Problem("reject_resolved", "A replay has resolved it, so it is history.");
    }
    // Without its cause, by whose code it would be taken for a database that is not ready.
    if (state === sqlStates.insufficientPrivilege) {
        throw new Problem(
            "role_may_not_write",
            "The API's database role may only read. The database's owner allows it with sql/roles/api_reader.sql.",
        );
    }
    throwDatabaseProblem(error);
}
