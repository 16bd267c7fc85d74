import { renderMerge } from "../streams/render/render-merge.ts";
import { renderPrune } from "../streams/render/render-prune.ts";
import { renderRefuse } from "../streams/render/render-refuse.ts";
import { renderReplay } from "../streams/render/render-replay.ts";
import { renderStaging } from "../streams/render/render-staging.ts";
import { renderTrace } from "../streams/render/render-trace.ts";
import { eventsSql } from "./events-sql.ts";
import { renderRebuild } from "./rebuild-rollups.ts";

/** In the order in which they are applied. */
const renderers = [renderStaging, renderMerge, renderRefuse, renderReplay, renderPrune, renderTrace, renderRebuild];

const note = "-- Rendered by `bun run sql:render` from src/streams/render/. Change the template, not this file.";

/** Path from the project's folder → text: what stands in sql/rendered/. */
export function renderedFiles(): Map<string, string> {
    return new Map(
        renderers.map((render, index) => {
            const name = render.name.replace("render", "").toLowerCase();
            return [`sql/rendered/events/${index + 1}_${name}.sql`, `${note}\n\n${render(eventsSql).trim()}\n`];
        }),
    );
}
