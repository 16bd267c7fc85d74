/** Logs that the database is unreachable, busy or changed. Each message is logged once, or at most once a minute. */

import { describeFault } from "../../database/describe-fault.ts";
import { meaningOf, sqlStateOf } from "../../database/sql-states.ts";
import { commandHere } from "../../environment.ts";
import { SluiceError } from "../../errors.ts";
import type { IngestLog } from "../context.ts";
import { reasonOf } from "./troubles.ts";

/** A step that fails so often for a reason that passes is worth a line, once a minute. */
const sayFromAttempt = 3;
const sayAgainMs = 60_000;

export type OutageVoice = ReturnType<typeof createOutageVoice>;

export function createOutageVoice(log: IngestLog) {
    let saidBusyAt = Number.NEGATIVE_INFINITY;
    let hasSaidSchema = false;
    return {
        busy(error: unknown, attempt: number): void {
            if (attempt < sayFromAttempt || performance.now() < saidBusyAt + sayAgainMs) return;
            saidBusyAt = performance.now();
            log.warn(`The database cannot do this now (${describeFault(error)}). Retrying; nothing is lost.`, {
                event: "database_busy",
                code: reasonOf(error),
            });
        },
        /** At once, since somebody has just changed something, and once for all steps that fail on it. */
        schemaChanged(error: unknown): void {
            if (hasSaidSchema) return;
            hasSaidSchema = true;
            log.warn(
                `The tables have changed (${describeFault(error)}). Undo that change, or stop and run \`${commandHere("doctor")}\`. ` +
                    "No file fails because of it. The ingest waits, and continues once the change is undone.",
                { event: "schema_changed", code: reasonOf(error) },
            );
        },
        schemaBack(): void {
            if (!hasSaidSchema) return;
            hasSaidSchema = false;
            log.info("The tables are correct again. The ingest continues.", { event: "schema_back" });
        },
        away: (error: unknown) => sayAway(log, error),
    };
}

/** Logs that the database is unreachable. Returns the functions that log failed attempts and the recovery. */
function sayAway(log: IngestLog, error: unknown) {
    const awayFrom = performance.now();
    let said = reasonOf(error);
    log.warn(`The database is unreachable (${said}). Waiting for it; nothing is lost.`, {
        event: "database_away",
        code: said,
    });
    return {
        /** Another reason than before needs somebody: the password was changed, the disk of an embedded server is full. */
        refused(error: unknown): void {
            const isOurs = error instanceof SluiceError;
            const state = isOurs ? error.code : sqlStateOf(error);
            if (state === null || state === said || meaningOf(error) === "away") return;
            said = state;
            const { message } = error as Error;
            const what = isOurs
                ? message
                : `The database refuses all connections: ${message} (${state}). Still waiting.`;
            log.warn(what, { event: "database_away", code: state });
        },
        back(): void {
            const durationMs = Math.round(performance.now() - awayFrom);
            const seconds = Math.round(durationMs / 1000);
            log.info(`The database is back after ${seconds} s.`, { event: "database_back", durationMs });
        },
    };
}
