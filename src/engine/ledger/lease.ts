/**
 * The leases of workers, by the database's clock: each worker renews its own every two seconds, for ten. Of the workers of a
 * stream one loads: the first that finds the loader's lease free or expired.
 */
import { hostname } from "node:os";
import type { IngestConfig } from "../../config/config.ts";
import type { Sql } from "../../database/connect.ts";
import { exitCodes, SluiceError } from "../../errors.ts";
import type { RecordCounts } from "../../terminal/record-counts.ts";
import type { IngestContext, IngestLog } from "../context.ts";
import { realFolder } from "../input-folder.ts";
import { answerInTime, type Outage } from "../outage/outage.ts";
import type { Trouble } from "../outage/troubles.ts";
import type { LedgerProof } from "./ledger-proof.ts";
import { type Beat, findOtherFolder, renewWorkers } from "./worker-leases.ts";

const leaseMs = 10_000;
const heartbeatMs = 2_000;

const brokenLedger =
    "The ledger no longer knows this run: it was restored to an earlier time or reset, or the run was frozen past " +
    "its lease. Sluice checks every file of the folder again, and reads what is missing.";

/** A worker of one stream, as the heartbeat of its process knows it. */
export interface Member {
    streamId: number;
    workerId: string;
    log: IngestLog;
    proof: LedgerProof;
    outage: Pick<Outage, "retries" | "trouble">;
    /** Status shows it. */
    tally: { records: RecordCounts; isFolderAway: boolean; loading: string | null; merging: number };
    /** The latest full listing of its bucket; null for a folder, and before the first. */
    listing?: () => { name: string; keys: number; secondsAgo: number; seconds: number } | null;
    hints?: { looked: number; absent: number } | null;
}

export interface Lease {
    /** Whether this worker loads its stream, by what the last renewal said. */
    isLoader(): boolean;
    renew(): Promise<void>;
}

export type Heartbeat = ReturnType<typeof createHeartbeat>;

/**
 * A verdict on a file, given once the right to load was seen to be held. Throws SL001 where another worker has it by now: that one may
 * have looked at the file since, and the verdict is of an older look. No transaction: the driver ends the process where a connection
 * is lost within one.
 */
export async function asLoader<Given>(
    { sql, stream, workerId }: Pick<IngestContext, "sql" | "stream" | "workerId">,
    give: (sql: Sql) => Promise<Given>,
): Promise<Given> {
    await sql`select ingest.require_right_to_load(${stream.id}::smallint, ${workerId}::uuid)`;
    return await give(sql);
}

/**
 * One for all streams of a process: a statement every two seconds, however many these are. `onAttempt` is called at each, also
 * at those that fail.
 */
export function createHeartbeat(
    { sql, config }: Pick<IngestContext, "sql" | "config">,
    outage: Pick<Outage, "survive" | "outages" | "trouble">,
    onAttempt: () => void = () => {},
) {
    const place = { host: hostname(), pid: process.pid, inputDir: realFolder(config.inputDir) };
    const members = new Map<Member, { isLoader: boolean }>();
    let latest: Promise<void> = Promise.resolve();
    let isFirst = true;

    /** One after the other, or the mark that a heartbeat finds could be that of one which is still to be answered. */
    function renew(renewed: () => Iterable<Member>): Promise<void> {
        latest = latest.catch(() => {}).then(() => renewOnce([...renewed()]));
        return latest;
    }

    async function renewOnce(renewing: Member[]): Promise<void> {
        if (renewing.length === 0) return;
        await outage.survive(
            async () => {
                onAttempt();
                const beats = renewing.map((member) => beatOf(config, member, members.get(member)?.isLoader ?? false));
                // A server that is silent is found out here: the other loops ask what may take its time.
                const answers = await answerInTime(renewWorkers(sql, place, leaseMs, beats));
                for (const [index, { workerId, log, proof }] of renewing.entries()) {
                    const found = answers.find((answer) => answer.workerId === workerId)!;
                    const breaks = proof.breaks();
                    proof.renewed(beats[index]!.mark, { ...found, outages: outage.outages() });
                    if (proof.breaks() > breaks) log.warn(brokenLedger, { event: "ledger_changed" });
                    const state = members.get(renewing[index]!);
                    if (state) state.isLoader = found.isLoader;
                }
            },
            { isFirst },
        );
        isFirst = false;
    }

    return {
        /** Nothing is held before the first renewal. */
        join(member: Member): Lease {
            const state = { isLoader: false };
            members.set(member, state);
            return { isLoader: () => state.isLoader, renew: () => renew(() => (members.has(member) ? [member] : [])) };
        },
        /** The worker is none of this process any more: a renewal that is under way has ended. */
        async leave(member: Member): Promise<void> {
            const state = members.get(member);
            if (state) state.isLoader = false;
            members.delete(member);
            await latest.catch(() => {});
        },
        renew: () => renew(() => members.keys()),
        /** What keeps the heartbeat or a stream from going on; null when nothing does. */
        trouble(): Trouble | null {
            const troubles = [outage, ...[...members.keys()].map((member) => member.outage)].map(({ trouble }) =>
                trouble(),
            );
            return troubles.find((trouble) => trouble !== null) ?? null;
        },
        /** Renews all until `isOver`. */
        async keep(isOver: () => boolean): Promise<void> {
            while (!isOver()) {
                const wakeAt = performance.now() + heartbeatMs;
                while (!isOver() && performance.now() < wakeAt) await Bun.sleep(50);
                await renew(() => members.keys());
            }
        },
    };
}

function beatOf(
    config: IngestConfig,
    { streamId, workerId, proof, outage, tally, listing, hints = null }: Member,
    isLoader: boolean,
): Beat {
    const report = {
        trigger: config.trigger,
        tailSettleMs: config.tailSettleMs,
        name: config.workerName ?? hostname(),
        isLoader,
        isFolderAway: tally.isFolderAway,
        loading: tally.loading,
        merging: tally.merging,
        listing: listing?.() ?? null,
        hints,
        records: tally.records,
        retries: outage.retries(),
        trouble: outage.trouble(),
    };
    return { streamId, workerId, report, mark: proof.nextMark() };
}

/**
 * The ledger's paths are relative to one folder, so a stream has one folder at a time. Workers on other hosts are trusted to
 * see the same folder under whatever path it is mounted there. `streamIds`: null for every stream.
 */
export async function refuseOtherFolder(sql: Sql, inputDir: string, streamIds: number[] | null = null): Promise<void> {
    const other = await findOtherFolder(sql, hostname(), realFolder(inputDir), streamIds);
    if (!other) return;
    throw new SluiceError({
        code: "other_folder_in_use",
        what: `An ingest of another folder, ${other.inputDir} (pid ${other.pid}), is running on this database.`,
        remedy: "Stop it first, or use a separate database for this folder with --database-url or --data-dir.",
        exitCode: exitCodes.configuration,
    });
}
