/**
 * The live stream: status every second, batches as they are committed. It connects again by itself, from where it was,
 * so that nothing is missing after an absence of either side.
 */
import { computed, signal } from "@preact/signals";
import type { Status } from "../../../operations/status/status-schema.ts";
import type { Batch } from "../../api/batches/read-batches.ts";
import type { Page, Problem } from "../shapes.ts";
import { setClock } from "./clock.ts";
import { type Answer, type Failure, fetchJson, unreachable } from "./fetch-json.ts";

export type Link = "connecting" | "live" | "database_away" | "lost" | "sign_in";

export const link = signal<Link>("connecting");
/** Why it is not live. */
export const linkProblem = signal<Problem | null>(null);
export const status = signal<Status | null>(null);
/** Newest first. */
export const batches = signal<Batch[]>([]);
/** Whether the service runs with --lab. */
export const hasLab = signal(false);

export const isStale = computed(() => link.value !== "live" && status.value !== null);
/** Lists are asked for again when it changes. */
export const newestBatchId = computed(() => status.value?.lastBatch?.batchId ?? 0);

/** Grows when files came or changed. */
export const filesVersion = signal(0);

const mostBatches = 400;
/** The API speaks every second; this long without a word means that nobody is there. */
const silenceMs = 8000;
const retryMs = 2000;

let cursor: string | null = null;
let source: EventSource | null = null;
let lastWordMs = 0;

export async function connect(): Promise<void> {
    const answer = cursor === null ? await readBatches() : null;
    if (answer && !("body" in answer)) return hangUp(answer);
    void findLab();
    listen();
}

async function findLab(): Promise<void> {
    const answer = await fetchJson<{ paths: object }>("/openapi.json");
    if ("body" in answer) hasLab.value = "/v1/lab" in answer.body.paths;
}

type BatchPage = Page<Batch> & { streamCursor: string };

async function readBatches(): Promise<Answer<BatchPage>> {
    const answer = await fetchJson<BatchPage>("/v1/batches?limit=200");
    if ("body" in answer) {
        batches.value = answer.body.data;
        cursor = answer.body.streamCursor;
    }
    return answer;
}

function listen(): void {
    const stream = new EventSource(`/v1/stream?after=${encodeURIComponent(cursor ?? "")}`);
    source = stream;
    lastWordMs = Date.now();
    const on = <Data>(name: string, act: (data: Data) => void) =>
        stream.addEventListener(name, (event) => {
            if (source !== stream) return;
            lastWordMs = Date.now();
            if (event.lastEventId) cursor = event.lastEventId;
            act(JSON.parse(event.data) as Data);
        });
    on<Status>("status", takeStatus);
    on<{ batches: Batch[] }>("batches", (data) => takeBatches(data.batches));
    on<{ code: string; detail: string }>("unavailable", (problem) =>
        setLink("database_away", { title: "The database does not answer", ...problem }),
    );
    on("files", () => {
        filesVersion.value += 1;
    });
    on("reset", () => void readBatches());
    stream.addEventListener("error", () => {
        if (source === stream) void hangUp();
    });
}

function takeStatus(data: Status): void {
    setClock(data.asOf);
    status.value = data;
    setLink("live", null);
}

function takeBatches(added: Batch[]): void {
    const ids = new Set(added.map(({ batchId }) => batchId));
    const all = [...added, ...batches.value.filter(({ batchId }) => !ids.has(batchId))];
    batches.value = all.sort((left, right) => right.batchId - left.batchId).slice(0, mostBatches);
}

/** The stream cannot say why it ended; `/v1/status` can, and answers with what it knew last. */
async function hangUp(failed?: Failure): Promise<void> {
    source?.close();
    source = null;
    const answer = await fetchJson<Status>("/v1/status");
    const failure = "body" in answer ? failed : answer;
    if (failure) {
        status.value ??= failure.problem.lastKnown ?? null;
        setLink(linkAfter[failure.status] ?? "lost", failure.problem);
        if (link.value === "sign_in") return;
    }
    setTimeout(connect, retryMs);
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
