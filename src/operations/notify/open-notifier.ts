/**
 * Tells the receiver of `notify.webhook` when the state of a stream changes. Every process that has the webhook runs this beside
 * its work, on a connection of its own; by a lease one of them tells. What is decided is in the ledger before it is sent, so a
 * kill between the two delays a message and loses none.
 */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Config, notifyFields } from "../../config/config.ts";
import { connect, type Sql } from "../../database/connect.ts";
import type { DatabaseTarget } from "../../database/database-target.ts";
import { passFaultPoint } from "../../database/faults/pass-fault-point.ts";
import { isConnectionFault, meaningOf, sqlStateOf, sqlStates } from "../../database/sql-states.ts";
import type { IngestLog } from "../../engine/context.ts";
import { answerInTime } from "../../engine/outage/outage.ts";
import { sleep } from "../../engine/outage/sleep.ts";
import { readStatus } from "../status/read-status.ts";
import { composeStateMessage } from "./compose-message.ts";
import { decideChange, isSameMemory, type Rules, rulesFor } from "./decide-changes.ts";
import {
    addNotification,
    type Decision,
    type DueMessage,
    leaveNotifier,
    readDueMessage,
    readMemories,
    recordDelivery,
    takeNotifier,
    writeDecisions,
} from "./notification-ledger.ts";
import { pauseBefore } from "./plan-attempts.ts";
import { type Attempt, type Receiver, sendMessage } from "./send-message.ts";
import { createOutageTeller } from "./tell-outage.ts";
import { seeStream } from "./told-state.ts";

export interface NotifierOptions {
    target: DatabaseTarget;
    config: Pick<Config, (typeof notifyFields)[number]>;
    log: IngestLog;
    /** What this process is, for messages about the database: `ingest`, `API`. */
    part: string;
    rules?: Rules;
    everyMs?: number;
    leaseMs?: number;
}

export interface Notifier {
    /**
     * Call this when a run that takes what is there is done with a stream, while its worker is still known: what has changed is
     * told without waiting whether it lasts.
     */
    settle(stream: string): Promise<void>;
    /** After `settle` it takes seconds at most: a message that nobody takes meanwhile is left to the next process. */
    stop(): Promise<void>;
}

/** The status is one query of some milliseconds, and a problem is told after half a minute. */
const defaultEveryMs = 5_000;
/** Longer than an attempt to deliver, with the queries around it. */
const defaultLeaseMs = 30_000;
const statementTimeout = "10s";
const lastDeliveryMs = 8_000;
const stopDeadlineMs = 2_000;
const atOnce = { afterMs: 0, recoveryMs: 0 };
/** Another process may decide at the same moment. */
const mostSettlings = 3;

/** Without a webhook it does nothing. */
export function openNotifier(options: NotifierOptions): Notifier {
    const { notifyWebhook: webhook, notifySecret: secret = null } = options.config;
    if (webhook === undefined) return { async settle() {}, async stop() {} };
    const stopper = new AbortController();
    const voice = createVoice(options.log);
    const database = openDatabase(options.target);
    const rounds = createRounds(options, { webhook, secret }, database, voice, stopper.signal);
    const everyMs = options.everyMs ?? defaultEveryMs;

    async function keep(): Promise<void> {
        while (!stopper.signal.aborted) {
            await rounds.next();
            await sleep(everyMs * (0.9 + Math.random() / 5), stopper.signal);
        }
    }

    const running = keep();
    let isSettled = false;
    let stopped: Promise<void> | null = null;
    return {
        async settle(stream) {
            isSettled = true;
            await rounds.settle(stream);
        },
        stop() {
            stopper.abort();
            stopped ??= Promise.race([
                running.then(() => rounds.last(isSettled)).then(database.close),
                Bun.sleep(stopDeadlineMs + (isSettled ? lastDeliveryMs : 0)),
            ]);
            return stopped;
        },
    };
}

type Database = ReturnType<typeof openDatabase>;

/** A client that is opened anew after a fault of its connection: behind a question that is never answered it would wait for ever. */
function openDatabase(target: DatabaseTarget) {
    const settings = { statement_timeout: statementTimeout, default_transaction_read_only: "off" };
    const open = () =>
        connect(target, { applicationName: "sluice notify", max: 1, connectTimeoutSeconds: 5, settings });
    let sql = open();
    const close = (client: Sql, timeout: number) => client.end({ timeout }).catch(() => {});
    return {
        async ask<Answer>(question: (sql: Sql) => PromiseLike<Answer>): Promise<Answer> {
            try {
                return await answerInTime(question(sql));
            } catch (error) {
                if (isConnectionFault(error)) {
                    void close(sql, 0);
                    sql = open();
                }
                throw error;
            }
        },
        close: () => close(sql, 1),
    };
}

function createRounds(
    { target, config, part, log, ...options }: NotifierOptions,
    receiver: Receiver,
    { ask }: Database,
    voice: ReturnType<typeof createVoice>,
    signal: AbortSignal,
) {
    const { rules = rulesFor(config.notifyAfterMs), leaseMs = defaultLeaseMs } = options;
    const holder = randomUUID();
    const takeLease = () => ask((sql) => takeNotifier(sql, holder, leaseMs));
    const outage = createOutageTeller({
        afterMs: rules.afterMs,
        databaseName: target.database,
        where: `${part} on ${hostname()} (pid ${process.pid})`,
        send: async (message) => {
            const attempt = await sendMessage(message, receiver, signal);
            voice.attempted({ ...message, stream: null, attempts: 0 }, attempt, null);
            return attempt;
        },
        keep: (message) => ask((sql) => addNotification(sql, message)),
    });

    /** Of one stream, or of all. False: another process has decided at the same moment. */
    async function decide(by: Rules, only: string | null = null): Promise<boolean> {
        // Before the status: what another process writes in between is seen by its version.
        const known = await ask(readMemories);
        const status = await ask((sql) => readStatus(sql));
        const streams = status.streams.filter(({ name }) => only === null || name === only);
        const decisions = streams.flatMap((stream): Decision[] => {
            const { memory = null, isPending = false } = known.get(stream.name) ?? {};
            const seen = seeStream(stream, status, memory?.isWatched ?? null);
            const decided = decideChange(memory, { ...seen, stream: stream.name, isPending }, status.asOf, by);
            if (isSameMemory(memory, decided.memory)) return [];
            const message = decided.change && composeStateMessage(decided.change, stream, status, config.pageUrl);
            return [{ ...decided.memory, messageId: message?.id ?? null, body: message?.body ?? null }];
        });
        if (decisions.length === 0) return true;
        const written = await ask((sql) => writeDecisions(sql, decisions));
        return decisions.every(({ messageId }) => messageId === null || written.includes(messageId));
    }

    /** One after the other, so that the lease outlasts each attempt. */
    async function deliver(over: AbortSignal): Promise<void> {
        while (!over.aborted && (await takeLease())) {
            const due = await ask(readDueMessage);
            if (due === null) return;
            await passFaultPoint("before-notification");
            const attempt = await sendMessage(due, receiver, over);
            await passFaultPoint("after-notification");
            // Cut off by the stop: no failure of the receiver's.
            if (attempt.failure !== null && over.aborted) return;
            const pauseMs = attempt.failure === null ? 0 : pauseBefore(attempt, due);
            await ask((sql) => recordDelivery(sql, due.id, attempt.failure, pauseMs));
            voice.attempted(due, attempt, pauseMs);
            if (attempt.isSilent) return;
        }
    }

    return {
        async next(): Promise<void> {
            try {
                const isHolder = await takeLease();
                await outage.answered();
                if (!isHolder) return;
                await decide(rules);
                await deliver(signal);
            } catch (error) {
                if (signal.aborted) return;
                voice.failed(error);
                await outage.failed(error);
            }
        },
        async settle(stream: string): Promise<void> {
            try {
                for (let settling = 0; settling < mostSettlings; settling += 1) {
                    if (await decide({ ...rules, ...atOnce }, stream)) return;
                }
            } catch (error) {
                voice.failed(error);
            }
        },
        async last(isSettled: boolean): Promise<void> {
            try {
                if (isSettled) await deliver(AbortSignal.timeout(lastDeliveryMs));
                await ask((sql) => leaveNotifier(sql, holder));
            } catch {
                // The lease runs out by itself, and what was decided is in the ledger.
            }
        },
    };
}

function createVoice(log: IngestLog) {
    let hasSaidRefused = false;
    return {
        /** At first, and then ever more rarely. */
        attempted(
            { id, stream, attempts }: Pick<DueMessage, "id" | "stream" | "attempts">,
            attempt: Attempt,
            pauseMs: number | null,
        ) {
            const about = stream === null ? "the database" : stream;
            const facts = { message: id, ...(stream !== null && { stream }) };
            if (attempt.failure === null) {
                log.info(`The receiver of notifications has the message about ${about}.`, {
                    event: "notified",
                    ...facts,
                });
            } else if (pauseMs === null && stream !== null) {
                log.error(
                    `The message about ${about} is given up (${attempt.failure}). Correct notify.webhook or its receiver.`,
                    { event: "notification_given_up", code: attempt.failure, ...facts },
                );
            } else if ((attempts & (attempts + 1)) === 0) {
                log.warn(
                    `The receiver of notifications does not take the message about ${about} (${attempt.failure}). Trying again.`,
                    { event: "notification_failed", code: attempt.failure, ...facts },
                );
            }
        },
        /** What only somebody's hand changes: a right, a standby, an older schema. The rest is said by the ingest. */
        failed(error: unknown): void {
            const isStandby = sqlStateOf(error) === sqlStates.readOnlyTransaction;
            if (hasSaidRefused || !(isStandby || meaningOf(error) === "schema")) return;
            hasSaidRefused = true;
            const what = isStandby
                ? "it is a standby or read-only. A process on the primary server can send them."
                : `${(error as Error).message}. Run sql/roles/loader.sql and sql/roles/api_reader.sql again.`;
            log.warn(`This process cannot send notifications, because of the database: ${what}`, {
                event: "notifications_refused",
                code: sqlStateOf(error)!,
            });
        },
    };
}
