/** The database's message about a record that it refused, as one line. Pure. */
import type { Refusal } from "../database/schema.ts";
import { sanitize } from "../terminal/sanitize.ts";

export function describeRefusal({ message, detail, sqlState, constraint, raisedIn }: Refusal): string {
    const facts = [
        ...(sqlState === undefined ? [] : [`SQLSTATE ${sqlState}`]),
        ...(constraint === undefined ? [] : [`constraint ${constraint}`]),
        ...(raisedIn === undefined ? [] : [`in ${raisedIn.split("\n").at(0)}`]),
    ];
    const said = detail === undefined ? (message ?? "") : `${message} ${detail}`;
    return sanitize(`The table says: ${said}${facts.length > 0 ? ` (${facts.join(", ")})` : ""}`, { most: 400 });
}
