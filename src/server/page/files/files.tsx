/** Files, by how far they are; what failed says why, and what happens next. */
import { signal } from "@preact/signals";
import { formatBytes, formatNumber } from "../../../terminal/format.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import type { SourceFile } from "../../api/files/read-files.ts";
import { formatAgo, formatClock, formatCode } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { filesVersion, status } from "../live/connection.ts";
import { useResource } from "../live/use-resource.ts";
import { Choice } from "../parts/choice.tsx";
import { Nothing, Panel } from "../parts/panel.tsx";
import { Scroll } from "../parts/scroll.tsx";
import type { Page } from "../shapes.ts";

type Filter = "all" | "pending" | "loaded" | "failed" | "merged" | "skipped";

const filter = signal<Filter>("all");
/** Only the versions of this path; all when it is null. */
const onlyPath = signal<string | null>(null);

/** From elsewhere on the page. */
export function showFile(path: string): void {
    filter.value = "all";
    onlyPath.value = path;
    document.getElementById("files")?.scrollIntoView();
}

/** The ledger's states in the words of who waits for a file. */
const stateWords: Record<string, string> = { pending: "waiting", loaded: "loaded", replaced: "replaced" };
const filters: Filter[] = ["all", "pending", "loaded", "merged", "failed", "skipped"];

export function Files() {
    const state = filter.value === "all" ? "" : `&state=${filter.value}`;
    const path = onlyPath.value === null ? "" : `&path=${encodeURIComponent(onlyPath.value)}`;
    const query = `${state}${path}`;
    const { data, problem, knownAt } = useResource<Page<SourceFile>>(`/v1/files?limit=12${query}`, {
        everyMs: 1000,
        idleMs: 5000,
        follows: filesVersion,
    });
    const files = data?.data ?? [];
    const counts: Record<string, number> = status.value?.files ?? {};
    const options = filters.map((value) => ({ value, label: <FilterLabel value={value} counts={counts} /> }));
    return (
        <Panel
            id="files"
            title="Files"
            note={
                onlyPath.value !== null && (
                    <>
                        Only {sanitize(onlyPath.value, { most: 120 })} ·{" "}
                        <button
                            type="button"
                            class="link"
                            onClick={() => {
                                onlyPath.value = null;
                            }}
                        >
                            show all
                        </button>
                    </>
                )
            }
            tools={<Choice label="State" value={filter} options={options} />}
            problem={problem}
            knownAt={knownAt}
        >
            {data && files.length === 0 && (
                <Nothing>
                    {filter.value === "all" ? "No file has been seen yet." : `No file is ${wordOf(filter.value)}.`}
                </Nothing>
            )}
            {files.length > 0 && <FileTable files={files} />}
        </Panel>
    );
}

function FilterLabel({ value, counts }: { value: Filter; counts: Record<string, number> }) {
    const count = value === "all" ? Object.values(counts).reduce((sum, files) => sum + files, 0) : (counts[value] ?? 0);
    return (
        <>
            {wordOf(value)} <span class="count">{formatNumber(count)}</span>
        </>
    );
}

function FileTable({ files }: { files: SourceFile[] }) {
    return (
        <Scroll label="Files">
            <table>
                <thead>
                    <tr>
                        <th scope="col">File</th>
                        <th scope="col">State</th>
                        <th scope="col" class="number">
                            Records
                        </th>
                        <th scope="col" class="number">
                            Size
                        </th>
                        <th scope="col">Seen</th>
                        <th scope="col">Why</th>
                    </tr>
                </thead>
                <tbody>
                    {files.map((file) => (
                        <tr key={file.fileId}>
                            <td class="clip" title={sanitize(file.path)}>
                                {sanitize(file.path)}
                                {file.version > 1 && <span class="tag">version {file.version}</span>}
                            </td>
                            <td>
                                <span class={`state-word ${file.state}`}>{wordOf(file.state)}</span>
                            </td>
                            <td class="number">{formatNumber(file.loadedRecords)}</td>
                            <td class="number">{formatBytes(file.sizeBytes)}</td>
                            <td class="muted" title={formatClock(file.discoveredAt, nowMs.value)}>
                                {formatAgo(file.discoveredAt, nowMs.value)}
                            </td>
                            <td class="why">{explain(file)}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </Scroll>
    );
}

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

function wordOf(state: string): string {
    return stateWords[state] ?? state;
}
