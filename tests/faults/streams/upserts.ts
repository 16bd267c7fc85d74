/** An interpreter of upserts: takes one record after the other, and knows no batches. */
import { type ModelStream, typedOf } from "./model-stream.ts";

export interface Place {
    chunkId: number;
    recordNo: number;
}

/** By which record a key was deleted. */
export interface Grave extends Place {
    version: string | null;
}

/** `change`: inserted, updated or deleted, or superseded by another of the same batch. */
export type Met = "change" | "duplicate" | "superseded" | "conflict";

export type Upserts = ReturnType<typeof createUpserts>;

export function createUpserts(stream: ModelStream) {
    if (stream.mode.name !== "upsert") throw new Error(`${stream.name} is no upsert.`);
    const { version: column, deletes } = stream.mode;
    const rows = new Map<string, string>();
    const graves = new Map<string, Grave>();
    const versionOf = (content: string) => (column === null ? null : typedOf(stream, content)[column]!);
    const knownVersion = (key: string) =>
        rows.has(key) ? versionOf(rows.get(key)!) : (graves.get(key)?.version ?? null);

    /** Null when the record goes further than what is known of its key. */
    function judgeByVersion(key: string, content: string, isDeletion: boolean): Met | null {
        const known = knownVersion(key);
        if (known === null) return null;
        const age = Number(versionOf(content)) - Number(known);
        if (age < 0) return "superseded";
        if (age > 0) return null;
        if (!rows.has(key)) return isDeletion ? "duplicate" : "superseded";
        if (isDeletion) return null;
        return rows.get(key) === content ? "duplicate" : "conflict";
    }

    function judgeByOrder(
        key: string,
        content: string,
        isDeletion: boolean,
        place: Place,
        isLate: boolean,
    ): Met | null {
        const grave = graves.get(key);
        if (rows.has(key)) {
            const isSame = !isDeletion && rows.get(key) === content;
            if (isSame) return "duplicate";
            return isLate ? "conflict" : null;
        }
        return grave && isBefore(place, grave) ? "superseded" : null;
    }

    return {
        rows: rows as ReadonlyMap<string, string>,
        graves: graves as ReadonlyMap<string, Grave>,
        knownVersion,
        versionOf,
        /** `isLate`: by order, whether a later chunk was merged before. */
        meet(key: string, content: string, place: Place, isLate: boolean): Met {
            const isDeletion = deletes(typedOf(stream, content));
            const met =
                column === null
                    ? judgeByOrder(key, content, isDeletion, place, isLate)
                    : judgeByVersion(key, content, isDeletion);
            if (met !== null) return met;
            if (!isDeletion) {
                rows.set(key, content);
                graves.delete(key);
                return "change";
            }
            graves.set(key, { ...place, version: versionOf(content) });
            return rows.delete(key) ? "change" : "duplicate";
        },
    };
}

function isBefore(one: Place, other: Place): boolean {
    return one.chunkId < other.chunkId || (one.chunkId === other.chunkId && one.recordNo < other.recordNo);
}
