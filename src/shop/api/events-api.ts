/** The shop's part of the API: its routes and metrics. */

import { sharedForMs } from "../../server/api/get-route.ts";
import type { StreamApi } from "../../server/api/route-types.ts";
import { eventsStream } from "../events-stream.ts";
import { describeEvents } from "./describe-events.ts";
import { addEventRoutes } from "./event-routes.ts";
import { addProductRoutes } from "./product-routes.ts";
import { readStats } from "./read-stats.ts";
import { addStatsRoutes } from "./stats-routes.ts";

export const eventsApi: StreamApi = {
    stream: eventsStream,
    addRoutes(app, context) {
        addStatsRoutes(app, context);
        addEventRoutes(app, context);
        addProductRoutes(app, context);
    },
    async readMetrics({ reader }) {
        return describeEvents(await reader.share("stats", sharedForMs.live, (db) => readStats(db)));
    },
};
