/** A record beside the stored row, column by column; a differing column says so in a word, not by colour alone. */

import type { RejectBeside, RejectField } from "../../../operations/rejects/field-schema.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import { formatCode } from "../format.ts";
import { BatchLink } from "../parts/links.tsx";
import { type Column, Table } from "../parts/table.tsx";

export function BesideTable({ fields, label }: { fields: readonly RejectField[]; label: string }) {
    return (
        <div class="beside">
            <Table label={label} columns={columns} rows={fields} keyOf={({ column }) => column} />
        </div>
    );
}

const columns: Column<RejectField>[] = [
    {
        head: "Column",
        isRowHead: true,
        cell: ({ column, differs }) => (
            <>
                {sanitize(column, { most: 60 })}
                {differs && <span class="tag conflict">≠ differs</span>}
            </>
        ),
    },
    { head: "Stored", cell: ({ stored, differs }) => <Value text={stored} isMarked={differs === true} /> },
    {
        head: "Arriving",
        cell: ({ arriving, differs, reason, isCut }) => (
            <>
                <Value text={arriving} isMarked={differs === true} />
                {reason !== null && <span class="note"> {formatCode(reason)}</span>}
                {isCut && <span class="note"> truncated</span>}
            </>
        ),
    },
];

function Value({ text, isMarked }: { text: string | null; isMarked: boolean }) {
    if (text === null) return <i class="muted">empty</i>;
    const shown = sanitize(text, { most: 400 });
    return isMarked ? <mark>{shown}</mark> : <span>{shown}</span>;
}

/** What there is to say of the stored row. */
export function RowNote({ beside: { row, replacedByBatch } }: { beside: RejectBeside }) {
    return (
        <>
            {row === "differs" && (
                <p class="note">The table has a row with this key and other values. The first record of a key stays.</p>
            )}
            {row === "gone" && <p class="note">The stored row is gone: a replay inserts the record.</p>}
            {row === "equal" && (
                <p class="note">The stored row has the same values now: a replay counts a duplicate.</p>
            )}
            {row === "unreadable" && (
                <p class="note">The stored row cannot be read: the stream's table has changed, or the API may not.</p>
            )}
            {replacedByBatch !== null && (
                <p class="note">
                    The stored row has changed since: <BatchLink batchId={replacedByBatch} kind="replay" /> put another
                    record in its place.
                </p>
            )}
        </>
    );
}
