/** The verdict: the API's own words while it answers; else what is wrong with the way to it. Pure. */

import type { Status, Tone } from "../../../operations/status/status-schema.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import type { Flow } from "../../api/flow/read-flow.ts";
import { isNumber } from "../is-number.ts";
import type { Link } from "../live/connection.ts";
import type { Problem } from "../shapes.ts";

export interface Verdict {
    /** One or two words, for the header. */
    state: string;
    tone: Tone;
    headline: string;
    detail: string;
}

interface Facts {
    link: Link;
    problem: Problem | null;
    status: Status | null;
}

export function describeVerdict({ link, problem, status }: Facts): Verdict {
    if (link === "sign_in") {
        return say("Signed out", "quiet", "A token is needed.", "Use the one that the API was started with.");
    }
    if (link === "lost") {
        const detail =
            "It is asked again every two seconds, and the page goes on from where it was. Is Sluice running?";
        return say("No connection", "bad", "The API does not answer.", detail);
    }
    if (link === "database_away") return describeAbsence(problem);
    if (!status) return say("Connecting", "quiet", "Looking…", "");
    const { state, tone, verdict } = status;
    const [headline, detail] = splitSentences(sanitize(verdict));
    const word = state === "empty" ? "Waiting" : state.charAt(0).toUpperCase() + state.slice(1);
    return say(word, tone, headline, state === "empty" ? `${detail} ${describeBeginning(status)}`.trim() : detail);
}

const absences: Record<string, string> = {
    database_not_ready: "The database is not ready.",
    database_slow: "Postgres takes too long to answer.",
};

function describeAbsence(problem: Problem | null): Verdict {
    const code = problem?.code ?? "";
    const known = absences[code];
    if (known) return say("Database away", "bad", known, problem?.detail ?? "");
    return say(
        "Database away",
        "bad",
        "Postgres does not answer.",
        "What was committed is kept, the rest is read again. The page goes on by itself when it is back.",
    );
}

function describeBeginning({ workers }: Status): string {
    const folder = sanitize(workers[0]?.inputDir ?? "the watched folder", { most: 120 });
    const drop = `Drop a CSV into ${folder}, or run \`bun run generate\`.`;
    return workers.length > 0 ? drop : `Start one with \`bun run start\`. ${drop}`;
}

function splitSentences(text: string): [string, string] {
    const end = /[.!?](?= )/.exec(text)?.index ?? text.length;
    return [text.slice(0, end + 1), text.slice(end + 1).trim()];
}

/** Per second over the last whole steps; null before there is one. */
export function meanRate(flow: Flow | null, field: "arrived" | "read", seconds: number): number | null {
    if (!flow || flow.since === null) return null;
    const whole = flow.steps.filter((step) => step.seconds >= flow.stepSeconds);
    const last = whole.slice(-Math.max(1, Math.round(seconds / flow.stepSeconds)));
    if (last.length === 0) return null;
    return last.reduce((sum, step) => sum + step[field], 0) / (last.length * flow.stepSeconds);
}

/** The pause of an interval trigger, as the loader reports it. */
export function triggerMs(workers: Status["workers"]): number | null {
    for (const { report } of workers) {
        const trigger = (report as { trigger?: { kind?: unknown; ms?: unknown } } | null)?.trigger;
        if (trigger?.kind === "interval" && isNumber(trigger.ms)) return trigger.ms;
    }
    return null;
}

function say(state: string, tone: Tone, headline: string, detail: string): Verdict {
    return { state, tone, headline, detail };
}
