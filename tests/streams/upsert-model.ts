/** What upserts come to: an interpreter that takes one record after the other. It shares nothing with the program. */

export interface ModelRecord {
    id: number | null;
    version: number | null;
    word: string | null;
    gone: boolean | null;
}

export interface Row {
    version: number;
    word: string | null;
    gone: boolean | null;
}

export interface Outcomes {
    rows: Map<number, Row>;
    /** Those that do not depend on how records are divided into batches. */
    counts: {
        read: number;
        duplicate: number;
        conflict: number;
        rejected: number;
        /** inserted less deleted */
        rows: number;
        /** All others. */
        changes: number;
    };
    /** Of each record, in their order; `change` for inserted, updated, superseded and deleted. */
    each: ("duplicate" | "conflict" | "rejected" | "change")[];
}

export interface ModelMode {
    byVersion: boolean;
    deletes: boolean;
}

/** A word that the table's CHECK refuses. */
export const refusedWord = "no";

export function interpret(records: Iterable<ModelRecord>, { byVersion, deletes }: ModelMode): Outcomes {
    const rows = new Map<number, Row>();
    const gone = new Map<number, number>();
    const each: Outcomes["each"] = [];
    const meet = ({ id, version, word, gone: isGone }: ModelRecord): Outcomes["each"][number] => {
        if (id === null || version === null || word === refusedWord) return "rejected";
        const row = rows.get(id);
        const isDeletion = deletes && isGone === true;
        const goneAt = gone.get(id);
        const isSame = row !== undefined && row.version === version && row.word === word && row.gone === isGone;
        if (byVersion) {
            const known = row?.version ?? goneAt ?? -1;
            if (version < known) return "change";
            if (version === known && row === undefined) return isDeletion ? "duplicate" : "change";
            if (version === known && !isDeletion) return isSame ? "duplicate" : "conflict";
        } else if (isSame && !isDeletion) return "duplicate";
        if (!isDeletion) {
            rows.set(id, { version, word, gone: isGone });
            return "change";
        }
        gone.set(id, version);
        return rows.delete(id) ? "change" : "duplicate";
    };
    for (const record of records) {
        each.push(meet(record));
        // A row that is back has no tombstone.
        if (record.id !== null && rows.has(record.id)) gone.delete(record.id);
    }
    const count = (outcome: string) => each.filter((other) => other === outcome).length;
    return {
        rows,
        each,
        counts: {
            read: each.length,
            duplicate: count("duplicate"),
            conflict: count("conflict"),
            rejected: count("rejected"),
            rows: rows.size,
            changes: count("change"),
        },
    };
}
