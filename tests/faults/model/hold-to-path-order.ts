/**
 * The model knows the result of an undisturbed run beforehand: files in the order of their paths, copies of whole files
 * skipped, the first record of an id wins (promise 10). The ledger is not asked.
 */
import type { Counts } from "../../support/count-records.ts";
import type { Schedule } from "./make-schedule.ts";
import type { LedgerRows } from "./read-ledger.ts";
import { readRange } from "./read-ranges.ts";

export interface PathOrder {
    counts: Counts;
    /** By path: merged, skipped, or the problem. */
    files: Map<string, string>;
    /** By event_id: content, path and record number. */
    events: Map<string, string>;
    /** By path and record number. */
    rejects: Map<string, "rejected" | "conflict">;
}

export function expectPathOrder({ history, maxRecordBytes }: Schedule): PathOrder {
    const expected: PathOrder = {
        counts: { read: 0, inserted: 0, duplicate: 0, conflict: 0, rejected: 0 },
        files: new Map(),
        events: new Map(),
        rejects: new Map(),
    };
    const contentOfId = new Map<string, string>();
    const contents = new Set<string>();
    for (const path of [...history.keys()].sort()) {
        const content = history.get(path)!.contents.at(-1)!;
        const hash = Bun.SHA256.hash(content.bytes, "hex");
        const isCopy = contents.has(hash);
        expected.files.set(path, content.problem ?? (isCopy ? "skipped" : "merged"));
        if (isCopy || content.problem !== null) continue;
        contents.add(hash);
        for (const { recordNo, eventId, content: typed } of readRange(
            content,
            0,
            content.bytes.length,
            maxRecordBytes,
        )) {
            const first = eventId === null ? undefined : contentOfId.get(eventId);
            const kind =
                eventId === null
                    ? "rejected"
                    : first === undefined
                      ? "inserted"
                      : first === typed
                        ? "duplicate"
                        : "conflict";
            expected.counts.read += 1;
            expected.counts[kind] += 1;
            if (kind === "inserted") {
                contentOfId.set(eventId!, typed!);
                expected.events.set(eventId!, `${typed} of ${path}:${recordNo}`);
            } else if (kind !== "duplicate") {
                expected.rejects.set(`${path}:${recordNo}`, kind);
            }
        }
    }
    return expected;
}

export function holdToPathOrder(schedule: Schedule, ledger: LedgerRows): string[] {
    const expected = expectPathOrder(schedule);
    const pathOfFile = new Map(ledger.files.map(({ fileId, path }) => [fileId, path]));
    const pathOf = new Map(ledger.chunks.map(({ chunkId, fileId }) => [chunkId, pathOfFile.get(fileId)]));
    const found: PathOrder = {
        counts: { read: 0, inserted: 0, duplicate: 0, conflict: 0, rejected: 0 },
        files: new Map(
            ledger.files.map(({ path, state, problem }) => [path, state === "failed" ? String(problem) : state]),
        ),
        events: new Map(
            ledger.events.map(({ eventId, content, chunkId, recordNo }) => [
                eventId,
                `${content} of ${pathOf.get(chunkId)}:${recordNo}`,
            ]),
        ),
        rejects: new Map(
            ledger.rejects.map(({ chunkId, recordNo, kind }) => [
                `${pathOf.get(chunkId)}:${recordNo}`,
                kind as "rejected" | "conflict",
            ]),
        ),
    };
    for (const merge of ledger.merges) {
        for (const key of Object.keys(found.counts) as (keyof Counts)[]) found.counts[key] += merge[key];
    }
    const violations = Bun.deepEquals(found.counts, expected.counts)
        ? []
        : [`counts are ${JSON.stringify(found.counts)}, in path order ${JSON.stringify(expected.counts)}`];
    for (const table of ["files", "events", "rejects"] as const) {
        for (const key of new Set([...expected[table].keys(), ...found[table].keys()])) {
            const [is, should] = [found[table].get(key), expected[table].get(key)];
            if (is !== should) violations.push(`${table}, ${key}: ${is}, in path order ${should}`);
        }
    }
    return violations;
}
