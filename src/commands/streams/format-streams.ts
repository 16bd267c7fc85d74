/** Streams as a table, a line each. Pure. */

import type { Status, StreamStatus } from "../../operations/status/status-schema.ts";
import { formatAge, formatNumber } from "../../terminal/format.ts";
import { shownOutcomes } from "../../terminal/record-counts.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import { formatTable } from "../../terminal/table.ts";

/** Below the table, what is wrong with each that is not well, and who paused one. */
export function formatStreams({ streams, asOf }: Pick<Status, "streams" | "asOf">): string[] {
    const names = ["read", ...shownOutcomes(...streams.map(({ totals }) => totals))] as const;
    const rows = streams.map((stream) => [
        sanitize(stream.name, { most: 40 }),
        sanitize(stream.table, { most: 60 }),
        stream.state,
        ...names.map((name) => stream.totals[name]),
        `${formatNumber(Math.round(stream.committed.recordsPerSecond))}/s`,
        stream.backlog.records,
        describeAge(stream, asOf),
        stream.files.failed,
    ]);
    const header = ["stream", "table", "state", ...names, "committed", "waiting", "oldest", "failed files"];
    const troubles = streams.filter(({ tone, state }) => tone === "bad" || state === "paused");
    return [
        ...formatTable(rows, { header, rightAligned: [header.indexOf("committed"), header.indexOf("oldest")] }),
        ...(troubles.length > 0 ? [""] : []),
        ...troubles.map(({ name, verdict }) => `${sanitize(name, { most: 40 })}: ${verdict}`),
    ];
}

function describeAge({ backlog: { oldestWaitingAt } }: StreamStatus, asOf: string): string {
    if (oldestWaitingAt === null) return "";
    return formatAge((Date.parse(asOf) - Date.parse(oldestWaitingAt)) / 1000);
}
