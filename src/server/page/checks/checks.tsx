/** The logical tests on the live database: what each asserts, and whether it held at the last run. */
import { formatCount, formatDuration, formatNumber } from "../../../terminal/format.ts";
import type { CheckRun, CheckRuns } from "../../api/checks/check-routes.ts";
import { formatAgo, formatCode } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { inScope } from "../live/scope.ts";
import { useResource } from "../live/use-resource.ts";
import { Icon } from "../parts/icons.tsx";
import { Nothing, Panel } from "../parts/panel.tsx";
import { useInView } from "../parts/use-in-view.ts";
import { hrefOf } from "../views/location.ts";

/** A run reads the whole database, so it is asked for rarely, and only while it is on the screen. */
const pace = { everyMs: 15_000, idleMs: 30_000, keepsOld: true };

export function Checks() {
    const { data, problem, knownAt } = useResource<CheckRuns>(inScope("/v1/checks"), pace);
    const run = data?.run;
    return (
        <Panel
            id="checks"
            title="Checks"
            note={run && <Summary run={run} />}
            problem={problem}
            knownAt={knownAt}
            isView
        >
            {data && !run && <Nothing>The first run is in progress.</Nothing>}
            <ul class="checks">
                {run?.checks.toSorted(brokenFirst).map(({ name, asserts, outcome, breakingRows }) => (
                    <li key={name} class={outcome}>
                        <Icon name={outcome === "passed" ? "check" : "cross"} />
                        <div>
                            <h2>
                                {nameOf(name)}
                                {outcome === "broken" && `: ${formatCount(breakingRows, "row")}`}
                                {outcome === "not_run" && ": could not run"}
                                <span class="unseen">, {formatCode(outcome)}</span>
                            </h2>
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

/** In one line, with the list behind it. */
export function ChecksLine() {
    const { ref, isInView } = useInView<HTMLElement>();
    const { data, problem } = useResource<CheckRuns>(isInView ? inScope("/v1/checks") : null, pace);
    const run = data?.run;
    return (
        <section id="checks" class="panel checks-line" aria-label="Checks" ref={ref}>
            {run ? (
                <Summary run={run} />
            ) : (
                <span class="muted">{problem ? `${problem.title}.` : "Checks are running."}</span>
            )}{" "}
            <a href={hrefOf("/checks")}>All checks</a>
        </section>
    );
}

function Summary({ run }: { run: CheckRun }) {
    const hold = run.checks.filter(({ outcome }) => outcome === "passed").length;
    return (
        <span class={run.passed ? "hold" : "unbalanced"}>
            <Icon name={run.passed ? "check" : "cross"} />
            {formatNumber(hold)} of {formatNumber(run.checks.length)} checks hold
            <span class="muted">
                {formatAgo(run.finishedAt, nowMs.value)}, in {formatDuration(run.seconds * 1000)}
            </span>
        </span>
    );
}

/** As what holds when it passes: `find_half_merged_chunks` is "no half merged chunks". */
function nameOf(name: string): string {
    return formatCode(name).replace(/(^|\.)find /, "$1no ");
}

function firstSentence(text: string): string {
    return /^.*?\.(?= |$)/s.exec(text)?.[0] ?? text;
}

type Check = CheckRun["checks"][number];

function brokenFirst(left: Check, right: Check): number {
    return Number(left.outcome === "passed") - Number(right.outcome === "passed");
}
