/** Formats what upserts replaced, deleted or found superseded. Pure. */
import type { selectHistory } from "../../server/api/history/read-history.ts";
import { formatMoment } from "../../terminal/format.ts";
import { explainUnseen, sanitize } from "../../terminal/sanitize.ts";
import { describeRecord } from "../describe-record.ts";

export type ListedVersion = Awaited<ReturnType<typeof selectHistory>>[number];

const whatOf = { replaced: "replaced by", deleted: "deleted by", superseded: "superseded," };

export function formatHistory(versions: readonly ListedVersion[]): string[] {
    const hasStreams = new Set(versions.map(({ stream }) => stream)).size > 1;
    const lines = versions.flatMap(({ historyId, stream, what, key, record, path, recordNo, batchId, keptAt }) => {
        const place = `${sanitize(path ?? "(unknown file)", { most: 60 })}:${recordNo}`;
        const name = hasStreams ? `${sanitize(stream, { most: 40 })}  ` : "";
        return [
            `${historyId}  ${name}${sanitize(key, { most: 60 })}  ${whatOf[what]} ${place}  batch ${batchId}  ${formatMoment(keptAt)}`,
            `    ${sanitize(describeRecord(record), { most: 200 })}`,
        ];
    });
    return [...lines, ...explainUnseen(lines)];
}

/** With a header of all their columns; an empty field is no value. */
export function formatHistoryAsCsv(versions: readonly ListedVersion[]): string[] {
    const columns = [...new Set(versions.flatMap(({ record }) => Object.keys(record)))];
    const field = (value: string | null | undefined) =>
        value === null || value === undefined
            ? ""
            : /[",\r\n]|^\s|\s$/.test(value)
              ? `"${value.replaceAll('"', '""')}"`
              : value;
    return versions.length === 0
        ? []
        : [
              columns.map(field).join(","),
              ...versions.map(({ record }) => columns.map((name) => field(record[name])).join(",")),
          ];
}
