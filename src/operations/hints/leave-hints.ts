/** Leaves hints for the loaders, which take them within a second: sql/engine/hints.sql. */
import type { Sql } from "../../database/connect.ts";
import type { KnownStream } from "../streams/read-streams.ts";
import { type IgnoredReason, ignoredReasons, type ObjectHint } from "./read-hints.ts";
import { createHintRouter, type RoutedHint } from "./route-hints.ts";

export interface LeftHints {
    /** They wait for the loader, or waited already. */
    accepted: number;
    ignored: { reason: IgnoredReason; count: number }[];
}

export async function leaveHints(
    sql: Sql,
    streams: readonly KnownStream[],
    hints: readonly ObjectHint[],
    ignoredBefore: readonly IgnoredReason[],
): Promise<LeftHints> {
    const route = createHintRouter(
        streams.filter(({ isActive }) => isActive),
        hints.length === 0 ? [] : await readInputs(sql),
    );
    const routed = hints.map(route);
    const left = routed.filter((one) => typeof one !== "string");
    const withoutRoom = left.length === 0 ? 0 : Math.min(left.length, await addHints(sql, left.flat()));
    const ignored = [
        ...ignoredBefore,
        ...routed.filter((one) => typeof one === "string"),
        ...Array<IgnoredReason>(withoutRoom).fill("too_many"),
    ];
    const counted = ignoredReasons.map((reason) => ({
        reason,
        count: ignored.filter((one) => one === reason).length,
    }));
    return { accepted: left.length - withoutRoom, ignored: counted.filter(({ count }) => count > 0) };
}

/** Of the ingests that run now. */
async function readInputs(sql: Sql): Promise<string[]> {
    const rows = await sql<{ inputDir: string }[]>`
        select distinct input_dir as "inputDir" from ingest.workers where lease_until > clock_timestamp()`;
    return rows.map(({ inputDir }) => inputDir);
}

/** Returns for how many there was no room. */
async function addHints(sql: Sql, hints: readonly RoutedHint[]): Promise<number> {
    const [row] = await sql<{ withoutRoom: number }[]>`
        select ingest.add_hints(${JSON.stringify(hints)}::text::jsonb) as "withoutRoom"`;
    return row!.withoutRoom;
}
