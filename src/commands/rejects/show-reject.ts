/** `rejects --id`: one reject, beside the stored row. */
import { drizzle } from "drizzle-orm/postgres-js";
import type { Sql } from "../../database/connect.ts";
import * as schema from "../../database/schema.ts";
import { commandHere } from "../../environment.ts";
import { readHeaders } from "../../operations/read-headers.ts";
import { type RejectDetail, readReject } from "../../server/api/rejects/read-rejects.ts";
import { explainUnseen } from "../../terminal/sanitize.ts";
import { formatRejects } from "../listing/format-rejects.ts";
import { refuse } from "../refuse.ts";
import { describeRow, formatFields } from "./format-beside.ts";

/** @throws SluiceError reject_unknown */
export async function requireReject(sql: Sql, id: number): Promise<RejectDetail> {
    const reject = await readReject(drizzle(sql, { schema }), id);
    if (reject !== undefined) return reject;
    throw refuse("reject_unknown", `There is no reject ${id}.`, `\`${commandHere("rejects")}\` lists them.`);
}

export async function formatReject(sql: Sql, reject: RejectDetail): Promise<string[]> {
    const lines = [
        ...formatRejects([reject], await readHeaders(sql, [reject.fileId])),
        ...(reject.editedAt === null ? [] : [`    edited ${reject.editedAt}`]),
        ...describeRow(reject.beside),
        "",
        ...formatFields(reject.beside.fields),
        ...(reject.resolution === null ? ["", ...nextCommands(reject)] : []),
    ];
    return [...lines, ...explainUnseen(lines)];
}

function nextCommands({ rejectId, kind }: RejectDetail): string[] {
    const accept = `${commandHere("replay")} --id ${rejectId} --accept-conflicts --preview`;
    return [
        ...(kind === "conflict" ? [`Replace the stored row: ${accept}`] : []),
        `Edit it: ${commandHere("rejects")} --id ${rejectId} --set COLUMN=VALUE --preview`,
    ];
}
