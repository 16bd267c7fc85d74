/** Rejects and conflicts by reason, with the records as the files had them. */
import { useState } from "preact/hooks";
import { formatCount, formatNumber } from "../../../terminal/format.ts";
import type { Reject, RejectSummary } from "../../api/rejects/read-rejects.ts";
import { formatCode } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { inScope, scope } from "../live/scope.ts";
import { useResource } from "../live/use-resource.ts";
import { Bar } from "../parts/bar.tsx";
import { Choice } from "../parts/choice.tsx";
import { useMovingList } from "../parts/moving-list.tsx";
import { Nothing, Panel } from "../parts/panel.tsx";
import { RangeChoice } from "../parts/range-choice.tsx";
import { address, go, hrefWith, queryOf } from "../views/location.ts";
import { listQuery, parseRange } from "../views/time-range.ts";
import { Decide } from "./decide.tsx";
import { RejectItems } from "./reject-list.tsx";

/** Those of the query string that choose rejects. */
const filters = ["reason", "kind", "column", "contains", "file", "batch"] as const;

export function Rejects({ columns }: { columns: readonly string[] }) {
    const pace = { everyMs: 3000, idleMs: 20_000 };
    const { data: summary, problem, knownAt } = useResource<RejectSummary>(inScope("/v1/rejects/summary"), pace);
    const reason = queryOf("reason");
    const chosen = filters.map((name) => [name, queryOf(name)] as const).filter(([, value]) => value !== null);
    const query = chosen.map(([name, value]) => `&${name}=${encodeURIComponent(value!)}`).join("");
    const range = listQuery(parseRange(address.value.searchParams), nowMs.value);
    const path = inScope(`/v1/rejects?limit=20${query}${range}`);
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
                                    ·{" "}
                                    <a
                                        href={hrefWith({
                                            ...Object.fromEntries(filters.map((name) => [name, null])),
                                            reason,
                                            cursor: null,
                                        })}
                                    >
                                        show all
                                    </a>
                                </span>
                            )}
                        </div>
                        <FilterForm key={address.value.search} />
                        <Decide
                            key={`decide ${query}`}
                            filter={bodyOf(chosen, range)}
                            of={reason === null ? "the records shown" : `the records with ${formatCode(reason)}`}
                            mayAccept={queryOf("kind") !== "rejected"}
                        />
                        {list.data && list.rows.length === 0 && <Nothing>No matching rejects.</Nothing>}
                        <RejectItems rejects={list.rows} columns={columns} />
                        {list.pages}
                    </section>
                </div>
            )}
        </Panel>
    );
}

/** The same filter, as a replay takes it. */
function bodyOf(chosen: readonly (readonly [string, string | null])[], range: string): Record<string, unknown> {
    const body: Record<string, unknown> = Object.fromEntries([...chosen, ...new URLSearchParams(range)]);
    if (scope.value !== null) body.stream = scope.value;
    if (body.batch !== undefined) body.batch = Number(body.batch);
    return body;
}

const kinds = ["all", "rejected", "conflict"] as const;
const kindOptions = [
    { value: "all", label: "All" },
    { value: "rejected", label: "Rejected" },
    { value: "conflict", label: "Conflicts" },
] as const;

function FilterForm() {
    const [column, setColumn] = useState(queryOf("column") ?? "");
    const [contains, setContains] = useState(queryOf("contains") ?? "");
    const kind = kinds.find((value) => value === queryOf("kind")) ?? "all";
    const textOrNull = (text: string) => (text.trim() === "" ? null : text.trim());
    return (
        <search class="reject-filter">
            <Choice
                label="Kind"
                value={kind}
                onChoose={(chosen) => go(hrefWith({ kind: chosen === "all" ? null : chosen, cursor: null }))}
                options={kindOptions}
            />
            <form
                class="range-form"
                onSubmit={(event) => {
                    event.preventDefault();
                    go(hrefWith({ column: textOrNull(column), contains: textOrNull(contains), cursor: null }));
                }}
            >
                <input
                    type="text"
                    aria-label="Column with a reason, or that differs"
                    placeholder="Column"
                    autocomplete="off"
                    spellcheck={false}
                    value={column}
                    onInput={(event) => setColumn(event.currentTarget.value)}
                />
                <input
                    type="search"
                    aria-label="Text in one of the values"
                    placeholder="Contains"
                    spellcheck={false}
                    value={contains}
                    onInput={(event) => setContains(event.currentTarget.value)}
                />
                <button type="submit" class="button">
                    Filter
                </button>
            </form>
        </search>
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
