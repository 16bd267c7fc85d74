/** The crash lab: break something, and watch every record be accounted for all the same. There only with `--lab`. */
import { useEffect, useState } from "preact/hooks";
import { formatNumber } from "../../../terminal/format.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import type { LabLink, LabRun, LabState } from "../../api/lab/lab-routes.ts";
import { showBatch } from "../batches/batches.tsx";
import { showFile } from "../files/files.tsx";
import { formatClock } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { isStale, link, status } from "../live/connection.ts";
import { fetchJson } from "../live/fetch-json.ts";
import { isBalanced, ShortEquation } from "../parts/equation.tsx";
import { CheckIcon, CrossIcon } from "../parts/icons.tsx";
import { Panel } from "../parts/panel.tsx";
import { traceRecord } from "../trace/trace.tsx";

const lookEveryMs = 500;

export function Lab() {
    const { lab, look } = useLab();
    const [refusal, setRefusal] = useState("");
    const run = lab?.runs[0] ?? null;
    const isBusy = run?.state === "running";
    const begin = async (name: string) => {
        const request = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
        const answer = await fetchJson<LabRun>(`/v1/lab/${name}`, request);
        setRefusal("body" in answer ? "" : `${answer.problem.title}. ${answer.problem.detail}`);
        await look();
    };
    return (
        <Panel
            id="lab"
            title="Crash lab"
            note="Break it. Every record is still accounted for, and counted once."
            className="lab"
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

/** Looked at by its own clock: it goes on while the database, which everything else waits for, is down. */
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
    const totals = status.value?.totals;
    if (!totals) return null;
    const isWhole = isBalanced(totals);
    return (
        <div class="lab-equation">
            <p class={isStale.value ? "old" : undefined} data-test="lab-equation">
                <span class="muted">read = inserted + duplicate + conflict + rejected</span>
                <ShortEquation counts={totals} />
            </p>
            <p class={isStale.value ? "waiting" : isWhole ? "balanced" : "unbalanced"}>
                {isStale.value ? null : isWhole ? <CheckIcon /> : <CrossIcon />}
                {isStale.value
                    ? `Last known ${formatClock(status.value!.asOf, nowMs.value)}`
                    : isWhole
                      ? "Balanced"
                      : "Does not add up"}
            </p>
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
            Choose what goes wrong. Each one delivers files of its own, does its harm, tells what recovers it, and
            counts the records in the table at the end.
        </p>
    );
}

function Run({ run, lab }: { run: LabRun; lab: LabState }) {
    const title = lab.experiments.find(({ name }) => name === run.experiment)?.title ?? run.experiment;
    const words = { running: "running", balanced: "balanced", failed: "does not add up" };
    return (
        <>
            <h3>
                {title} <span class={`tag run-${run.state}`}>{words[run.state]}</span>
            </h3>
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
                {run.state === "running" && <li class="pending">…</li>}
            </ol>
        </>
    );
}

function Link({ to }: { to: LabLink }) {
    if (to.kind === "batch") {
        return (
            <button type="button" class="link" onClick={() => showBatch(to.batchId)}>
                batch #{formatNumber(to.batchId)}
            </button>
        );
    }
    if (to.kind === "file") {
        return (
            <button type="button" class="link" onClick={() => showFile(to.path)}>
                file<span class="unseen"> {sanitize(to.path)}</span>
            </button>
        );
    }
    return (
        <button type="button" class="link" onClick={() => traceRecord(`${to.path}:${to.recordNo}`)}>
            trace record {formatNumber(to.recordNo)}
        </button>
    );
}
