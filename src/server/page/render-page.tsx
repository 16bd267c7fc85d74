/** Starts the page. The stream's own part of it is handed in. */
import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./styles/base.css";
import "./styles/now.css";
import "./styles/charts.css";
import "./styles/tables.css";
import "./styles/lab.css";
import "./styles/streams.css";
import "./styles/views.css";
import "./styles/decide.css";
import { App } from "./app.tsx";
import { startClock } from "./live/clock.ts";
import { connect, watchSilence } from "./live/connection.ts";
import { builtIn, followScope } from "./live/scope.ts";
import { followTheme } from "./settings.ts";
import type { StreamView } from "./stream-view.ts";
import { followAddress } from "./views/location.ts";

export function renderPage(stream: StreamView): void {
    followTheme();
    startClock();
    builtIn.value = stream.name;
    followScope();
    followAddress();
    connect();
    watchSilence();
    render(<App stream={stream} />, document.getElementById("page")!);
}
