/** One check for each stream of streams/: whether its table can be taken, and what it waits for. */

import { connect } from "../../database/connect.ts";
import type { DatabaseTarget } from "../../database/database-target.ts";
import { commandHere, program } from "../../environment.ts";
import { SluiceError } from "../../errors.ts";
import { examine, type TableStream } from "../../streams/apply-stream.ts";
import { type Found, fail, note, ok } from "./finding.ts";

export async function checkStream(target: DatabaseTarget, declared: TableStream): Promise<Found> {
    // Of its own: what is looked up changes the session's search_path.
    const sql = connect(target, { applicationName: "sluice doctor", max: 1 });
    try {
        const { table } = await examine(sql, declared);
        const name = `${table.schema}.${table.name}`;
        const [known] = await sql<{ detail: string | null }[]>`
            select problem_detail as detail from ingest.streams where name = ${declared.name} and is_active`;
        if (known === undefined) {
            const found = `${declared.files} → ${name}: the table is suitable; no file has been read yet.`;
            return note(
                found,
                `\`${commandHere("ingest")}\` or \`${program} start\` creates the stream and reads its files.`,
            );
        }
        if (known.detail !== null) return note(`Blocked: ${known.detail}`, "A running ingest resumes automatically.");
        const triggers = table.triggers.map((trigger) => trigger.name);
        const found = `${declared.files} → ${name}, ${table.columns.length} columns.`;
        if (triggers.length === 0) return ok(found);
        const remedy = `A record that they refuse becomes a reject (refused_by_table); \`${commandHere("rejects")}\` shows why.`;
        return note(`${found} Its triggers may refuse or change rows: ${triggers.join(", ")}.`, remedy);
    } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        return fail(error.what, error.remedy);
    } finally {
        await sql.end({ timeout: 1 });
    }
}
