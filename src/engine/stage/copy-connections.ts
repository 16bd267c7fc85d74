/**
 * The connections on which a process copies, shared by its streams: a load takes one for as long as its COPY lasts. One of them
 * stays open; the others are closed when nobody has needed them for a while, so that streams without files cost none.
 */
import type { DatabaseTarget } from "../../database/database-target.ts";
import type { Turns } from "../turns.ts";
import { type CopyConnection, createCopyConnection } from "./copy-connection.ts";

export type CopyConnections = ReturnType<typeof createCopyConnections>;

const idleMs = 10_000;

interface Held {
    connection: CopyConnection;
    endTurn(): void;
}

export function createCopyConnections(target: DatabaseTarget, applicationName: string, turns: Turns) {
    const free: { connection: CopyConnection; since: number }[] = [];
    const held = new Set<Held>();

    const closeIdle = () => {
        const [first] = free;
        if (free.length < 2 || performance.now() - first!.since < idleMs) return;
        free.shift();
        void first!.connection.discard();
    };
    const timer = setInterval(closeIdle, idleMs);
    timer.unref();

    return {
        /** One of them, as a loader sees it that runs one load after the other on it. */
        of(streamId: number): CopyConnection {
            let own: Held | null = null;
            const giveBack = (isUsable: boolean) => {
                const returned = own;
                own = null;
                if (returned === null) return;
                held.delete(returned);
                if (isUsable) free.push({ connection: returned.connection, since: performance.now() });
                returned.endTurn();
            };
            const discard = async () => {
                const discarded = own?.connection;
                await discarded?.discard();
                if (own?.connection === discarded) giveBack(false);
            };
            return {
                async beginLoad(...load) {
                    await discard();
                    const endTurn = await turns.take(streamId);
                    own = {
                        connection: free.pop()?.connection ?? createCopyConnection(target, applicationName),
                        endTurn,
                    };
                    held.add(own);
                    try {
                        return await own.connection.beginLoad(...load);
                    } catch (error) {
                        await discard();
                        throw error;
                    }
                },
                async copy(statement, source) {
                    await own!.connection.copy(statement, source);
                    giveBack(true);
                },
                async copyWith(...load) {
                    const result = await own!.connection.copyWith(...load);
                    giveBack(true);
                    return result;
                },
                discard,
            };
        },
        /** Gives all backends up, whatever they are doing. */
        async discard(): Promise<void> {
            const all = [...free.splice(0), ...held].map(({ connection }) => connection.discard());
            await Promise.all(all);
        },
        async close(): Promise<void> {
            clearInterval(timer);
            await this.discard();
        },
    };
}
