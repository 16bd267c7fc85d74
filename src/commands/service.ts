/**
 * Tells a service manager (systemd, Type=notify) that the service is ready, what it is doing, that it is alive, and that it is
 * stopping. Bun has no unix datagram sockets, so systemd's own `systemd-notify` sends (docs/decisions/service-manager.md).
 *
 * There is no timer: a message is sent when a part has given a sign of life. A loop that no longer comes round gives none, so
 * the watchdog of the service manager ends the process.
 */
import { findServiceManager, type ServiceManager } from "../environment.ts";
import { sanitize } from "../terminal/sanitize.ts";
import type { Log } from "./log.ts";

export interface Service<Part extends string> {
    /** Whether anybody listens. */
    isManaged: boolean;
    /**
     * Call this when a part has shown that it works. The first sign of the last part makes the service ready; later ones keep
     * the watchdog quiet, once each part has given another. `status` is one line for people.
     */
    alive(part: Part, status?: string): void;
    /** Call this when the stop begins. Nothing is sent after it. */
    stopping(): void;
    /** Resolves when all of it has been sent, or could not be. A process that ends before that takes its last words along. */
    sent(): Promise<void>;
}

export interface ServiceOptions {
    log: Pick<Log, "warn">;
    manager?: ServiceManager | null;
    /** Sends one message, `NAME=value` each; throws when it could not. */
    send?: (message: readonly string[]) => Promise<void>;
    nowMs?: () => number;
}

/** How often the status is sent where nobody watches. */
const statusEveryMs = 10_000;
const longestStatus = 200;
const sendTimeoutMs = 2_000;

export function openService<Part extends string>(
    parts: readonly Part[],
    { log, manager = findServiceManager(), ...options }: ServiceOptions,
): Service<Part> {
    if (manager === null) return { isManaged: false, alive() {}, stopping() {}, async sent() {} };
    const { send = sendBySystemdNotify(manager), nowMs = () => performance.now() } = options;
    // A third: one that is late by a whole interval still comes in time.
    const everyMs = manager.watchdogMs === null ? statusEveryMs : manager.watchdogMs / 3;
    let silent = new Set(parts);
    let isReady = false;
    let isStopping = false;
    let status = "";
    let sentAtMs = Number.NEGATIVE_INFINITY;
    let sending = Promise.resolve();
    let hasFailed = false;

    function tell(message: readonly string[]): void {
        sending = sending
            .then(() => send(message))
            .catch((error: unknown) => {
                if (hasFailed) return;
                hasFailed = true;
                const why = error instanceof Error ? error.message : String(error);
                log.warn(`The service manager cannot be told how this is: ${why}`, { event: "service_manager_away" });
            });
    }

    return {
        isManaged: true,
        alive(part, words) {
            silent.delete(part);
            if (words !== undefined) status = sanitize(words, { most: longestStatus });
            if (isStopping || silent.size > 0 || nowMs() - sentAtMs < everyMs) return;
            const ready = isReady ? [] : ["READY=1"];
            const watched = manager.watchdogMs === null ? [] : ["WATCHDOG=1"];
            tell([...ready, ...watched, ...(status === "" ? [] : [`STATUS=${status}`])]);
            isReady = true;
            sentAtMs = nowMs();
            silent = new Set(parts);
        },
        stopping() {
            if (isStopping) return;
            isStopping = true;
            tell(["STOPPING=1", "STATUS=Stopping"]);
        },
        sent: () => sending,
    };
}

/** By systemd's own program, which waits until the message has arrived. */
function sendBySystemdNotify({ socket }: ServiceManager): (message: readonly string[]) => Promise<void> {
    return async (message) => {
        const program = Bun.which("systemd-notify");
        if (program === null)
            throw new Error("NOTIFY_SOCKET is set, and there is no systemd-notify (package systemd).");
        const child = Bun.spawn([program, ...message], {
            env: { NOTIFY_SOCKET: socket },
            stdio: ["ignore", "ignore", "pipe"],
            timeout: sendTimeoutMs,
        });
        const [exitCode, said] = await Promise.all([child.exited, new Response(child.stderr).text()]);
        if (exitCode !== 0) throw new Error(said.trim() || `systemd-notify ended with ${exitCode}.`);
    };
}

const askEveryMs = 2_000;

/**
 * Asks the API every two seconds, as a balancer would, and calls `onAnswer` for each answer. Returns what ends the asking.
 */
export function askForLife(url: string, { isManaged }: Pick<Service<string>, "isManaged">, onAnswer: () => void) {
    if (!isManaged) return () => {};
    const ask = async () => {
        const { ok } = await fetch(`${url}/livez`, { signal: AbortSignal.timeout(askEveryMs) });
        if (ok) onAnswer();
    };
    const timer = setInterval(() => void ask().catch(() => {}), askEveryMs);
    timer.unref();
    void ask().catch(() => {});
    return () => clearInterval(timer);
}
