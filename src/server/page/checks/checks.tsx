/** The logical tests on the live database: what each asserts, and whether it held at the last run. */
import { formatCount, formatDuration, formatNumber } from "../../../terminal/format.ts";
import type { CheckRun, CheckRuns } from "../../api/checks/check-routes.ts";
import { formatAgo, formatCode } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { useResource } from "../live/use-resource.ts";
import { Icon } from "../parts/icons.tsx";
import { Nothing, Panel } from "../parts/panel.tsx";
import { useInView } from "../parts/use-in-view.ts";

/** A run reads the whole database, so it is asked for rarely, and only while it is on the screen. */
const pace = { everyMs: 15_000, idleMs: 30_000, keepsOld: true };

export function Checks() {
    const { ref, isInView } = useInView<HTMLUListElement>();
    const { data, ...known } = useResource<CheckRuns>(isInView ? "/v1/checks" : null, pace);
    const run = data?.run;
    return (
        <Panel id="checks" title="Checks" note={run && <Summary run={run} />} {...known}>
            {data && !run && <Nothing>The first run goes on.</Nothing>}
            <ul class="checks" ref={ref}>
                {run?.checks.toSorted(brokenFirst).map(({ name, asserts, outcome, breakingRows }) => (
                    <li key={name} class={outcome}>
                        <Icon name={outcome === "passed" ? "check" : "cross"} />
                        <div>
                            <h3>
                                {formatCode(name)}
                                {outcome === "broken" && `: ${formatCount(breakingRows, "row")}`}
                                {outcome === "not_run" && ": could not run"}
                                <span class="unseen">, {formatCode(outcome)}</span>
                            </h3>
                            <p class="note" title={asserts}>
                                {firstSentence(asserts)}
                            </p>
                        </div>
                    </li>
                ))}
            </ul>
        </Panel>
    );
}

function Summary({ run }: { run: CheckRun }) {
    const broken = run.checks.filter(({ outcome }) => outcome !== "passed").length;
    return (
        <span class={run.passed ? undefined : "unbalanced"}>
            {run.passed
                ? `All ${formatNumber(run.checks.length)} hold`
                : `${formatNumber(broken)} of ${run.checks.length} do not hold`}
            , {formatAgo(run.finishedAt, nowMs.value)}, in {formatDuration(run.seconds * 1000)}
        </span>
    );
}

function firstSentence(text: string): string {
    return /^.*?\.(?= |$)/s.exec(text)?.[0] ?? text;
}

type Check = CheckRun["checks"][number];

function brokenFirst(left: Check, right: Check): number {
    return Number(left.outcome === "passed") - Number(right.outcome === "passed");
}
