/** Files, newest first; a failed one with the reason and the next attempt. */
import { formatBytes, formatNumber } from "../../../terminal/format.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import type { SourceFile } from "../../api/files/read-files.ts";
import { formatAgo, formatClock, formatCode } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { filesVersion } from "../live/connection.ts";
import { hasSeveral, inScope, scope, shownStatus } from "../live/scope.ts";
import { Choice } from "../parts/choice.tsx";
import { FileLink } from "../parts/links.tsx";
import { useMovingList } from "../parts/moving-list.tsx";
import { Nothing, Panel } from "../parts/panel.tsx";
import { RangeChoice } from "../parts/range-choice.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { address, go, hrefWith, queryOf } from "../views/location.ts";
import { listQuery, parseRange } from "../views/time-range.ts";

const filters = ["all", "pending", "loaded", "merged", "failed", "skipped"] as const;
type Filter = (typeof filters)[number];

export function Files() {
    const filter = filters.find((value) => value === queryOf("state")) ?? "all";
    const contains = queryOf("contains");
    const range = parseRange(address.value.searchParams);
    const query = [
        filter === "all" ? "" : `&state=${filter}`,
        contains === null ? "" : `&contains=${encodeURIComponent(contains)}`,
        listQuery(range, nowMs.value),
    ].join("");
    const pace = { everyMs: 1000, idleMs: 5000, follows: filesVersion };
    const list = useMovingList<SourceFile>(inScope(`/v1/files?limit=50${query}`), countOf("all"), pace);
    const { rows, data, hold, pages, problem, knownAt } = list;
    const options = filters.map((value) => ({ value, label: <FilterLabel value={value} /> }));
    const choose = (chosen: Filter) => go(hrefWith({ state: chosen === "all" ? null : chosen, cursor: null }));
    const tools = (
        <>
            <Choice label="State" value={filter} onChoose={choose} options={options} />
            <RangeChoice otherwise="all" />
            {hold}
        </>
    );
    const isFiltered = filter !== "all" || contains !== null || range !== null;
    const nothing = data?.isPartial ? "None among these." : isFiltered ? "No matching files." : "No files yet.";
    return (
        <Panel
            id="files"
            title="Files"
            note={contains !== null && <Searched text={contains} />}
            tools={tools}
            problem={problem}
            knownAt={knownAt}
            isView
        >
            {data?.isPartial && (
                <p class="note" role="status">
                    The search stopped after 50,000 files. “Older” searches the next ones.
                </p>
            )}
            {data && rows.length === 0 && <Nothing>{nothing}</Nothing>}
            {rows.length > 0 && <Table label="Files" columns={columns} rows={rows} keyOf={({ fileId }) => fileId} />}
            {pages}
        </Panel>
    );
}

function Searched({ text }: { text: string }) {
    return (
        <>
            Name contains “{sanitize(text, { most: 120 })}” ·{" "}
            <a href={hrefWith({ contains: null, cursor: null })}>show all</a>
        </>
    );
}

function countOf(state: Filter): number {
    const counts: Record<string, number> = shownStatus.value?.files ?? {};
    return state === "all" ? Object.values(counts).reduce((sum, files) => sum + files, 0) : (counts[state] ?? 0);
}

function FilterLabel({ value }: { value: Filter }) {
    return (
        <>
            {wordOf(value)} <span class="count">{formatNumber(countOf(value))}</span>
        </>
    );
}

const columns: Column<SourceFile>[] = [
    {
        head: "File",
        isRowHead: true,
        class: "clip",
        cell: ({ fileId, path, version, stream }) => (
            <>
                <FileLink fileId={fileId} path={path} />
                {hasSeveral.value && scope.value === null && <span class="tag">{sanitize(stream, { most: 40 })}</span>}
                {version > 1 && <span class="tag">version {version}</span>}
            </>
        ),
    },
    { head: "State", cell: ({ state }) => <StateWord state={state} /> },
    { head: "Records", class: "number", cell: ({ loadedRecords }) => formatNumber(loadedRecords) },
    { head: "Size", class: "number", cell: ({ sizeBytes }) => formatBytes(sizeBytes) },
    {
        head: "Seen",
        class: "muted",
        cell: ({ discoveredAt }) => (
            <span title={formatClock(discoveredAt, nowMs.value)}>{formatAgo(discoveredAt, nowMs.value)}</span>
        ),
    },
    { head: "Why", class: "why", cell: (file) => explainFile(file) },
];

export function StateWord({ state }: { state: string }) {
    return <span class={`state-word ${state}`}>{wordOf(state)}</span>;
}

/** Why it is in its state; empty when there is nothing to say. */
export function explainFile(file: SourceFile): string {
    if (file.state === "skipped") return file.copyOf === null ? "" : `the same content as file ${file.copyOf}`;
    if (file.state === "pending" && file.loadedBytes < file.sizeBytes) {
        return file.loadedBytes === 0 ? "" : `${formatBytes(file.sizeBytes - file.loadedBytes)} to read`;
    }
    if (file.problem === null) return "";
    const why = file.problemDetail ? sanitize(file.problemDetail, { most: 200 }) : formatCode(file.problem);
    const retry = file.nextAttemptAt ? ` Next try ${formatClock(file.nextAttemptAt, nowMs.value)}.` : "";
    return `${why}${retry}`;
}

/** The ledger's state in the word of somebody who waits for the file. */
function wordOf(state: string): string {
    return state === "pending" ? "waiting" : state;
}
