/** The statements with which messages are decided, kept and delivered. Those that write are in sql/engine/notifications.sql. */
import type { Sql } from "../../database/connect.ts";
import type { Message } from "./compose-message.ts";
import type { StreamMemory } from "./decide-changes.ts";
import type { ToldState } from "./told-state.ts";

/** Whether this process is the one that tells, for as long as the lease lasts. */
export async function takeNotifier(sql: Sql, holder: string, leaseMs: number): Promise<boolean> {
    const [row] = await sql<{ taken: boolean }[]>`
        select ingest.take_notifier(${holder}, ${leaseMs}::float8 * interval '1 millisecond') as taken`;
    return row!.taken;
}

export async function leaveNotifier(sql: Sql, holder: string): Promise<void> {
    await sql`select ingest.leave_notifier(${holder})`;
}

export interface KnownStream {
    memory: StreamMemory;
    /** Its latest message has not been delivered yet. */
    isPending: boolean;
}

/** By name, those that were looked at before. */
export async function readMemories(sql: Sql): Promise<Map<string, KnownStream>> {
    const rows = await sql<
        {
            name: string;
            version: number;
            told: ToldState;
            toldSince: Date | null;
            toldAt: Date | null;
            seen: ToldState;
            seenSince: Date;
            troubledSince: Date | null;
            isWatched: boolean | null;
            isPending: boolean;
        }[]
    >`
        select
            streams.name,
            told_states.version,
            told_states.told,
            told_states.told_since as "toldSince",
            told_states.told_at as "toldAt",
            told_states.seen,
            told_states.seen_since as "seenSince",
            told_states.troubled_since as "troubledSince",
            told_states.is_watched as "isWatched",
            exists (select from ingest.notifications where notifications.stream_id = told_states.stream_id) as "isPending"
        from ingest.told_states
        inner join ingest.streams using (stream_id)`;
    return new Map(
        rows.map(({ name, isPending, version, told, toldSince, toldAt, seen, seenSince, troubledSince, isWatched }) => {
            const memory = {
                ...{ stream: name, version, told, toldSince: iso(toldSince), toldAt: iso(toldAt) },
                ...{ seen, seenSince: seenSince.toISOString(), troubledSince: iso(troubledSince), isWatched },
            };
            return [name, { memory, isPending }];
        }),
    );
}

const iso = (instant: Date | null) => instant?.toISOString() ?? null;

/** What was decided of a stream, and the message about it. */
export type Decision = StreamMemory & { messageId: string | null; body: string | null };

/** Returns the ids of the messages that are written: of a stream that another process has decided on meanwhile there is none. */
export async function writeDecisions(sql: Sql, decisions: readonly Decision[]): Promise<string[]> {
    const rows = await sql<{ id: string }[]>`
        select message_id as id
        from ingest.write_told_states(${JSON.stringify(decisions)}::text::jsonb) as written (message_id)`;
    return rows.map(({ id }) => id);
}

export async function addNotification(sql: Sql, { id, body }: Message): Promise<void> {
    await sql`select ingest.add_notification(${id}, ${body})`;
}

export interface DueMessage extends Message {
    /** Null for one about the database. */
    stream: string | null;
    attempts: number;
    ageSeconds: number;
}

/** The oldest whose time has come. What is about one stream is delivered in its order. */
export async function readDueMessage(sql: Sql): Promise<DueMessage | null> {
    const [due] = await sql<DueMessage[]>`
        select
            notifications.message_id as id,
            notifications.body,
            streams.name as stream,
            notifications.attempts,
            extract(epoch from clock_timestamp() - notifications.created_at)::float8 as "ageSeconds"
        from ingest.notifications
        left join ingest.streams using (stream_id)
        where
            notifications.next_attempt_at <= clock_timestamp()
            and not exists (
                select from ingest.notifications as earlier
                where
                    earlier.stream_id is not distinct from notifications.stream_id
                    and earlier.notification_id < notifications.notification_id
            )
        order by notifications.notification_id
        limit 1`;
    return due ?? null;
}

/** `failure` null: delivered. `pauseMs` null: given up. */
export async function recordDelivery(
    sql: Sql,
    id: string,
    failure: string | null,
    pauseMs: number | null,
): Promise<void> {
    await sql`
        select ingest.record_delivery(${id}, ${failure}, ${pauseMs}::float8 * interval '1 millisecond')`;
}
