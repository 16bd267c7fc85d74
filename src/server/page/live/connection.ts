/** The live stream: the status, every second. It connects again by itself after an absence of either side. */
import { computed, signal } from "@preact/signals";
import type { Status } from "../../../operations/status/status-schema.ts";
import type { Problem } from "../shapes.ts";
import { setClock } from "./clock.ts";
import { type Failure, fetchJson, unreachable } from "./fetch-json.ts";

export type Link = "connecting" | "live" | "database_away" | "lost" | "sign_in";

export const link = signal<Link>("connecting");
/** Why it is not live. */
export const linkProblem = signal<Problem | null>(null);
export const status = signal<Status | null>(null);
export const isStale = computed(() => link.value !== "live" && status.value !== null);
/** Lists are asked for again when it changes. */
export const newestBatchId = computed(() => status.value?.lastBatch?.batchId ?? 0);

/** Changes when files came or changed their state. */
export const filesVersion = computed(() => JSON.stringify([status.value?.files, newestBatchId.value]));

/** The API speaks every second; this long without a word means that nobody is there. */
const silenceMs = 8000;
const retryMs = 2000;

let source: EventSource | null = null;
let lastWordMs = 0;

export function connect(): void {
    // The lists ask for themselves: what every view shows is the status.
    const stream = new EventSource("/v1/stream?only=status");
    source = stream;
    lastWordMs = Date.now();
    const on = <Data>(name: string, act: (data: Data) => void) =>
        stream.addEventListener(name, (event) => {
            if (source !== stream) return;
            lastWordMs = Date.now();
            act(JSON.parse(event.data) as Data);
        });
    on<Status>("status", takeStatus);
    on<{ code: string; detail: string }>("unavailable", (problem) => {
        setLink("database_away", { title: "The database does not answer", ...problem });
        if (status.value === null) void recallStatus();
    });
    stream.addEventListener("error", () => {
        if (source === stream) void hangUp();
    });
}

function takeStatus(data: Status): void {
    setClock(data.asOf);
    status.value = data;
    setLink("live", null);
}

/** The stream cannot say why it ended; `/v1/status` can, and answers with what it knew last. */
async function hangUp(): Promise<void> {
    source?.close();
    source = null;
    const answer = await fetchJson<Status>("/v1/status");
    if ("problem" in answer) {
        recall(answer);
        setLink(linkAfter[answer.status] ?? "lost", answer.problem);
        if (link.value === "sign_in") return;
    }
    setTimeout(connect, retryMs);
}

/** For a page that was opened while the database is away: what the API knew last. */
async function recallStatus(): Promise<void> {
    const answer = await fetchJson<Status>("/v1/status");
    if ("problem" in answer) recall(answer);
}

function recall({ problem }: Failure): void {
    status.value ??= problem.lastKnown ?? null;
}

const linkAfter: Record<number, Link> = { 401: "sign_in", 503: "database_away" };

function setLink(next: Link, problem: Problem | null): void {
    link.value = next;
    linkProblem.value = problem;
}

/** A laptop that slept, or a server that froze, closes no connection. */
export function watchSilence(): void {
    setInterval(() => {
        if (!source || Date.now() - lastWordMs < silenceMs) return;
        setLink("lost", unreachable);
        void hangUp();
    }, 1000);
}
