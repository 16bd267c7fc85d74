/** The logical tests on the live database: what each asserts, and whether it held at the last run. */
import { useEffect, useState } from "preact/hooks";
import { formatCount, formatDuration, formatNumber } from "../../../terminal/format.ts";
import type { CheckRun, CheckRuns } from "../../api/checks/check-routes.ts";
import { formatAgo, formatCode } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { useResource } from "../live/use-resource.ts";
import { CheckIcon, CrossIcon } from "../parts/icons.tsx";
import { Nothing, Panel } from "../parts/panel.tsx";
import { useInView } from "../parts/use-in-view.ts";

/** A run reads the whole database: it is asked for only while somebody looks at it, and seldom. */
const pace = { everyMs: 15_000, idleMs: 30_000 };

export function Checks() {
    const { ref, isInView } = useInView<HTMLUListElement>();
    const [latest, setLatest] = useState<CheckRuns | null>(null);
    const { data, problem, knownAt } = useResource<CheckRuns>(isInView ? "/v1/checks" : null, pace);
    useEffect(() => {
        if (data) setLatest(data);
    }, [data]);
    const run = latest?.run ?? null;
    return (
        <Panel id="checks" title="Checks" note={run && <Summary run={run} />} problem={problem} knownAt={knownAt}>
            {latest && !run && <Nothing>The first run goes on.</Nothing>}
            <ul class="checks" ref={ref}>
                {run?.checks.toSorted(brokenFirst).map(({ name, asserts, outcome, breakingRows }) => (
                    <li key={name} class={outcome}>
                        {outcome === "passed" ? <CheckIcon /> : <CrossIcon />}
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
        <span class={run.passed ? "balanced-note" : "unbalanced"}>
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
