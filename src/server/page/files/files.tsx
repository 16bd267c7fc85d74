/** Files by state; a failed one with the reason and the next attempt. */
import { signal } from "@preact/signals";
import { formatBytes, formatNumber } from "../../../terminal/format.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import type { SourceFile } from "../../api/files/read-files.ts";
import { formatAgo, formatClock, formatCode } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { filesVersion } from "../live/connection.ts";
import { hasSeveral, inScope, scope, shownStatus } from "../live/scope.ts";
import { useResource } from "../live/use-resource.ts";
import { Choice } from "../parts/choice.tsx";
import { LinkButton } from "../parts/link-button.tsx";
import { Nothing, Panel } from "../parts/panel.tsx";
import { type Column, Table } from "../parts/table.tsx";
import type { Page } from "../shapes.ts";

const filters = ["all", "pending", "loaded", "merged", "failed", "skipped"] as const;
type Filter = (typeof filters)[number];

const filter = signal<Filter>("all");
/** Only the versions of this path; all when it is null. */
const onlyPath = signal<string | null>(null);

/** Lists its versions alone and scrolls there. */
export function showFile(path: string): void {
    filter.value = "all";
    onlyPath.value = path;
    document.getElementById("files")?.scrollIntoView();
}

export function Files() {
    const state = filter.value === "all" ? "" : `&state=${filter.value}`;
    const path = onlyPath.value === null ? "" : `&path=${encodeURIComponent(onlyPath.value)}`;
    const pace = { everyMs: 1000, idleMs: 5000, follows: filesVersion };
    const { data, ...known } = useResource<Page<SourceFile>>(inScope(`/v1/files?limit=12${state}${path}`), pace);
    const files = data?.data ?? [];
    const options = filters.map((value) => ({ value, label: <FilterLabel value={value} /> }));
    return (
        <Panel
            id="files"
            title="Files"
            note={onlyPath.value !== null && <OnlyPath path={onlyPath.value} />}
            tools={<Choice label="State" value={filter} options={options} />}
            {...known}
        >
            {data && files.length === 0 && (
                <Nothing>
                    {filter.value === "all" ? "No file has been seen yet." : `No file is ${wordOf(filter.value)}.`}
                </Nothing>
            )}
            {files.length > 0 && <Table label="Files" columns={columns} rows={files} keyOf={({ fileId }) => fileId} />}
        </Panel>
    );
}

function OnlyPath({ path }: { path: string }) {
    const showAll = () => {
        onlyPath.value = null;
    };
    return (
        <>
            Only {sanitize(path, { most: 120 })} · <LinkButton onClick={showAll}>show all</LinkButton>
        </>
    );
}

function FilterLabel({ value }: { value: Filter }) {
    const counts: Record<string, number> = shownStatus.value?.files ?? {};
    const count = value === "all" ? Object.values(counts).reduce((sum, files) => sum + files, 0) : (counts[value] ?? 0);
    return (
        <>
            {wordOf(value)} <span class="count">{formatNumber(count)}</span>
        </>
    );
}

const columns: Column<SourceFile>[] = [
    {
        head: "File",
        class: "clip",
        cell: ({ path, version, stream }) => (
            <span title={sanitize(path)}>
                {sanitize(path)}
                {hasSeveral.value && scope.value === null && <span class="tag">{sanitize(stream, { most: 40 })}</span>}
                {version > 1 && <span class="tag">version {version}</span>}
            </span>
        ),
    },
    { head: "State", cell: ({ state }) => <span class={`state-word ${state}`}>{wordOf(state)}</span> },
    { head: "Records", class: "number", cell: ({ loadedRecords }) => formatNumber(loadedRecords) },
    { head: "Size", class: "number", cell: ({ sizeBytes }) => formatBytes(sizeBytes) },
    {
        head: "Seen",
        class: "muted",
        cell: ({ discoveredAt }) => (
            <span title={formatClock(discoveredAt, nowMs.value)}>{formatAgo(discoveredAt, nowMs.value)}</span>
        ),
    },
    { head: "Why", class: "why", cell: explain },
];

function explain(file: SourceFile): string {
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
