/** Replays chosen rejects, or accepts their conflicts: first a preview, which is undone, then the replay itself. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { ReplaySample } from "../../../operations/rejects/field-schema.ts";
import type { ReplaySummary } from "../../../operations/run-replay.ts";
import { formatCount, formatNumber } from "../../../terminal/format.ts";
import { shownOutcomes } from "../../../terminal/record-counts.ts";
import { formatCode } from "../format.ts";
import { postJson } from "../live/fetch-json.ts";
import { refreshAll } from "../live/use-resource.ts";
import { hrefOf } from "../views/location.ts";
import { BesideTable } from "./beside.tsx";

interface DecideProps {
    /** Which rejects, as the body of POST /v1/replay. */
    filter: Readonly<Record<string, unknown>>;
    /** For screen readers: ` the records with price invalid`. */
    of: string;
    /** What of a single one was seen. */
    seen?: { editedAt: string | null; storedHash: string | null };
    mayReplay?: boolean;
    mayAccept?: boolean;
}

type Step =
    | { name: "start"; said: string }
    | { name: "busy"; accepts: boolean }
    | { name: "previewed"; accepts: boolean; summary: ReplaySummary }
    | { name: "done"; summary: ReplaySummary; previewed: ReplaySummary };

export function Decide({ filter, of, seen, mayReplay = true, mayAccept = true }: DecideProps) {
    const [step, setStep] = useState<Step>({ name: "start", said: "" });
    const result = useRef<HTMLElement>(null);
    const confirm = useRef<HTMLButtonElement>(null);
    useEffect(() => {
        if (step.name === "previewed") (confirm.current ?? result.current)?.focus({ preventScroll: true });
    }, [step]);

    async function ask(path: string, accepts: boolean, previewed: ReplaySummary | null) {
        setStep({ name: "busy", accepts });
        const more = previewed === null || seen === undefined ? {} : { seen };
        const answer = await postJson<ReplaySummary>(path, { ...filter, acceptConflicts: accepts, ...more });
        if (!("body" in answer)) setStep({ name: "start", said: `${answer.problem.title}. ${answer.problem.detail}` });
        else if (previewed === null) setStep({ name: "previewed", accepts, summary: answer.body });
        else setStep({ name: "done", summary: answer.body, previewed });
        if (previewed !== null) refreshAll();
    }
    const preview = (accepts: boolean) => () => ask("/v1/replay/preview", accepts, null);
    const isBusy = step.name === "busy";
    return (
        <div class="decide">
            <p class="tools">
                {mayReplay && (
                    <button type="button" class="button" disabled={isBusy} onClick={preview(false)}>
                        {isBusy && !step.accepts ? "Replaying…" : "Preview replay"}
                        <span class="unseen"> of {of}</span>
                    </button>
                )}
                {mayAccept && (
                    <button type="button" class="button" disabled={isBusy} onClick={preview(true)}>
                        {isBusy && step.accepts ? "Replaying…" : "Preview accepting conflicts"}
                        <span class="unseen"> of {of}</span>
                    </button>
                )}
            </p>
            <section ref={result} tabIndex={-1} aria-label="Result" aria-live="polite" class="decided">
                {step.name === "start" && step.said !== "" && <p class="trouble">{step.said}</p>}
                {step.name === "previewed" && (
                    <>
                        <Outcome summary={step.summary} />
                        <p class="tools">
                            {changes(step.summary) > 0 && (
                                <button
                                    ref={confirm}
                                    type="button"
                                    class="button more"
                                    onClick={() => ask("/v1/replay", step.accepts, step.summary)}
                                >
                                    {step.accepts && step.summary.displaced > 0
                                        ? `Replace ${formatCount(step.summary.displaced, "stored row")}`
                                        : `Replay ${formatCount(step.summary.read, "record")}`}
                                </button>
                            )}
                            <button type="button" class="button" onClick={() => setStep({ name: "start", said: "" })}>
                                Cancel
                            </button>
                        </p>
                    </>
                )}
                {step.name === "done" && (
                    <>
                        <Outcome summary={step.summary} />
                        {sentenceOf(step.previewed, false) !== sentenceOf(step.summary, false) && (
                            <p class="note">
                                Something changed in between. The preview said: {sentenceOf(step.previewed, false)}
                            </p>
                        )}
                    </>
                )}
            </section>
        </div>
    );
}

/** Records that would not end as they are. */
const changes = ({ read }: ReplaySummary) => read;

/** What became of the records, or would. */
export function Outcome({ summary }: { summary: ReplaySummary }) {
    return (
        <>
            <p>{sentenceOf(summary, summary.dryRun)}</p>
            {summary.remaining.length > 0 && (
                <p class="note">
                    {summary.dryRun ? "Would remain: " : "Remaining: "}
                    {summary.remaining
                        .slice(0, 10)
                        .map(({ reason, records }) => `${formatCode(reason)} (${formatNumber(records)})`)
                        .join(", ")}
                </p>
            )}
            {summary.samples.map((sample) => (
                <Sample key={sample.rejectId} sample={sample} />
            ))}
        </>
    );
}

function Sample({ sample: { rejectId, outcome, refusal, fields } }: { sample: ReplaySample }) {
    if (outcome !== "accepted" && refusal === null) return null;
    return (
        <div>
            <p class="note">
                <a href={hrefOf(`/rejects/${rejectId}`)}>reject #{formatNumber(rejectId)}</a>
                {refusal?.message && ` The table says: ${refusal.message}`}
            </p>
            {outcome === "accepted" && (
                <BesideTable fields={fields} label={`Reject ${rejectId}, stored and arriving`} />
            )}
        </div>
    );
}

function sentenceOf(summary: ReplaySummary, isPreview: boolean): string {
    const { inserted, displaced, unchanged, unsplittable, busy } = summary;
    const others = shownOutcomes(summary).filter((outcome) => outcome !== "inserted");
    const counts = [
        [inserted - displaced, "record", "inserted"],
        [displaced, "stored row", "replaced"],
        ...others.map((outcome) => [summary[outcome], "record", outcome] as const),
        [unchanged + unsplittable, "record", "as before"],
        [busy, "record", "being changed by somebody else"],
    ] as const;
    const parts = counts
        .filter(([count]) => count > 0)
        .map(([count, noun, fate]) => `${formatCount(count, noun)} ${fate}`);
    if (parts.length === 0) return "Nothing to replay.";
    return `${isPreview ? "Preview, nothing is changed yet: " : ""}${parts.join(", ")}.`;
}
