/** The way from view to view, and the search. */
import { formatNumber } from "../../../terminal/format.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import { hasSeveral, scope, shownStatus, streamHref } from "../live/scope.ts";
import { hasLab } from "../settings.ts";
import type { TraceKey } from "../trace/parse-query.ts";
import type { ViewName } from "./find-view.ts";
import { hrefOf, hrefWith, view } from "./location.ts";
import { Search } from "./search.tsx";

/** Whose link is marked while a detail is shown. */
const homes: Partial<Record<ViewName, ViewName>> = {
    stream: "streams",
    file: "files",
    batch: "batches",
    reject: "rejects",
};

export function Nav({ recordKey }: { recordKey: TraceKey }) {
    const shown = homes[view.value.name] ?? view.value.name;
    const failed = shownStatus.value?.files.failed ?? 0;
    const links: { name: ViewName; path: string; label: string; count?: number }[] = [
        { name: "overview", path: hrefOf("/", { stream: null }), label: "Overview" },
        { name: "streams", path: hrefOf("/streams", { stream: null }), label: "Streams" },
        { name: "files", path: hrefOf("/files"), label: "Files", count: failed },
        { name: "batches", path: hrefOf("/batches"), label: "Batches" },
        { name: "rejects", path: hrefOf("/rejects"), label: "Rejects", count: shownStatus.value?.standingRejects ?? 0 },
        { name: "checks", path: hrefOf("/checks"), label: "Checks" },
        { name: "trace", path: hrefOf("/trace"), label: "Trace" },
        ...(hasLab ? [{ name: "lab" as const, path: hrefOf("/lab"), label: "Crash lab" }] : []),
    ];
    return (
        <nav class="views" aria-label="Views">
            <ul>
                {links.map(({ name, path, label, count = 0 }) => (
                    <li key={name}>
                        <a href={path} aria-current={name === shown ? "page" : undefined}>
                            {label}
                            {count > 0 && (
                                <span class="count">
                                    {" "}
                                    {formatNumber(count)}
                                    <span class="unseen">{name === "files" ? " failed" : " standing"}</span>
                                </span>
                            )}
                        </a>
                    </li>
                ))}
            </ul>
            {hasSeveral.value && scope.value !== null && (
                <p class="scope">
                    <span class="muted">Stream</span>{" "}
                    <a href={streamHref(scope.value)}>{sanitize(scope.value, { most: 40 })}</a>{" "}
                    <a
                        class="note"
                        href={
                            view.value.name === "stream"
                                ? hrefOf("/", { stream: null })
                                : hrefWith({ stream: null, cursor: null })
                        }
                    >
                        Show all streams
                    </a>
                </p>
            )}
            <Search recordKey={recordKey} />
        </nav>
    );
}
