/**
 * A database that is unreachable keeps no messages: the process that cannot reach it tells so itself, once, from memory, and
 * once more when it is back.
 */
import { describeFault } from "../../database/describe-fault.ts";
import { isConnectionFault, sqlStateOf, sqlStates } from "../../database/sql-states.ts";
import { reasonOf } from "../../engine/outage/troubles.ts";
import { composeDatabaseMessage, type DatabaseNews, type Message } from "./compose-message.ts";
import { pauseBefore } from "./plan-attempts.ts";
import type { Attempt } from "./send-message.ts";

export interface OutageTellerOptions extends Pick<DatabaseNews, "databaseName" | "where"> {
    afterMs: number;
    send(message: Message): Promise<Attempt>;
    /** Keeps a message for delivery in the database, which is back. */
    keep(message: Message): Promise<void>;
}

/** `nowMs`s are of the monotonic clock. */
interface Absence {
    since: Date;
    sinceMs: number;
    message: Message | null;
    attempts: number;
    isTold: boolean;
    isGivenUp: boolean;
    nextAttemptMs: number;
}

export function createOutageTeller({ afterMs, send, keep, ...news }: OutageTellerOptions) {
    let absence: Absence | null = null;
    return {
        /** Call this with each error of the database. */
        async failed(error: unknown): Promise<void> {
            if (!isAbsence(error)) return;
            const nowMs = performance.now();
            absence ??= newAbsence(nowMs);
            if (absence.isTold || absence.isGivenUp) return;
            if (nowMs < absence.sinceMs + afterMs || nowMs < absence.nextAttemptMs) return;
            const { since } = absence;
            absence.message ??= composeDatabaseMessage({
                kind: "unreachable",
                since,
                reason: describeFault(error) ?? reasonOf(error),
                ...news,
            });
            const attempt = await send(absence.message);
            absence.isTold = attempt.failure === null;
            const pauseMs = pauseBefore(attempt, { ...absence, ageSeconds: (nowMs - absence.sinceMs) / 1000 });
            absence.attempts += 1;
            absence.isGivenUp = pauseMs === null;
            absence.nextAttemptMs = performance.now() + (pauseMs ?? 0);
        },
        /** Call this with each answer of the database. */
        async answered(): Promise<void> {
            if (absence === null) return;
            if (absence.isTold) {
                await keep(composeDatabaseMessage({ kind: "recovered", since: absence.since, reason: "", ...news }));
            }
            absence = null;
        },
    };
}

function newAbsence(nowMs: number): Absence {
    const none = { message: null, attempts: 0, isTold: false, isGivenUp: false, nextAttemptMs: 0 };
    return { since: new Date(), sinceMs: nowMs, ...none };
}

/** Nobody answers, there is no connection left, or the server lets this program in no more. */
function isAbsence(error: unknown): boolean {
    const state = sqlStateOf(error);
    if (isConnectionFault(error) || state?.startsWith("28")) return true;
    return state === sqlStates.invalidCatalogName || state === sqlStates.objectNotInPrerequisiteState;
}
