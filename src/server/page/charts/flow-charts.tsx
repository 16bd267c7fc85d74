/** Four charts with one cursor and one window. */
import { useMemo } from "preact/hooks";
import { formatDuration, formatNumber } from "../../../terminal/format.ts";
import type { Flow, FlowWindow } from "../../api/flow/read-flow.ts";
import { formatRate, formatShort } from "../format.ts";
import { status } from "../live/connection.ts";
import { useResource } from "../live/use-resource.ts";
import { triggerMs } from "../now/describe-verdict.ts";
import { Choice } from "../parts/choice.tsx";
import { Panel } from "../parts/panel.tsx";
import { flowWindow } from "../settings.ts";
import type { StreamView } from "../stream-view.ts";
import { backlogRecords, phaseMeans, rates, stepTimes } from "./steps.ts";
import { TimeChart } from "./time-chart.tsx";

const windows = [
    { value: "5m", label: "5 min", name: "The last five minutes" },
    { value: "1h", label: "1 h", name: "The last hour" },
    { value: "24h", label: "24 h", name: "The last day" },
] as const;

export const windowMs: Record<FlowWindow, number> = { "5m": 300_000, "1h": 3_600_000, "24h": 86_400_000 };
/** No faster than a step can change what is drawn. */
const paces: Record<FlowWindow, { everyMs: number; idleMs: number }> = {
    "5m": { everyMs: 1500, idleMs: 5000 },
    "1h": { everyMs: 6000, idleMs: 15_000 },
    "24h": { everyMs: 30_000, idleMs: 60_000 },
};
/** One hue, from strong to faint: colour itself is kept for states. */
const shades = ["--shade-1", "--shade-2", "--shade-3", "--shade-4", "--shade-5", "--shade-6"];

export function FlowCharts({ stream }: { stream: StreamView }) {
    const window = flowWindow.value;
    const { data: flow, problem, knownAt } = useResource<Flow>(`/v1/flow?window=${window}`, paces[window]);
    return (
        <Panel
            id="flow"
            title="Flow"
            tools={<Choice label="Window" value={flowWindow} options={windows} />}
            problem={problem}
            knownAt={knownAt}
        >
            <div class="charts">
                {flow && (
                    <>
                        <Arrivals flow={flow} />
                        <Durations flow={flow} />
                        <stream.Chart flow={flow} />
                        <Backlog flow={flow} />
                    </>
                )}
            </div>
        </Panel>
    );
}

export function range(flow: Flow) {
    const to = Date.parse(flow.asOf) / 1000;
    return { from: to - windowMs[flow.window] / 1000, to };
}

function Arrivals({ flow }: { flow: Flow }) {
    const { times, series } = useMemo(
        () => ({
            times: stepTimes(flow),
            series: [
                { name: "arrived", color: "--second", values: rates(flow, "arrived") },
                { name: "committed", color: "--accent", values: rates(flow, "read") },
            ],
        }),
        [flow],
    );
    return (
        <TimeChart
            title="Records per second"
            summary="Records that arrived and records that were committed, per second, over time."
            kind="lines"
            times={times}
            series={series}
            {...range(flow)}
            format={formatRateShort}
            empty="Nothing arrived in this window."
        />
    );
}

function Durations({ flow }: { flow: Flow }) {
    const trigger = triggerMs(status.value?.workers ?? []);
    const { times, series } = useMemo(
        () => ({
            times: stepTimes(flow),
            series: phaseMeans(flow).map(({ name, values }, index) => ({ name, color: shade(index), values })),
        }),
        [flow],
    );
    return (
        <TimeChart
            title="Batch duration by phase"
            summary="How long a batch took on average, by phase, over time."
            kind="bars"
            times={times}
            series={series}
            {...range(flow)}
            format={formatDuration}
            mark={trigger === null ? null : { value: trigger, label: "trigger" }}
            least={10}
            empty="No batch in this window."
        />
    );
}

function Backlog({ flow }: { flow: Flow }) {
    const { times, series } = useMemo(
        () => ({
            times: stepTimes(flow).map((at) => at - flow.stepSeconds / 2),
            series: [{ name: "staged, not merged", color: "--accent", values: backlogRecords(flow) }],
        }),
        [flow],
    );
    return (
        <TimeChart
            title="Backlog"
            summary="Records that were staged and not merged, over time."
            kind="steps"
            times={times}
            series={series}
            {...range(flow)}
            format={formatShort}
            least={10}
            empty="Nothing waited in this window."
        />
    );
}

export function shade(index: number): string {
    return shades[Math.min(index, shades.length - 1)]!;
}

function formatRateShort(value: number): string {
    return value >= 10_000 ? formatShort(value) : value >= 10 ? formatNumber(value) : formatRate(value);
}
