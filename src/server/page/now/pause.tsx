/** Pauses the ingest of the shown streams, with a reason if somebody gives one, and resumes it. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { StreamStatus } from "../../../operations/status/status-schema.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import { isStale } from "../live/connection.ts";
import { postJson } from "../live/fetch-json.ts";
import { scope } from "../live/scope.ts";

const longestReason = 500;

export function PauseControl({ streams }: { streams: readonly StreamStatus[] }) {
    const [isAsking, setAsking] = useState(false);
    const [isBusy, setBusy] = useState(false);
    const [problem, setProblem] = useState("");
    const buttons = useRef<HTMLDivElement>(null);
    /** What has the focus is about to go. */
    const mustFocus = useRef(false);
    const paused = streams.filter(({ pausedAt }) => pausedAt !== null).length;
    useEffect(() => setAsking(false), [scope.value, paused]);
    useEffect(() => {
        if (mustFocus.current && !isAsking) buttons.current?.querySelector("button")?.focus();
        mustFocus.current = isAsking;
    }, [isAsking, paused]);

    async function send(action: "pause" | "resume", more: object = {}): Promise<void> {
        setBusy(true);
        const ofStream = scope.value === null ? {} : { stream: scope.value };
        const answer = await postJson(`/v1/ingest/${action}`, { ...ofStream, ...more });
        setBusy(false);
        setProblem("problem" in answer ? `${answer.problem.title}. ${answer.problem.detail}` : "");
        // The status brings the rest, within a second.
        if ("body" in answer) mustFocus.current = true;
    }

    const of = scope.value === null ? (streams.length > 1 ? " of all streams" : "") : ` of ${sanitize(scope.value)}`;
    const isDisabled = isBusy || isStale.value;
    return (
        <div class="pause" ref={buttons}>
            {paused > 0 && (
                <button type="button" class="button" disabled={isDisabled} onClick={() => send("resume")}>
                    Resume ingest<span class="unseen">{of}</span>
                </button>
            )}
            {paused < streams.length && !isAsking && (
                <button type="button" class="button" disabled={isDisabled} onClick={() => setAsking(true)}>
                    Pause ingest<span class="unseen">{of}</span>…
                </button>
            )}
            {isAsking && (
                <Reason
                    isDisabled={isDisabled}
                    onPause={(why) => send("pause", { by: "page", ...why })}
                    onClose={() => setAsking(false)}
                />
            )}
            <span class="note" role="status">
                {problem}
            </span>
        </div>
    );
}

interface ReasonProps {
    isDisabled: boolean;
    onPause: (why: { reason?: string }) => Promise<void>;
    onClose: () => void;
}

function Reason({ isDisabled, onPause, onClose }: ReasonProps) {
    const [reason, setReason] = useState("");
    const field = useRef<HTMLInputElement>(null);
    useEffect(() => field.current?.focus(), []);
    const submit = (event: Event) => {
        event.preventDefault();
        void onPause(reason.trim() === "" ? {} : { reason: reason.trim() });
    };
    return (
        <form onSubmit={submit} onKeyDown={({ key }) => key === "Escape" && onClose()}>
            <input
                ref={field}
                aria-label="Why (optional)"
                placeholder="Why (optional)"
                maxLength={longestReason}
                value={reason}
                onInput={({ currentTarget }) => setReason(currentTarget.value)}
            />
            <button type="submit" class="button" disabled={isDisabled}>
                Pause
            </button>
            <button type="button" class="button" onClick={onClose}>
                Cancel
            </button>
        </form>
    );
}
