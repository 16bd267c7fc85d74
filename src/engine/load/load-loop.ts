/** The loop that looks at the folder, loads and, between loads, tidies up. */
import { BucketFault } from "../../bucket/faults.ts";
import { sluiceStates, sqlStateOf } from "../../database/sql-states.ts";
import type { FolderHints } from "../discover/watch-folder.ts";
import { isInputFolderError } from "../input-folder.ts";
import { takeHints } from "../ledger/hints.ts";
import type { Run } from "../loops.ts";
import { type BucketBlock, createBucketBlock } from "./bucket-block.ts";
import { createIndexDeferral } from "./defer-indexes.ts";
import { loadAll } from "./load-files.ts";
import { createLoader } from "./loader.ts";
import { forgetKeptStream } from "./stage-again.ts";
import { createTrigger, type Turn } from "./triggers.ts";

export async function loadLoop(run: Run): Promise<void> {
    const { signal, lease, room, merged } = run;
    const inbox = run.inbox!;
    const { changed } = inbox;
    const trigger = createTrigger(run, changed);
    const block = createBucketBlock(run, trigger.endsByItself);
    let loader = createLoader(run, trigger.clocks);
    let indexes = createIndexDeferral(run);
    let wasLoader = false;
    let wasFenced = false;
    const onFenced = () => {
        wasFenced = true;
    };
    /** The last time there was nothing to load. */
    let isQuiet = false;

    async function lookAndLoad(turn: Turn): Promise<void> {
        if (lease.isLoader()) await loader.archiver.recover();
        const changes = trigger.shouldLook(loader) ? await loader.discovery.look(await takeReports(run)) : 0;
        loader.hasLooked = true;
        // Here alone: a pass of the archiver does not look at a folder in which it has nothing to do.
        run.tally.isFolderAway = false;
        if (isQuiet && changes === 0 && !trigger.endsByItself && run.work?.isToLoad() === false) return;
        isQuiet = false;
        if (lease.isLoader()) await indexes.begin();
        turn.hasLoaded = await loadAll(loader);
        isQuiet = !turn.hasLoaded;
    }

    try {
        while (!signal.aborted) {
            const seen = { seenChanges: changed.count(), seenMerges: merged.count() };
            const turn: Turn = { ...seen, startedAt: performance.now(), hasLoaded: false };
            if (lease.isLoader() || trigger.looksWithoutLease) {
                // Only another look can tell how much of a file the loader before us had seen and read.
                if ((lease.isLoader() && !wasLoader) || loader.isOutdated() || wasFenced) {
                    wasFenced = false;
                    await forgetKeptStream(loader);
                    run.rechecks.clear();
                    loader = createLoader(run, trigger.clocks);
                    indexes = createIndexDeferral(run);
                    isQuiet = false;
                }
                if (!block.isOn()) {
                    const step = async () => {
                        await lookAndLoad(turn);
                        await block.passed();
                    };
                    await runStep(run, block, onFenced, step);
                }
                if (lease.isLoader() && room.isSweepDue()) await run.survive(room.sweep);
            }
            wasLoader = lease.isLoader();
            const isLast = await trigger.endTurn(loader, async () => {
                if (lease.isLoader() && !signal.aborted && !block.isOn()) {
                    await runStep(run, block, onFenced, loader.archiver.pass);
                }
            });
            if (lease.isLoader() && !signal.aborted) await run.survive(() => indexes.end(isLast));
            if (isLast && !block.isStanding()) break;
            await trigger.pause(turn);
        }
    } finally {
        indexes.leave();
        run.isLoadingDone = true;
        run.staged.give();
    }
}

/** A stream that gets more than this a second is listed sooner, too: ingest.add_hints. */
const mostHintsAtOnce = 100;

/** What the inbox has noticed, and what somebody outside has. */
async function takeReports({ inbox, work, lease, sql, stream }: Run): Promise<FolderHints> {
    const reports = inbox!.take();
    if (!lease.isLoader() || !work?.mayTakeHints()) return reports;
    const hinted = new Set(await takeHints(sql, stream.id, mostHintsAtOnce));
    const isListingAsked = hinted.delete("");
    return { ...reports, hinted, isOverflow: reports.isOverflow || isListingAsked };
}

const fencedPauseMs = 200;

/** Where another worker has taken over, or moved a file on, it is simply read again. */
async function runStep(
    { survive, lease, log, tally }: Run,
    block: BucketBlock,
    onFenced: () => void,
    step: () => Promise<unknown>,
): Promise<void> {
    await survive(async () => {
        try {
            await step();
        } catch (error) {
            if (sqlStateOf(error) === sluiceStates.loadFenced) {
                const facts = { event: "load_fenced" };
                log.warn("Another worker took over a load; its files are checked again.", facts);
                onFenced();
                // Or our lease ran out while the heartbeat waited for a connection: then it is ours again at once.
                await Bun.sleep(fencedPauseMs);
                await lease.renew();
            } else if (error instanceof BucketFault) {
                await block.failed(error);
            } else if (isInputFolderError(error)) {
                if (!tally.isFolderAway) {
                    log.warn(`${error.message} Waiting for it.`, { event: "folder_away", code: error.code });
                }
                tally.isFolderAway = true;
            } else {
                throw error;
            }
        }
    });
}
