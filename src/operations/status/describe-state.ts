/** Says in one word, and in a sentence or two, what the numbers mean. Pure. */

import { remedyFor } from "../../database/file-problems.ts";
import { describeReader, remedyForReader } from "../../database/staging-readers.ts";
import { commandHere } from "../../environment.ts";
import { formatBytes, formatCount, formatDuration, formatNumber } from "../../terminal/format.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import { findObstacle } from "./find-obstacle.ts";
import type { Pace } from "./measure-pace.ts";
import type { FailedFile, LastBatch, LiveWorker, Status, Tone } from "./status-schema.ts";
import { triggerMsOf } from "./worker-report.ts";

export type State = Pick<Status, "state" | "tone" | "verdict">;

export type FailingFile = Omit<FailedFile, "fileId" | "attempts" | "stream">;

/** The part of the status that the verdict is made from; lists begin with the latest or gravest. */
export interface StateFacts
    extends Pick<Status, "asOf" | "files" | "recentMerges" | "standingRejects" | "stagingReaders"> {
    failedFiles: readonly FailingFile[];
    backlog: Pick<Status["backlog"], "files" | "unreadBytes" | "stagedRecords" | "oldestUnreadAt" | "mergeableSince">;
    workers: readonly Pick<LiveWorker, "startedAt" | "inputDir" | "report">[];
    /** Replays included. */
    lastBatch: Pick<LastBatch, "finishedAt"> | null;
    lastMergeAt: string | null;
    lastStagedAt: string | null;
    rejectReasons: readonly Pick<Status["rejectReasons"][number], "reason">[];
    pace: Pace;
}

const startingMs = 5000;
const recentFailureMs = 3_600_000;
const recentBatchMs = 60_000;
const behindFromSeconds = 10;
const allFailingFrom = 3;

export function describeState(facts: StateFacts): State {
    const state = judgeState(facts);
    const sentences = [sentenceFor[state](facts)];
    if (state !== "failing" && facts.files.failed > 0) {
        sentences.push(
            `${formatCount(facts.files.failed, "file")} failed: \`${commandHere("files")} --state failed\`.`,
        );
    }
    if (state !== "rejecting" && isRejecting(facts)) sentences.push(describeRejects(facts));
    const [reader] = facts.stagingReaders;
    if (reader !== undefined) {
        const what = `Merged rows cannot be removed from ingest.staging: ${sanitize(describeReader(reader))} read it in a transaction that is still open.`;
        sentences.push(`${what} ${remedyForReader(reader)}`);
    }
    return { state, tone: toneOf(state, facts), verdict: sentences.join(" ") };
}

/** By the state, and by what stands although the state is calm: failed files, rejects, and work that nobody does. */
function toneOf(state: Judged, facts: StateFacts): Tone {
    const { backlog, files } = facts;
    if (state === "stopped" && backlog.files + backlog.stagedRecords > 0) return "bad";
    // One bad file among good ones is nothing to alarm somebody for: the rest goes on.
    if (state === "failing" && !isAllFailing(facts) && !isRejecting(facts)) return "busy";
    const isCalm = files.failed === 0 && facts.stagingReaders.length === 0 && !isRejecting(facts);
    return !isCalm && toneOfState[state] !== "bad" ? "busy" : toneOfState[state];
}

/** What the numbers show: whether a stream is blocked or paused they cannot. */
type Judged = Exclude<State["state"], "blocked" | "paused">;

const toneOfState: Record<Judged, Tone> = {
    // No fault by itself: a run that loads what is there ends. What waits for one makes it bad.
    stopped: "quiet",
    stuck: "bad",
    failing: "bad",
    rejecting: "bad",
    behind: "busy",
    starting: "quiet",
    empty: "quiet",
    running: "good",
    idle: "good",
};

function judgeState(facts: StateFacts): Judged {
    const { workers, files, lastBatch, backlog } = facts;
    const hasSeenFiles = Object.values(files).some((count) => count > 0);
    if (workers.length === 0) return hasSeenFiles ? "stopped" : "empty";
    if (findObstacle(facts) !== null) return "stuck";
    if (findFailing(facts) !== undefined) return "failing";
    if (isRejecting(facts)) return "rejecting";
    if (isBehind(facts)) return "behind";
    const isNew = workers.every(({ startedAt }) => ageMs(startedAt, facts.asOf) < startingMs);
    const hasMerged = lastBatch !== null && workers.some(({ startedAt }) => lastBatch.finishedAt > startedAt);
    if (isNew && !hasMerged) return "starting";
    if (!hasSeenFiles) return "empty";
    const isRecent = lastBatch !== null && ageMs(lastBatch.finishedAt, facts.asOf) < recentBatchMs;
    return isRecent || backlog.files > 0 ? "running" : "idle";
}

/** The latest failure that is news; any, for as long as nothing was merged after it. */
function findFailing(facts: StateFacts): FailingFile | undefined {
    const { asOf, failedFiles } = facts;
    return failedFiles.find(
        (file) =>
            file.nextAttemptAt !== null ||
            ageMs(file.failedAt, asOf) < recentFailureMs ||
            (file === failedFiles[0] && isAllFailing(facts)),
    );
}

/** Nothing was merged since the latest of at least three failures, or nothing ever was. */
function isAllFailing({ failedFiles, lastMergeAt }: StateFacts): boolean {
    const since = lastMergeAt ?? "";
    const failedSince = failedFiles.filter(({ failedAt }) => failedAt > since).length;
    return failedSince > 0 && (lastMergeAt === null || failedSince >= allFailingFrom);
}

/** One bad record of one is no flood, but it is all there was: no least number of records. */
function isRejecting({ recentMerges: { read, rejected, conflict }, standingRejects }: StateFacts): boolean {
    // Rejects that a replay has resolved since got in.
    return isMostlyOut({ read, rejected: Math.min(rejected + conflict, standingRejects), conflict: 0 });
}

/** Whether more than half of the records did not get in: a mapping, a file or a sender is wrong, not a record. */
export function isMostlyOut({ read, rejected, conflict }: StateFacts["recentMerges"]): boolean {
    return rejected + conflict > 0 && 2 * (rejected + conflict) > read;
}

function isBehind({ pace, workers }: StateFacts): boolean {
    const { arrivalPerSecond, capacityPerSecond, waitingRecords, drainSeconds } = pace;
    if (waitingRecords === 0 || capacityPerSecond === null) return false;
    const patienceSeconds = Math.max(behindFromSeconds, (2 * triggerMsOf(workers)) / 1000);
    return (drainSeconds ?? 0) > patienceSeconds || arrivalPerSecond > capacityPerSecond;
}

const sentenceFor: Record<Judged, (facts: StateFacts) => string> = {
    stopped: ({ backlog, files }) => {
        const isWaiting = backlog.files + backlog.stagedRecords > 0;
        if (isWaiting)
            return `No ingest is running. Waiting: ${describeBacklog(backlog)}. Start one: \`${commandHere("ingest")}\`.`;
        return `No ingest is running. ${files.failed > 0 ? "Everything that could be read" : "Everything seen"} is merged.`;
    },
    stuck: (facts) => `Stuck. ${findObstacle(facts)}`,
    starting: () => "Starting.",
    empty: ({ workers }) =>
        workers.length > 0 ? "Waiting for the first file." : "Nothing has been ingested yet, and no ingest is running.",
    failing: describeFailure,
    rejecting: describeRejects,
    behind: (facts) =>
        `Behind: ${describeBacklog(facts.backlog)} waiting, ${describeDrain(facts)} ${describeRates(facts)}. ` +
        "If this persists, raise --merge-workers, or give the database a faster disk.",
    running: (facts) =>
        `Keeping up. ${describeRates(facts)}, ${facts.backlog.files > 0 ? `${describeBacklog(facts.backlog)} in progress` : "nothing waiting"}.`,
    idle: ({ files }) =>
        files.failed > 0
            ? "Nothing is arriving, and everything that could be read is merged."
            : "Up to date: everything seen is merged, and nothing is arriving.",
};

function describeRejects({ recentMerges: { read, rejected, conflict }, rejectReasons }: StateFacts): string {
    const [most] = rejectReasons;
    const parts = [
        rejected > 0 ? `${formatNumber(rejected)} rejected` : "",
        conflict > 0 ? `${formatNumber(conflict)} in conflict` : "",
    ].filter((part) => part !== "");
    const reason = most === undefined ? "" : `, most often ${sanitize(most.reason, { most: 100 })}`;
    return (
        `Not accepted: ${formatNumber(rejected + conflict)} of the latest ${formatCount(read, "record")} (${parts.join(", ")}${reason}). ` +
        `\`${commandHere("rejects")}\` shows them. Correct the sender, the file or the mapping, then run \`${commandHere("replay")}\`.`
    );
}

function describeFailure(facts: StateFacts): string {
    const { asOf, files } = facts;
    const file = findFailing(facts)!;
    const detail = file.problemDetail === null ? "" : `: ${sanitize(file.problemDetail, { most: 200 })}`;
    const waitMs = file.nextAttemptAt === null ? null : Date.parse(file.nextAttemptAt) - Date.parse(asOf);
    const retry =
        waitMs === null
            ? "It is retried when it changes, or when its source in sluice.config.ts changes."
            : `It is retried ${waitMs < 1000 ? "now" : `in ${formatDuration(waitMs)}`}.`;
    return [
        isAllFailing(facts)
            ? `${formatCount(files.failed, "file")} failed, and none has been merged since.`
            : `${formatCount(files.failed, "file")} failed; the others continue.`,
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
    const arriving =
        arrivalPerSecond > 0 ? `Arriving ${formatRate(arrivalPerSecond)} records/s (last minute)` : "Nothing arriving";
    return capacityPerSecond === null ? arriving : `${arriving}, capacity ${formatRate(capacityPerSecond)}/s`;
}

/** Two or three digits that mean something: a capacity is not known to the record. */
function formatRate(perSecond: number): string {
    if (perSecond < 1) return "under 1";
    const step = perSecond >= 10_000 ? 1000 : 1;
    return formatNumber(Math.round(perSecond / step) * step);
}

export function describeBacklog({ files, unreadBytes, stagedRecords }: StateFacts["backlog"]): string {
    const parts = [
        formatCount(files, "file"),
        unreadBytes > 0 ? `${formatBytes(unreadBytes)} to read` : "",
        stagedRecords > 0 ? formatCount(stagedRecords, "staged record") : "",
    ].filter((part) => part !== "");
    return parts.join(", ");
}

function ageMs(instant: string, asOf: string): number {
    return Date.parse(asOf) - Date.parse(instant);
}
