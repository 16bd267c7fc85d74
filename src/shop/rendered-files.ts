import { renderChecks } from "../streams/render/render-checks.ts";
import { renderMerge } from "../streams/render/render-merge.ts";
import { renderPrune } from "../streams/render/render-prune.ts";
import { renderRefuse } from "../streams/render/render-refuse.ts";
import { renderReplay } from "../streams/render/render-replay.ts";
import { renderStaging } from "../streams/render/render-staging.ts";
import { renderStream } from "../streams/render/render-stream.ts";
import { renderTrace } from "../streams/render/render-trace.ts";
import { renderTry } from "../streams/render/render-try.ts";
import { eventsMade, eventsSql } from "./events-sql.ts";
import { renderRebuild } from "./rebuild-rollups.ts";

/** In the order in which they are applied. */
const renderers = [
    renderStaging,
    renderMerge,
    renderRefuse,
    renderReplay,
    renderTry,
    renderPrune,
    renderTrace,
    renderRebuild,
    renderStream,
];

const note = "-- Rendered by `bun run sql:render` from src/streams/render/. Change the template, not this file.";

/** Path from the project's folder → text: what stands in sql/rendered/. */
export function renderedFiles(): Map<string, string> {
    const functions = renderers.map((render, index): [string, string] => {
        const name = render.name.replace("render", "").toLowerCase();
        return [`${index + 1}_${name}`, `${note}\n\n${render(eventsSql, eventsMade).trim()}`];
    });
    // A check has no such note: its first comment is what it asserts.
    const checks = Object.entries(renderChecks(eventsSql)).map(([name, text]) => [`checks/${name}`, text.trim()]);
    return new Map([...functions, ...checks].map(([name, text]) => [`sql/rendered/events/${name}.sql`, `${text}\n`]));
}
