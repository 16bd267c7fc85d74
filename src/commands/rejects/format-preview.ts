/** Formats what a replay did, or would do, to rejects. Pure. */

import { describeRefusal } from "../../operations/describe-refusal.ts";
import type { ReplaySample } from "../../operations/rejects/field-schema.ts";
import type { ReplaySummary } from "../../operations/run-replay.ts";
import { formatNumber } from "../../terminal/format.ts";
import { formatTable } from "../../terminal/table.ts";
import { formatFields } from "./format-beside.ts";

/** The reasons that remain, and a few records beside the rows that they replace. */
export function formatOutcome({
    dryRun,
    remaining,
    samples,
}: Pick<ReplaySummary, "dryRun" | "remaining" | "samples">): string[] {
    return [
        ...(remaining.length === 0
            ? []
            : [
                  dryRun ? "These reasons would remain:" : "These reasons remain:",
                  ...formatTable(
                      remaining.map(({ reason, records }) => [reason, records]),
                      { indent: "  " },
                  ),
              ]),
        ...samples.flatMap((sample) => ["", ...formatSample(sample, dryRun)]),
    ];
}

function formatSample({ rejectId, outcome, reasons, refusal, fields }: ReplaySample, dryRun: boolean): string[] {
    const verb = outcomes[outcome][dryRun ? 0 : 1];
    return [
        `reject ${formatNumber(rejectId)} ${verb}${reasons.length > 0 ? `: ${reasons.join(", ")}` : ""}`,
        ...(refusal === null ? [] : [`  ${describeRefusal(refusal)}`]),
        ...formatFields(fields, "  "),
    ];
}

const outcomes: Record<ReplaySample["outcome"], readonly [string, string]> = {
    inserted: ["would be inserted", "was inserted"],
    updated: ["would update the row of its key", "has updated the row of its key"],
    deleted: ["would delete the row of its key", "has deleted the row of its key"],
    superseded: ["would be superseded by the stored row", "was superseded by the stored row"],
    duplicate: ["would count as a duplicate", "was counted as a duplicate"],
    accepted: ["would replace the stored row", "has replaced the stored row"],
    displaced: ["would give way to a later record of its key", "gave way to a later record of its key"],
    conflict: ["would be a conflict", "is a conflict now"],
    rejected: ["would still be rejected", "is still rejected"],
    unchanged: ["would stand as before", "stands as before"],
};
