/**
 * The leases of workers, by the database's clock: each worker renews its own every two seconds, for ten. One of them loads:
 * the first that finds the loader's lease free or expired.
 */
import { hostname } from "node:os";
import type { Sql } from "../../database/connect.ts";
import { exitCodes, SluiceError } from "../../errors.ts";
import type { RecordCounts } from "../../terminal/record-table.ts";
import type { IngestContext } from "../context.ts";
import { realFolder } from "../input-folder.ts";
import { answerInTime, type Outage } from "../outage/outage.ts";
import type { LedgerProof } from "./ledger-proof.ts";
import { findOtherFolder, renewWorker, takeLoaderLease } from "./worker-leases.ts";

export type Lease = ReturnType<typeof createLease>;

const leaseMs = 10_000;
const heartbeatMs = 2_000;

const brokenLedger =
    "The ledger does not know this run any more: it was put back to an earlier time or reset, or the run was frozen past " +
    "its lease. Every file of the folder is looked at anew; what is missing is read again.";

/** Nothing is held before the first renewal. Status shows the `tally`. */
export function createLease(
    { stream, sql, workerId, config, log }: IngestContext,
    proof: LedgerProof,
    outage: Outage,
    tally: { records: RecordCounts; isFolderAway: boolean },
) {
    const place = { workerId, host: hostname(), pid: process.pid, inputDir: realFolder(config.inputDir) };
    let isLoader = false;
    let latest: Promise<void> = Promise.resolve();
    let isFirst = true;

    /** One after the other, or the mark that a heartbeat finds could be that of one which is still to be answered. */
    function renew(): Promise<void> {
        latest = latest.catch(() => {}).then(renewOnce);
        return latest;
    }

    async function renewOnce(): Promise<void> {
        const wasLoader = isLoader;
        await outage.survive(
            async () => {
                const report = JSON.stringify({
                    trigger: config.trigger,
                    tailSettleMs: config.tailSettleMs,
                    isLoader: wasLoader,
                    isFolderAway: tally.isFolderAway,
                    records: tally.records,
                    retries: outage.retries(),
                    trouble: outage.trouble(),
                });
                // A server that is silent is found out here: the other loops ask what may take its time.
                const mark = proof.nextMark();
                const found = await answerInTime(renewWorker(sql, place, leaseMs, report, mark));
                const breaks = proof.breaks();
                proof.renewed(mark, { ...found, outages: outage.outages() });
                if (proof.breaks() > breaks) log.warn(brokenLedger, { event: "ledger_changed" });
                isLoader = await answerInTime(takeLoaderLease(sql, stream.id, workerId, leaseMs));
            },
            { isFirst },
        );
        isFirst = false;
    }

    return {
        /** Whether this worker loads, by what the last renewal said. */
        isLoader: () => isLoader,
        renew,
        /** Renews it until `isOver`. */
        async keep(isOver: () => boolean): Promise<void> {
            while (!isOver()) {
                const wakeAt = performance.now() + heartbeatMs;
                while (!isOver() && performance.now() < wakeAt) await Bun.sleep(50);
                await renew();
            }
        },
    };
}

/**
 * The ledger's paths are relative to one folder, so one database serves one folder at a time. Workers on other hosts
 * are trusted to see the same folder under whatever path it is mounted there.
 */
export async function refuseOtherFolder(sql: Sql, inputDir: string): Promise<void> {
    const other = await findOtherFolder(sql, hostname(), realFolder(inputDir));
    if (!other) return;
    throw new SluiceError({
        code: "other_folder_in_use",
        what: `An ingest of another folder, ${other.inputDir} (pid ${other.pid}), is at work on this database.`,
        remedy: "Stop it first, or give this folder a database of its own with --database-url or --data-dir.",
        exitCode: exitCodes.configuration,
    });
}
