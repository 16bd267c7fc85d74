/** What the numbers mean, in one word and in a sentence or two. Pure. */
import { formatBytes, formatCount, formatDuration, formatNumber } from "../terminal/format.ts";
import { sanitize } from "../terminal/sanitize.ts";
import { remedyFor } from "./describe-problem.ts";
import type { Pace } from "./measure-pace.ts";

/**
 * `stopped`: nobody is at work. `starting`: somebody has just begun. `empty`: no file has ever been seen. `failing`: a
 * file failed within the hour, or is tried again by itself. `behind`: what waits takes longer than a few triggers, or more
 * arrives than can be merged. `running`: records came within the last minute. `idle`: none did.
 */
export const states = ["stopped", "starting", "empty", "failing", "behind", "running", "idle"] as const;

export interface State {
    state: (typeof states)[number];
    /** For people. */
    verdict: string;
}

export interface FailingFile {
    path: string;
    problem: string | null;
    problemDetail: string | null;
    nextAttemptAt: string | null;
    failedAt: string;
}

export interface StateFacts {
    asOf: string;
    files: { pending: number; loaded: number; merged: number; skipped: number; failed: number; replaced: number };
    /** The latest first. */
    failedFiles: readonly FailingFile[];
    backlog: { files: number; unreadBytes: number; stagedRecords: number };
    workers: readonly { startedAt: string; inputDir: string; report: unknown }[];
    lastBatch: { finishedAt: string } | null;
    pace: Pace;
}

const startingMs = 5000;
const recentFailureMs = 3_600_000;
const recentBatchMs = 60_000;
const behindFromSeconds = 10;

export function describeState(facts: StateFacts): State {
    const state = judgeState(facts);
    const sentences = [sentenceFor[state](facts)];
    if (state !== "failing" && facts.files.failed > 0) {
        sentences.push(`${formatCount(facts.files.failed, "file")} failed.`);
    }
    return { state, verdict: sentences.join(" ") };
}

function judgeState(facts: StateFacts): State["state"] {
    const { workers, files, lastBatch, backlog } = facts;
    const hasSeenFiles = Object.values(files).some((count) => count > 0);
    if (workers.length === 0) return hasSeenFiles ? "stopped" : "empty";
    if (facts.failedFiles.some((file) => isFailing(file, facts.asOf))) return "failing";
    if (isBehind(facts)) return "behind";
    const isNew = workers.every(({ startedAt }) => ageMs(startedAt, facts.asOf) < startingMs);
    const hasMerged = lastBatch !== null && workers.some(({ startedAt }) => lastBatch.finishedAt > startedAt);
    if (isNew && !hasMerged) return "starting";
    if (!hasSeenFiles) return "empty";
    const isRecent = lastBatch !== null && ageMs(lastBatch.finishedAt, facts.asOf) < recentBatchMs;
    return isRecent || backlog.files > 0 ? "running" : "idle";
}

function isFailing({ nextAttemptAt, failedAt }: FailingFile, asOf: string): boolean {
    return nextAttemptAt !== null || ageMs(failedAt, asOf) < recentFailureMs;
}

function isBehind({ pace, workers }: StateFacts): boolean {
    const { arrivalPerSecond, capacityPerSecond, waitingRecords, drainSeconds } = pace;
    if (waitingRecords === 0 || capacityPerSecond === null) return false;
    const patienceSeconds = Math.max(behindFromSeconds, (2 * triggerMs(workers)) / 1000);
    return (drainSeconds ?? 0) > patienceSeconds || arrivalPerSecond > capacityPerSecond;
}

const sentenceFor: Record<State["state"], (facts: StateFacts) => string> = {
    stopped: ({ backlog }) =>
        backlog.files > 0
            ? `No ingest is running: ${describeBacklog(backlog)} wait for one.`
            : "No ingest is running. Everything seen is merged.",
    starting: () => "Starting.",
    empty: ({ workers }) =>
        workers.length > 0 ? "Waiting for the first file." : "Nothing has been ingested yet, and no ingest is running.",
    failing: describeFailure,
    behind: (facts) =>
        `Behind: ${describeBacklog(facts.backlog)} waiting, ${describeDrain(facts)} ${describeRates(facts)}.`,
    running: (facts) =>
        `Keeping up. ${describeRates(facts)}, ${facts.backlog.files > 0 ? `${describeBacklog(facts.backlog)} in hand` : "nothing waiting"}.`,
    idle: () => "Up to date: everything seen is merged, and nothing arrives.",
};

function describeFailure({ asOf, files, failedFiles }: StateFacts): string {
    const file = failedFiles.find((failed) => isFailing(failed, asOf))!;
    const detail = file.problemDetail === null ? "" : `: ${sanitize(file.problemDetail, { most: 200 })}`;
    const waitMs = file.nextAttemptAt === null ? null : Date.parse(file.nextAttemptAt) - Date.parse(asOf);
    const retry =
        waitMs === null
            ? "It is not tried again until it changes."
            : `It is tried again ${waitMs < 1000 ? "now" : `in ${formatDuration(waitMs)}`}.`;
    return [
        `${formatCount(files.failed, "file")} failed, the rest goes on.`,
        `${sanitize(file.path, { most: 80 })}: ${file.problem ?? "unknown"}${detail}`.replace(/[^.]$/, "$&."),
        `${remedyFor(file.problem)} ${retry}`,
    ].join(" ");
}

function describeDrain({
    pace: { arrivalPerSecond, capacityPerSecond, waitingRecords, drainSeconds },
}: StateFacts): string {
    const spare = (capacityPerSecond ?? 0) - arrivalPerSecond;
    if (drainSeconds === null || spare <= 0) return "and more arrives than can be merged.";
    return `merged in about ${formatDuration((1000 * waitingRecords) / spare)}.`;
}

function describeRates({ pace: { arrivalPerSecond, capacityPerSecond } }: StateFacts): string {
    const arriving = arrivalPerSecond > 0 ? `Arriving ${formatRate(arrivalPerSecond)} records/s` : "Nothing arriving";
    return capacityPerSecond === null ? arriving : `${arriving}, capacity ${formatRate(capacityPerSecond)}/s`;
}

/** Two or three digits that mean something: a capacity is not known to the record. */
function formatRate(perSecond: number): string {
    if (perSecond < 1) return "under 1";
    const step = perSecond >= 10_000 ? 1000 : 1;
    return formatNumber(Math.round(perSecond / step) * step);
}

function describeBacklog({ files, unreadBytes, stagedRecords }: StateFacts["backlog"]): string {
    const parts = [
        formatCount(files, "file"),
        unreadBytes > 0 ? `${formatBytes(unreadBytes)} to read` : "",
        stagedRecords > 0 ? formatCount(stagedRecords, "staged record") : "",
    ].filter((part) => part !== "");
    return parts.join(", ");
}

/** The longest pause between looks at the folder, as the workers report it; 0 when they don't pause. */
function triggerMs(workers: StateFacts["workers"]): number {
    const pauses = workers.map(({ report }) => {
        const trigger = (report as { trigger?: { kind?: unknown; ms?: unknown } } | null)?.trigger;
        return trigger?.kind === "interval" && typeof trigger.ms === "number" ? trigger.ms : 0;
    });
    return Math.max(0, ...pauses);
}

function ageMs(instant: string, asOf: string): number {
    return Date.parse(asOf) - Date.parse(instant);
}
