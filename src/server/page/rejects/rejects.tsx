/** Rejects and conflicts by reason, with the records as the files had them. */
import { formatCount, formatNumber } from "../../../terminal/format.ts";
import type { Reject, RejectSummary } from "../../api/rejects/read-rejects.ts";
import { formatCode } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { inScope } from "../live/scope.ts";
import { useResource } from "../live/use-resource.ts";
import { Bar } from "../parts/bar.tsx";
import { useMovingList } from "../parts/moving-list.tsx";
import { Nothing, Panel } from "../parts/panel.tsx";
import { RangeChoice } from "../parts/range-choice.tsx";
import { address, hrefWith, queryOf } from "../views/location.ts";
import { listQuery, parseRange } from "../views/time-range.ts";
import { RejectItems } from "./reject-list.tsx";
import { Replay } from "./replay.tsx";

/** Those of the query string that choose rejects. */
const filters = ["reason", "file", "batch"] as const;

export function Rejects({ columns }: { columns: readonly string[] }) {
    const pace = { everyMs: 3000, idleMs: 20_000 };
    const { data: summary, problem, knownAt } = useResource<RejectSummary>(inScope("/v1/rejects/summary"), pace);
    const reason = queryOf("reason");
    const chosen = filters.map((name) => [name, queryOf(name)] as const).filter(([, value]) => value !== null);
    const query = chosen.map(([name, value]) => `&${name}=${encodeURIComponent(value!)}`).join("");
    const path = inScope(
        `/v1/rejects?limit=20${query}${listQuery(parseRange(address.value.searchParams), nowMs.value)}`,
    );
    const total = summary?.kinds.reduce((sum, kind) => sum + kind.records, 0) ?? 0;
    const list = useMovingList<Reject>(path, total, pace);
    const tools = (
        <>
            <RangeChoice otherwise="all" />
            {list.hold}
        </>
    );
    return (
        <Panel
            id="rejects"
            title="Rejects"
            note={summary && describeStanding(summary.kinds)}
            tools={tools}
            problem={problem ?? list.problem}
            knownAt={knownAt}
            isView
        >
            {summary?.reasons.length === 0 ? (
                <Nothing>No rejects.</Nothing>
            ) : (
                <div class="rejects">
                    <Reasons reasons={summary?.reasons ?? []} />
                    <section aria-label={reason === null ? "Rejects" : `Records with ${formatCode(reason)}`}>
                        <div class="samples-head">
                            <h2>{reason === null ? "Newest first" : formatCode(reason)}</h2>
                            {chosen.some(([name]) => name !== "reason") && (
                                <span class="note">
                                    Only of{" "}
                                    {chosen
                                        .flatMap(([name, value]) => (name === "reason" ? [] : [`${name} ${value}`]))
                                        .join(", ")}{" "}
                                    · <a href={hrefWith({ file: null, batch: null, cursor: null })}>show all</a>
                                </span>
                            )}
                            {reason !== null && <Replay key={reason} reason={reason} />}
                        </div>
                        {list.data && list.rows.length === 0 && <Nothing>No matching rejects.</Nothing>}
                        <RejectItems rejects={list.rows} columns={columns} />
                        {list.pages}
                    </section>
                </div>
            )}
        </Panel>
    );
}

function describeStanding(kinds: RejectSummary["kinds"]): string {
    const records = kinds.reduce((sum, kind) => sum + kind.records, 0);
    const standing = kinds.reduce((sum, kind) => sum + kind.open, 0);
    if (records === 0) return "";
    const resolved = records > standing ? `, ${formatNumber(records - standing)} more resolved by replays` : "";
    return `${formatCount(standing, "record")} refused${resolved}`;
}

function Reasons({ reasons }: { reasons: RejectSummary["reasons"] }) {
    const most = Math.max(1, ...reasons.map(({ open }) => open));
    const shown = queryOf("reason");
    return (
        <nav class="reasons" aria-label="Reasons">
            <ul>
                {reasons.map(({ kind, reason, open }) => (
                    <li key={`${kind} ${reason}`}>
                        <a
                            href={hrefWith({ reason: reason === shown ? null : reason, cursor: null })}
                            aria-current={reason === shown ? "true" : undefined}
                        >
                            <Bar name={formatCode(reason)} share={open / most} outcome={kind}>
                                {formatNumber(open)}
                            </Bar>
                        </a>
                    </li>
                ))}
            </ul>
        </nav>
    );
}
