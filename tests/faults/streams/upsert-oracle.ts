/**
 * The mode upsert. From the ledger it takes which records a batch had. What becomes of each of them by that, written or
 * superseded by another of the batch, and what is kept of old rows and deleted keys, the model knows.
 */
import { judgeEnd } from "../model/hold-chunks.ts";
import type { PathHistory } from "../model/make-schedule.ts";
import type { ChunkMergeRow } from "../model/read-ledger.ts";
import { type Attempt, count, holdReject, keepsValues } from "./expectation.ts";
import type { Batch, CreateOracle } from "./mode-oracle.ts";
import { contentOf, type ModelStream } from "./model-stream.ts";
import type { KeptVersion, StreamState } from "./read-streams.ts";
import { applyRules } from "./rules.ts";
import { createUpserts, type Upserts } from "./upserts.ts";

/** What ingest.history has to hold of a record; `content`: of the row that it replaced. */
interface ExpectedVersion {
    what: string;
    attempt: Attempt;
    content: string | null;
}

export const createUpsertOracle: CreateOracle = (expected, state) => {
    const { stream, violations, counts } = expected;
    if (stream.mode.name !== "upsert") throw new Error(`${stream.name} is no upsert.`);
    const { version, keepsHistory } = stream.mode;
    const upserts = createUpserts(stream);
    const lateness = watchLateness(violations);
    const versions: ExpectedVersion[] = [];

    return {
        rows: upserts.rows,
        follow(batch) {
            if (batch.kind === "replay") violations.push(`batch ${batch.batchId} is a replay that nothing asked for`);
            const isLate = lateness(batch) && version === null;
            const changes = new Map<string, { had: string | null; attempts: Attempt[] }>();
            const settle = (attempt: Attempt, outcome: Parameters<typeof count>[2], content: string | null = null) => {
                count(counts.merge, attempt.chunkId, outcome);
                const what = { superseded: "superseded", updated: "replaced", deleted: "deleted" }[outcome as string];
                if (keepsHistory && what) versions.push({ what, attempt, content });
            };
            for (const attempt of batch.attempts) {
                const { chunkId, reading } = attempt;
                const { eventId: key, content, recordNo } = reading;
                const had = key === null ? null : (upserts.rows.get(key) ?? null);
                const met = key === null ? "rejected" : upserts.meet(key, content!, { chunkId, recordNo }, isLate);
                holdReject(expected, attempt, met === "change" ? null : met);
                if (met !== "change") settle(attempt, met);
                else if (changes.has(key!)) changes.get(key!)!.attempts.push(attempt);
                else changes.set(key!, { had, attempts: [attempt] });
            }
            for (const [key, { had, attempts }] of changes) {
                for (const attempt of attempts.slice(0, -1)) settle(attempt, "superseded");
                const isRow = upserts.rows.has(key);
                if (had !== null) settle(attempts.at(-1)!, isRow ? "updated" : "deleted", had);
                // What came and went within the batch was never there.
                else settle(attempts.at(-1)!, isRow ? "inserted" : "superseded");
            }
        },
        end(history) {
            compareVersions(stream, versions, state.versions, violations);
            compareGraves(upserts, state, violations);
            const isIn = { has: (key: string) => upserts.rows.has(key) || upserts.graves.has(key) };
            for (const [path, life] of history) {
                violations.push(...judgeEnd(path, life, state.ledger, isIn));
                if (version !== null && !life.isGone) violations.push(...findOlder(upserts, path, life));
            }
        },
    };
};

/** A chunk comes too late in a slice in which a later one was merged. No batch has such chunks and others. */
function watchLateness(violations: string[]): (batch: Batch) => boolean {
    const lastChunks = new Map<number, number>();
    const slicesOf = ({ slices }: ChunkMergeRow) =>
        Array.from({ length: 16 }, (_, slice) => slice).filter((slice) => (1 << slice) & slices);
    return ({ batchId, merges }) => {
        const late = merges.filter((merge) =>
            slicesOf(merge).some((slice) => (lastChunks.get(slice) ?? 0) > merge.chunkId),
        );
        if (late.length > 0 && late.length < merges.length)
            violations.push(`batch ${batchId} has chunks that come too late, and others`);
        for (const merge of merges)
            for (const slice of slicesOf(merge))
                lastChunks.set(slice, Math.max(lastChunks.get(slice) ?? 0, merge.chunkId));
        return late.length > 0;
    };
}

function compareVersions(
    stream: ModelStream,
    expected: ExpectedVersion[],
    versions: KeptVersion[],
    violations: string[],
): void {
    const nameOf = (what: string, key: string, chunkId: number, recordNo: number, batchId: number) =>
        `${what} ${key} by ${chunkId}:${recordNo} of batch ${batchId}`;
    const kept = new Map(
        versions.map((version) => {
            const { what, key, chunkId, recordNo, batchId } = version;
            return [nameOf(what, key, chunkId, recordNo, batchId), version] as const;
        }),
    );
    if (kept.size !== versions.length) violations.push("history has an entry twice");
    for (const { what, attempt, content } of expected) {
        const { chunkId, batchId, reading } = attempt;
        const name = nameOf(what, reading.eventId!, chunkId, reading.recordNo, batchId);
        const version = kept.get(name);
        kept.delete(name);
        const isSame =
            version !== undefined &&
            (content === null
                ? reading.record === null || keepsValues(version.record, reading.record)
                : contentOfVersion(stream, version) === content);
        if (!isSame) {
            const found = version ? JSON.stringify(version.record) : "nothing";
            violations.push(`history has ${found} as ${name}, the model ${content ?? JSON.stringify(reading.record)}`);
        }
    }
    for (const name of kept.keys()) violations.push(`history has ${name}, the model does not`);
}

function contentOfVersion(stream: ModelStream, { record }: KeptVersion): string | null {
    const texts = Object.fromEntries(Object.keys(stream.rules).map((column) => [column, record[column] ?? ""]));
    const verdict = applyRules(stream.rules, texts);
    return "typed" in verdict ? contentOf(stream, verdict.typed) : null;
}

function compareGraves({ graves }: Upserts, state: StreamState, violations: string[]): void {
    const write = ({ chunkId, recordNo, version }: { chunkId: number; recordNo: number; version: string | null }) =>
        `at ${version === null ? null : Number(version)} by ${chunkId}:${recordNo}`;
    const found = new Map(state.graves.map((grave) => [grave.key, write(grave)]));
    for (const [key, grave] of graves) {
        if (found.get(key) !== write(grave))
            violations.push(`the tombstone of ${key} is ${found.get(key) ?? "missing"}, the model's ${write(grave)}`);
    }
    for (const key of found.keys()) if (!graves.has(key)) violations.push(`the model has no tombstone of ${key}`);
}

/** Whatever came in which order: no record of the folder is newer than what is known of its key. */
function findOlder(
    { knownVersion, versionOf }: Upserts,
    path: string,
    { contents, finalBytes }: PathHistory,
): string[] {
    return contents.at(-1)!.records.flatMap(({ fate, end }) => {
        if (fate.kind !== "valid" || end > finalBytes) return [];
        const [own, known] = [versionOf(fate.content), knownVersion(fate.eventId)];
        return Number(own) > Number(known) ? [`${path} has version ${own} of ${fate.eventId}, known is ${known}`] : [];
    });
}
