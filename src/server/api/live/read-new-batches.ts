/** The batches that a reader of the live stream does not have yet, in one statement with the snapshot that they were read in. */
import { type SQL, sql } from "drizzle-orm";
import { batches } from "../../../database/schema.ts";
import { type Batch, batchFields } from "../batches/read-batches.ts";
import type { Database } from "../reader.ts";
import { jsonOf } from "../shapes.ts";
import { databaseProblem } from "../to-problem.ts";
import type { LiveCursor } from "./live-cursor.ts";
import { parseSnapshot, type Snapshot } from "./snapshots.ts";

const maxBatchesPerRead = 500;

export interface NewBatches {
    /** As GET /v1/batches has them. */
    batches: Batch[];
    /** Where the reader is when it has these. */
    cursor: LiveCursor;
    /** Whether there are more to read at once. */
    hasMore: boolean;
}

interface Row extends Record<string, unknown> {
    system: string;
    snapshot: string;
    batches: { transactionId: string; batch: Batch }[];
}

/** Where the stream is now, without a batch. */
export async function readLiveHead(db: Database): Promise<LiveCursor> {
    const [row] = await db.execute<Row>(sql`select ${systemIdentifier} as system, ${currentSnapshot} as snapshot`);
    return { system: row!.system, seen: toSnapshot(row!.snapshot) };
}

/**
 * Undefined when the cursor is of another database, or of a time that this one has not reached (it was restored from
 * a backup): then the reader must begin anew.
 */
export async function readNewBatches(db: Database, cursor: LiveCursor): Promise<NewBatches | undefined> {
    const [row] = await db.execute<Row>(sql`
        select
            ${systemIdentifier} as system,
            ${currentSnapshot} as snapshot,
            (${selectNewBatches(cursor)}) as batches
    `);
    const { system, snapshot, batches: found } = row!;
    const now = toSnapshot(snapshot);
    if (system !== cursor.system || cursor.seen.xmax > now.xmax) return undefined;
    const upTo = cursor.catchingUp?.upTo ?? now;
    const hasMore = found.length > maxBatchesPerRead;
    const taken = found.slice(0, maxBatchesPerRead);
    const last = taken.at(-1);
    const catchingUp =
        hasMore && last ? { upTo, transactionId: last.transactionId, batchId: last.batch.batchId } : undefined;
    return {
        batches: taken.map(({ batch }) => batch),
        hasMore,
        cursor: { system, seen: hasMore ? cursor.seen : upTo, catchingUp },
    };
}

/**
 * Readable for every role. Differs between any two clusters, and changes when the tables are reset: TRUNCATE gives the
 * table a new file. (So does VACUUM FULL: then the lists are loaded once more than needed.)
 */
const systemIdentifier = sql`(
    select system_identifier::text || '-' || pg_relation_filenode('ingest.batches')::text
    from pg_control_system()
)`;
const currentSnapshot = sql`pg_current_snapshot()::text`;

/**
 * Enters the index at the cursor's xmin. The condition on xmax leaves out rows that a dump brought from a cluster with
 * higher transaction numbers: they would be new for ever.
 */
function selectNewBatches({ seen, catchingUp }: LiveCursor): SQL {
    const ofCatchingUp =
        catchingUp &&
        sql`
            and pg_visible_in_snapshot(${batches.transactionId}, ${catchingUp.upTo.text}::pg_snapshot)
            and (${batches.transactionId}, ${batches.batchId}) > (${catchingUp.transactionId}::xid8, ${catchingUp.batchId})`;
    return sql`
        select coalesce(
            json_agg(new_batches.entry order by new_batches.transaction_id, new_batches.batch_id),
            '[]'
        )
        from (
            select
                ${batches.transactionId} as transaction_id,
                ${batches.batchId} as batch_id,
                json_build_object('transactionId', ${batches.transactionId}::text, 'batch', ${jsonOf(batchFields)}) as entry
            from ${batches}
            where
                ${batches.transactionId} >= pg_snapshot_xmin(${seen.text}::pg_snapshot)
                and not pg_visible_in_snapshot(${batches.transactionId}, ${seen.text}::pg_snapshot)
                and ${batches.transactionId} < pg_snapshot_xmax(pg_current_snapshot())
                ${ofCatchingUp ?? sql``}
            order by ${batches.transactionId}, ${batches.batchId}
            limit ${maxBatchesPerRead + 1}
        ) as new_batches
    `;
}

function toSnapshot(text: string): Snapshot {
    const snapshot = parseSnapshot(text);
    if (!snapshot) throw databaseProblem("database_unavailable", new Error("the server's snapshot could not be read"));
    return snapshot;
}
