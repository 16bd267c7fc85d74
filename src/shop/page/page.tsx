/** The page, with the shop's part of it: what the browser loads. */
import { renderPage } from "../../server/page/render-page.tsx";
import { columnNames } from "../../streams/stream.ts";
import { uuid } from "../../streams/types/uuid.ts";
import { eventsStream } from "../events-stream.ts";
import { Business } from "./business.tsx";
import { TypesChart } from "./types-chart.tsx";

renderPage({
    name: eventsStream.name,
    columns: columnNames(eventsStream),
    key: {
        name: eventsStream.key!.name,
        ...uuid.typed!,
        example: `an event id such as ${uuid.typed!.example}`,
    },
    Chart: TypesChart,
    Panel: Business,
});
