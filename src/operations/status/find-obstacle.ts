/** Finds why waiting work does not go on although somebody is at work. Pure. */
import { commandHere } from "../../environment.ts";
import { formatCount, formatDuration, formatNumber } from "../../terminal/format.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import type { StateFacts } from "./describe-state.ts";
import { isFolderAway, tailSettleMsOf, triggerMsOf, troubleOf } from "./worker-report.ts";

/** A step that failed for so long, or work that lies still for so long, is not a hiccup. */
const patienceMs = 120_000;
/** Staging holds a few batches: what lies in it for longer is passed over, whatever else is merged. */
const longestStagedMs = 600_000;
/** A file may wait for the rest of its last line. */
const longestUnreadMs = 600_000;

/** Describes the obstacle and the remedy in two or three sentences; null when nothing stands in the way. */
export function findObstacle(facts: StateFacts): string | null {
    return describeFolder(facts) ?? describeTrouble(facts) ?? describeMerges(facts) ?? describeReads(facts);
}

function describeFolder({ workers }: StateFacts): string | null {
    const worker = workers.find(({ report }) => isFolderAway(report));
    if (worker === undefined) return null;
    const folder = sanitize(worker.inputDir, { most: 200 });
    return `The input folder ${folder} cannot be read. Restore it, mount it, or correct --input. The ingest waits for it.`;
}

function describeTrouble({ workers, backlog }: StateFacts): string | null {
    const troubles = workers.map(({ report }) => troubleOf(report)).filter((trouble) => trouble !== null);
    const [longest] = troubles.sort((left, right) => right.seconds - left.seconds);
    if (longest === undefined || longest.seconds * 1000 < patienceMs) return null;
    const what = sanitize(longest.what, { most: 200 });
    const tried = `It was tried ${formatCount(longest.attempts, "time")} in ${formatDuration(longest.seconds * 1000)}.`;
    const waiting =
        backlog.stagedRecords > 0 ? ` ${formatNumber(backlog.stagedRecords)} staged records are waiting.` : "";
    return `The database refuses a step: ${what}. ${tried}${waiting} \`${commandHere("doctor")}\` helps to find the cause.`;
}

function describeMerges(facts: StateFacts): string | null {
    const { backlog, workers, lastMergeAt } = facts;
    if (backlog.mergeableSince === null) return null;
    const stillMs = sinceLatest(facts, [backlog.mergeableSince, lastMergeAt]);
    const stagedMs = sinceLatest(facts, [backlog.mergeableSince]);
    const isStill = stillMs > Math.max(patienceMs, 2 * triggerMsOf(workers));
    if (!isStill && stagedMs <= longestStagedMs) return null;
    const records = `${formatNumber(backlog.stagedRecords)} staged records`;
    const what = isStill
        ? `Nothing has been merged for ${formatDuration(stillMs)}, and ${records} are waiting.`
        : `Some of the ${records} have waited for ${formatDuration(stagedMs)} while others were merged.`;
    return `${what} A merge is taking that long, keeps failing, or is waiting for a lock. Look at the ingest's log on stderr and at \`${commandHere("doctor")}\`. Restarting the ingest is safe.`;
}

function describeReads(facts: StateFacts): string | null {
    const { backlog, workers, lastMergeAt, lastStagedAt } = facts;
    if (backlog.oldestUnreadAt === null) return null;
    const stillMs = sinceLatest(facts, [backlog.oldestUnreadAt, lastMergeAt, lastStagedAt]);
    // A reader of staging is known to make loading wait.
    const leastMs = facts.stagingReaders.length > 0 ? patienceMs : longestUnreadMs;
    const patience = Math.max(leastMs, 2 * triggerMsOf(workers), 2 * tailSettleMsOf(workers));
    if (stillMs <= patience) return null;
    return `Nothing has been read for ${formatDuration(stillMs)}. Files waiting: ${formatNumber(backlog.files)}. Look at the ingest's log on stderr and at \`${commandHere("doctor")}\`. Restarting the ingest is safe.`;
}

/** How long the latest of these is ago; nobody is blamed for the time before anybody was at work. */
function sinceLatest({ asOf, workers }: StateFacts, instants: (string | null)[]): number {
    const earliestStart = Math.min(...workers.map(({ startedAt }) => Date.parse(startedAt)));
    const known = instants.filter((instant) => instant !== null).map((instant) => Date.parse(instant));
    return Date.parse(asOf) - Math.max(earliestStart, ...known);
}
