/** Formats rejects, one below the other, and their reasons. Pure. */

import { commandHere } from "../../environment.ts";
import { describeRefusal } from "../../operations/describe-refusal.ts";
import type { Headers } from "../../operations/read-headers.ts";
import type { RejectSummary, selectRejects } from "../../server/api/rejects/read-rejects.ts";
import { formatMoment, formatNumber } from "../../terminal/format.ts";
import { explainUnseen, sanitize } from "../../terminal/sanitize.ts";
import { formatTable } from "../../terminal/table.ts";
import { describeRecord } from "../describe-record.ts";

export type ListedReject = Awaited<ReturnType<typeof selectRejects>>[number];

export function formatRejects(rejects: readonly ListedReject[], headers: Headers): string[] {
    const hasStreams = new Set(rejects.map(({ stream }) => stream)).size > 1;
    const lines = rejects.flatMap((reject) => {
        const line = reject.lineNo === null ? "" : `, line ${formatNumber(reject.lineNo)}`;
        const place = `${sanitize(reject.path ?? "(unknown file)", { most: 60 })}:${reject.recordNo}${line}`;
        const header = headers.get(reject.fileId ?? 0) ?? null;
        const fate = reject.resolution === null ? "" : `, ${reject.resolution} by batch ${reject.resolvedByBatch}`;
        return [
            `${reject.rejectId}  ${hasStreams ? `${sanitize(reject.stream, { most: 40 })}  ` : ""}${reject.kind}  ${reject.reasons.join(", ")}  ${place}  ${formatMoment(reject.rejectedAt)}${fate}`,
            `    ${sanitize(reject.record ? describeRecord(reject.record, header) : (reject.rawText ?? ""), { most: 200 })}`,
            ...(reject.refusal === null ? [] : [`    ${describeRefusal(reject.refusal)}`]),
        ];
    });
    return [...lines, ...explainUnseen(lines)];
}

/** Counts the standing rejects by reason, and names the next commands. */
export function formatReasons({ kinds, reasons }: RejectSummary): string[] {
    const open = kinds.reduce((sum, kind) => sum + kind.open, 0);
    if (open === 0) return [];
    const rows = reasons
        .filter((reason) => reason.open > 0)
        .map(({ kind, reason, open: count }) => [reason, kind, count]);
    return [
        `Open rejects by reason (${formatNumber(open)}):`,
        ...formatTable(rows, { indent: "  " }),
        `Each in full: ${commandHere("rejects")} --id ID. After a fix: ${commandHere("replay")} --reason … --preview.`,
    ];
}
