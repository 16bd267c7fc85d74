/** Stays in sight: folder and table, the state, the last batch. */
import { formatNumber } from "../../../terminal/format.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import { formatAgo, zoneName } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { isStale, status } from "../live/connection.ts";
import { hasSeveral, scope, streams } from "../live/scope.ts";
import type { Verdict } from "../now/describe-verdict.ts";
import { Choice } from "../parts/choice.tsx";
import { Icon, Mark } from "../parts/icons.tsx";
import { theme, zone } from "../settings.ts";

export function Header({ verdict }: { verdict: Verdict }) {
    return (
        <header class="top">
            <div class="top-row">
                <a class="brand" href="/" aria-label="Sluice">
                    <Mark />
                    <span>Sluice</span>
                </a>
                <Route />
                <span class={`state ${verdict.tone}`} role="status">
                    <span class="dot" aria-hidden="true" />
                    {verdict.state}
                </span>
                <LastBatch />
                <Choice
                    label="Time zone"
                    value={zone.value}
                    onChoose={(chosen) => {
                        zone.value = chosen;
                    }}
                    options={[
                        { value: "local", label: "Local", name: `Local time, ${zoneName("local")}` },
                        { value: "utc", label: "UTC", name: "Coordinated universal time" },
                    ]}
                />
                <Choice
                    label="Theme"
                    value={theme.value}
                    onChoose={(chosen) => {
                        theme.value = chosen;
                    }}
                    options={[
                        { value: "auto", label: <Icon name="auto" />, name: "As the system" },
                        { value: "light", label: <Icon name="light" />, name: "Light" },
                        { value: "dark", label: <Icon name="dark" />, name: "Dark" },
                    ]}
                />
            </div>
        </header>
    );
}

function Route() {
    if (!status.value) return <span class="route" />;
    const { workers } = status.value;
    const table = tableName();
    const folders = [...new Set(workers.map(({ inputDir }) => inputDir))];
    const full = folders.map((folder) => sanitize(folder)).join(", ");
    return (
        <span class="route" title={full === "" ? undefined : `${full} → ${table}`}>
            <span class="folder">{full === "" ? "no folder watched" : shorten(full)}</span>
            <span aria-hidden="true"> → </span>
            <span class="unseen"> into </span>
            {table}
        </span>
    );
}

function tableName(): string {
    if (hasSeveral.value) return `${streams.value.length} streams`;
    return sanitize(scope.value ?? status.value!.table);
}

/** The end of a path says more than its beginning. */
function shorten(path: string): string {
    const parts = path.split("/");
    return parts.length > 3 ? `…/${parts.slice(-2).join("/")}` : path;
}

function LastBatch() {
    if (!status.value) return null;
    const last = status.value.lastBatch;
    return (
        <span class={`last-batch ${isStale.value ? "old" : ""}`} data-test="last-batch">
            {last ? (
                <>
                    batch #{formatNumber(last.batchId)}{" "}
                    <span class="muted">· {formatAgo(last.finishedAt, nowMs.value)}</span>
                </>
            ) : (
                <span class="muted">no batch yet</span>
            )}
        </span>
    );
}
