/** The crash lab, with `--lab` only: break something, and see every record accounted for. */
import { useEffect, useState } from "preact/hooks";
import { formatNumber } from "../../../terminal/format.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import type { LabLink, LabRun, LabState } from "../../api/lab/lab-routes.ts";
import { formatClock } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { isStale, link, status } from "../live/connection.ts";
import { fetchJson, postJson } from "../live/fetch-json.ts";
import { BalanceLine, ShortEquation } from "../parts/equation.tsx";
import { BatchLink, TraceLink } from "../parts/links.tsx";
import { Panel } from "../parts/panel.tsx";
import { hrefOf } from "../views/location.ts";

const lookEveryMs = 500;

export function Lab() {
    const { lab, look } = useLab();
    const [refusal, setRefusal] = useState("");
    const run = lab?.runs[0] ?? null;
    const isBusy = run?.state === "running";
    const begin = async (name: string) => {
        const answer = await postJson<LabRun>(`/v1/lab/${name}`, {});
        setRefusal("body" in answer ? "" : `${answer.problem.title}. ${answer.problem.detail}`);
        await look();
    };
    return (
        <Panel
            id="lab"
            title="Crash lab"
            note="Break it. Every record is still accounted for, and counted once."
            className="lab"
            isView
        >
            <LabEquation lab={lab} />
            <div class="lab-body">
                <ul class="experiments">
                    {lab?.experiments.map(({ name, title, does }) => (
                        <li key={name}>
                            <button type="button" class="button" disabled={isBusy} onClick={() => void begin(name)}>
                                {title}
                            </button>
                            <p class="note">{does}</p>
                        </li>
                    ))}
                </ul>
                <div class="lab-run" aria-live="polite">
                    {refusal !== "" && <p class="trouble">{refusal}</p>}
                    {run ? <Run run={run} lab={lab!} /> : <Beginning />}
                </div>
            </div>
        </Panel>
    );
}

/** Polled on its own: it goes on while the database is down. */
function useLab() {
    const [lab, setLab] = useState<LabState | null>(null);
    const look = async () => {
        const answer = await fetchJson<LabState>("/v1/lab");
        if ("body" in answer) setLab(answer.body);
    };
    useEffect(() => {
        void look();
        const timer = setInterval(() => document.visibilityState === "visible" && void look(), lookEveryMs);
        return () => clearInterval(timer);
    }, []);
    return { lab, look };
}

function LabEquation({ lab }: { lab: LabState | null }) {
    if (!status.value) return null;
    const { totals, asOf } = status.value;
    return (
        <div class="lab-equation">
            <p class={isStale.value ? "old" : undefined} data-test="lab-equation">
                <span class="muted">read = inserted + duplicate + conflict + rejected</span>
                <ShortEquation counts={totals} />
            </p>
            {isStale.value ? (
                <p class="waiting">Last known {formatClock(asOf, nowMs.value)}</p>
            ) : (
                <BalanceLine counts={totals} balanced="Balanced" unbalanced="Does not add up" />
            )}
            <ul class="processes">
                <Process name="ingest" pid={lab?.ingestPid ?? null} isThere={lab?.ingestPid != null} />
                <Process name="PostgreSQL" pid={lab?.databasePid ?? null} isThere={link.value === "live"} />
            </ul>
        </div>
    );
}

function Process({ name, pid, isThere }: { name: string; pid: number | null; isThere: boolean }) {
    return (
        <li class={isThere && pid !== null ? "up" : "down"}>
            <span class="dot" aria-hidden="true" />
            {name}{" "}
            <span class="muted">{pid === null ? "is gone" : `process ${pid}${isThere ? "" : ", not answering"}`}</span>
        </li>
    );
}

function Beginning() {
    return (
        <p class="nothing">
            Choose an experiment. Each delivers its own files, causes a fault, shows the recovery, and counts the
            records in the table at the end.
        </p>
    );
}

function Run({ run, lab }: { run: LabRun; lab: LabState }) {
    const title = lab.experiments.find(({ name }) => name === run.experiment)?.title ?? run.experiment;
    const words = { running: "running", balanced: "balanced", failed: "does not add up" };
    return (
        <>
            <h2>
                {title} <span class={`tag run-${run.state}`}>{words[run.state]}</span>
            </h2>
            <ol class="timeline lab-steps">
                {run.steps.map((step) => (
                    <li key={`${step.at} ${step.text}`} class={step.tone}>
                        <span class="muted">{formatClock(step.at, nowMs.value)}</span>{" "}
                        {sanitize(step.text, { most: 1000 })}
                        {step.links.length > 0 && (
                            <span class="step-links">
                                {step.links.map((to) => (
                                    <Link key={JSON.stringify(to)} to={to} />
                                ))}
                            </span>
                        )}
                    </li>
                ))}
                {run.state === "running" && <li class="muted">…</li>}
            </ol>
        </>
    );
}

function Link({ to }: { to: LabLink }) {
    if (to.kind === "batch") return <BatchLink batchId={to.batchId} />;
    if (to.kind === "file") {
        return (
            <a href={hrefOf("/files", { contains: to.path })}>
                file<span class="unseen"> {sanitize(to.path)}</span>
            </a>
        );
    }
    return <TraceLink query={`${to.path}:${to.recordNo}`}>{`trace record ${formatNumber(to.recordNo)}`}</TraceLink>;
}
