import { formatBytes, formatCount } from "../terminal/format.ts";

/** `empty`: no file has ever been seen. `stopped`: nobody is at work. Otherwise `working` or `up_to_date`. */
export interface State {
    state: "empty" | "stopped" | "working" | "up_to_date";
    /** One or two sentences for people. */
    stateText: string;
}

interface Facts {
    files: { pending: number; loaded: number; merged: number; skipped: number; failed: number; replaced: number };
    backlog: { files: number; unreadBytes: number; stagedRecords: number };
    workers: readonly unknown[];
}

/** Says in words what the counts mean. Pure. */
export function describeState({ files, backlog, workers }: Facts): State {
    const { state, stateText } = describeWork({ files, backlog, workers });
    if (files.failed === 0) return { state, stateText };
    return { state, stateText: `${stateText} ${formatCount(files.failed, "file")} failed.` };
}

function describeWork({ files, backlog, workers }: Facts): State {
    const hasWorker = workers.length > 0;
    if (backlog.files > 0) {
        const amount = describeBacklog(backlog);
        if (hasWorker) return { state: "working", stateText: `At work: ${amount} to go.` };
        return { state: "stopped", stateText: `No ingest is running: ${amount} wait for one.` };
    }
    if (Object.values(files).every((count) => count === 0)) {
        if (hasWorker) return { state: "empty", stateText: "Waiting for the first file." };
        return { state: "empty", stateText: "Nothing has been ingested yet, and no ingest is running." };
    }
    if (hasWorker) return { state: "up_to_date", stateText: "Up to date: everything seen is merged." };
    return { state: "stopped", stateText: "No ingest is running. Everything seen is merged." };
}

function describeBacklog({ files, unreadBytes, stagedRecords }: Facts["backlog"]): string {
    const parts = [
        formatCount(files, "file"),
        unreadBytes > 0 ? `${formatBytes(unreadBytes)} to read` : "",
        stagedRecords > 0 ? `${formatCount(stagedRecords, "staged record")}` : "",
    ].filter((part) => part !== "");
    return parts.join(", ");
}
