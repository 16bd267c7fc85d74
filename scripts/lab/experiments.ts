/** The five experiments. Each delivers files of its own, does its harm, and waits until the ledger has settled them. */
import { SluiceError } from "../../src/errors.ts";
import type { LabLink, LabRun, LabStep } from "../../src/server/api/lab/lab-routes.ts";
import { formatCount, formatNumber } from "../../src/terminal/format.ts";
import { cut, type Delivery, deliver, inventGarbage, inventLines } from "./deliveries.ts";
import type { LabSubject } from "./lab.ts";
import { askUntilAnswered, countEvents, type FileVersion, readReasons, readVersions } from "./read-ledger.ts";

type Say = (tone: LabStep["tone"], text: string, links?: LabLink[]) => void;

interface Outcome {
    counts: NonNullable<LabRun["counts"]>;
    isBalanced: boolean;
}

export interface Experiment {
    name: string;
    /** What its button says. */
    title: string;
    /** What it does, in a sentence. */
    does: string;
    carryOut(subject: LabSubject, say: Say): Promise<Outcome>;
}

/** Enough that a load and a merge take their time, and few enough for a laptop. */
const manyRecords = 30_000;
const lookEveryMs = 10;
const patienceMs = 90_000;
/** Two looks at the folder. */
const cutNoticedMs = 2500;
/** How long after a crash nothing may be there to crash. */
const restartPatienceMs = 30_000;

export const experiments: readonly Experiment[] = [
    {
        name: "kill_worker",
        title: "Kill the ingest worker",
        does: "kill -9 in the middle of a file of 30,000 records, with no chance to clean up.",
        carryOut: killWorker,
    },
    {
        name: "crash_database",
        title: "Crash Postgres",
        does: "kill -9 of the whole server while 30,000 records wait in its unlogged staging table.",
        carryOut: crashDatabase,
    },
    {
        name: "cut_file",
        title: "Cut a file",
        does: "Half of it is gone while it is read, in the middle of a record; later its writer delivers it again.",
        carryOut: cutFile,
    },
    {
        name: "deliver_twice",
        title: "Deliver a file twice",
        does: "1,000 records, then the same file under another name, then the same records in another order.",
        carryOut: deliverTwice,
    },
    {
        name: "send_garbage",
        title: "Send garbage",
        does: "A file of broken dates, stray quotes, raw bytes and an injection, with 20 good records in between.",
        carryOut: sendGarbage,
    },
];

async function killWorker(subject: LabSubject, say: Say): Promise<Outcome> {
    const delivery = deliverNew(subject, "lab_killed", manyRecords);
    say("plain", `${delivery.path} came, with ${formatNumber(manyRecords)} new records.`, [fileLink(delivery)]);
    const [before] = await waitFor("the file is staged", subject, [delivery], isUnderWay);
    const pid = await waitUntilThere("there is a worker to kill", () => subject.ingest.kill());
    const killedAt = performance.now();
    say("harm", `kill -9 of the ingest worker, process ${pid}: ${describeProgress(before!)}.`);
    const next = await waitUntilThere("another worker is started", () => {
        const now = subject.ingest.pid();
        return now === pid ? null : now;
    });
    say(
        "recovery",
        `Another worker was started, process ${next}. It merges what is staged at once, and loads when the dead one's lease has run out.`,
    );
    const [after] = await waitFor("the file is merged", subject, [delivery], areSettled);
    say(
        "recovery",
        `${seconds(killedAt)} after the kill the file is merged. What the dead worker had staged and not yet named in ` +
            "the ledger counts for nothing and is swept; what it had committed is not done again.",
        batchLinks(after!),
    );
    return await settle(subject, say, [delivery]);
}

async function crashDatabase(subject: LabSubject, say: Say): Promise<Outcome> {
    const delivery = deliverNew(subject, "lab_crashed", manyRecords);
    say("plain", `${delivery.path} came, with ${formatNumber(manyRecords)} new records.`, [fileLink(delivery)]);
    const [before] = await waitFor("the file is staged", subject, [delivery], isUnderWay);
    const pid = await waitUntilThere("there is a server to crash", () => subject.database.crash());
    const crashedAt = performance.now();
    say("harm", `kill -9 of PostgreSQL, process ${pid}: ${describeProgress(before!)}.`);
    // A backend that lives on for a moment would answer too: it is the next server's answer that counts.
    const next = await waitUntilThere("another server is started", () => {
        const now = subject.database.pid();
        return now === pid ? null : now;
    });
    await askUntilAnswered(() => subject.sql`select 1`);
    say(
        "recovery",
        `PostgreSQL answers again after ${seconds(crashedAt)}, process ${next}. The ingest worker ` +
            "started it; it replayed its log, and emptied the staging table, which is not in the log.",
    );
    const [after] = await waitFor("the file is merged", subject, [delivery], areSettled);
    say("recovery", describeRestaging(before!, after!));
    say("recovery", `${seconds(crashedAt)} after the crash the file is merged.`, batchLinks(after!));
    return await settle(subject, say, [delivery]);
}

async function cutFile(subject: LabSubject, say: Say): Promise<Outcome> {
    const { eventIds, lines } = inventLines(manyRecords);
    const path = nameFile("lab_cut");
    const bytes = deliver(subject.inputDir, path, lines);
    const delivery: Delivery = { path, bytes, eventIds };
    const link = fileLink(delivery);
    say("plain", `${path} came, with ${formatNumber(manyRecords)} new records.`, [link]);
    const [before] = await waitFor("the ingest sees the file", subject, [delivery], (versions) => versions.length > 0);
    const keptBytes = Math.floor(bytes / 2) - 7;
    cut(subject.inputDir, path, keptBytes);
    say("harm", `Cut from ${formatNumber(bytes)} bytes to ${formatNumber(keptBytes)}: ${describeProgress(before!)}.`);
    // A change is noticed at the next look at the folder: what is settled after is of the cut file.
    await Bun.sleep(cutNoticedMs);
    const found = await waitFor("the cut file is settled", subject, [delivery], areSettled);
    say(
        "plain",
        `${describeVersions(found)} The piece of a record at its end was no guess: it waited ten seconds for its rest.`,
        [link],
    );
    deliver(subject.inputDir, path, lines);
    say("plain", "The writer comes back and delivers the whole file again, under the same name.", [link]);
    let newest = found.at(-1)!.fileId;
    const all = await waitFor("the whole file is merged", subject, [delivery], (versions) => {
        const last = versions.at(-1)!;
        newest = last.fileId;
        return areSettled(versions) && last.loadedRecords >= manyRecords;
    });
    const last = all.find(({ fileId }) => fileId === newest)!;
    say(
        "recovery",
        `${describeVersions(all)} ${
            all.length === 1
                ? "The ingest had read what was left, found the same bytes again, and went on where the cut had been."
                : "Bytes that changed make a new version: records that were there are duplicates, the rest is inserted."
        }`,
        batchLinks(last),
    );
    return await settle(subject, say, [delivery]);
}

async function deliverTwice(subject: LabSubject, say: Say): Promise<Outcome> {
    const { eventIds, lines } = inventLines(1000);
    const [first, copy, shuffled] = ["lab_first", "lab_copy", "lab_shuffled"].map((name) => nameFile(name)) as [
        string,
        string,
        string,
    ];
    const bytes = deliver(subject.inputDir, first, lines);
    const deliveries = [first, copy, shuffled].map((path) => ({ path, bytes, eventIds }));
    say("plain", `${first} came, with 1,000 new records.`, [{ kind: "file", path: first }]);
    const [original] = await waitFor("the first file is merged", subject, [deliveries[0]!], areSettled);
    say("plain", describeCounts(original!), batchLinks(original!));
    deliver(subject.inputDir, copy, lines);
    deliver(subject.inputDir, shuffled, [...lines].reverse());
    say("harm", `The same bytes came as ${copy}, and the same records in another order as ${shuffled}.`, [
        { kind: "file", path: copy },
        { kind: "file", path: shuffled },
    ]);
    const versions = await waitFor("all three are settled", subject, deliveries, (found) => {
        return found.length === 3 && areSettled(found);
    });
    const [, second, third] = [first, copy, shuffled].map((path) => versions.find((one) => one.path === path)!);
    say(
        "recovery",
        second!.state === "skipped"
            ? `${copy} has the very content of a merged file: it was skipped, and names its original.`
            : `${copy} was read: ${describeCounts(second!)}`,
        [{ kind: "file", path: copy }],
    );
    say("recovery", `${shuffled} is another file with known records: ${describeCounts(third!)}`, batchLinks(third!));
    return await settle(subject, say, deliveries);
}

async function sendGarbage(subject: LabSubject, say: Say): Promise<Outcome> {
    const { eventIds, lines } = inventLines(20);
    const garbage = inventGarbage();
    const path = nameFile("lab_garbage");
    const mixed = garbage.flatMap((line, index) => (index < lines.length ? [line, lines[index]!] : [line]));
    const bytes = deliver(subject.inputDir, path, mixed);
    const delivery: Delivery = { path, bytes, eventIds };
    say("harm", `${path} came: 20 good records between ${garbage.length} lines of garbage.`, [fileLink(delivery)]);
    const [version] = await waitFor("the file is settled", subject, [delivery], areSettled, ([found]) => {
        const isHeldBack = found !== undefined && found.state === "pending" && found.read > 0;
        if (isHeldBack) say("plain", "A quote is still open in it: what is behind waits until the file is still.");
        return isHeldBack;
    });
    if (version!.state === "failed") say("plain", version!.problemDetail ?? "The file failed.", [fileLink(delivery)]);
    else say("recovery", describeCounts(version!), batchLinks(version!));
    const reasons = await readReasons(subject.sql, path);
    const shown = reasons.slice(0, 8).map(({ reason }) => reason.replaceAll("_", " "));
    if (reasons.length > 0) {
        say(
            "recovery",
            `Each bad record is kept with its values and every reason: ${shown.join(", ")}` +
                `${reasons.length > shown.length ? `, and ${reasons.length - shown.length} more` : ""}.`,
            [...new Set(reasons.map(({ recordNo }) => recordNo))]
                .slice(0, 3)
                .map((recordNo) => ({ kind: "record", path, recordNo })),
        );
    }
    return await settle(subject, say, [delivery]);
}

/** Adds up all versions, and looks for each good record in events itself. */
async function settle(subject: LabSubject, say: Say, deliveries: Delivery[]): Promise<Outcome> {
    const versions = await readVersions(
        subject.sql,
        deliveries.map(({ path }) => path),
    );
    const counts = addUp(versions);
    const { eventIds, path } = deliveries[0]!;
    const found = await countEvents(subject.sql, eventIds);
    const isBalanced =
        counts.read === counts.inserted + counts.duplicate + counts.conflict + counts.rejected &&
        found === eventIds.length &&
        counts.inserted === eventIds.length;
    say(
        isBalanced ? "good" : "bad",
        isBalanced
            ? `Balanced. All ${formatCount(found, "good record")} are in events, each once. ${describeCounts(counts)}`
            : `It does not add up: ${formatNumber(found)} of ${formatCount(eventIds.length, "good record")} are in ` +
                  `events. ${describeCounts(counts)} Run \`bun run check\`.`,
        [{ kind: "record", path, recordNo: 1 }],
    );
    return { counts, isBalanced };
}

function deliverNew({ inputDir }: LabSubject, name: string, records: number): Delivery {
    const { eventIds, lines } = inventLines(records);
    const path = nameFile(name);
    return { path, bytes: deliver(inputDir, path, lines), eventIds };
}

/** A name of its own each time: what came before stays what it was. */
function nameFile(name: string): string {
    return `${name}_${Date.now().toString(36)}.csv`;
}

function isUnderWay([version]: readonly FileVersion[]): boolean {
    return version !== undefined && (version.stagedRecords > 0 || version.read > 0);
}

function areSettled(versions: readonly FileVersion[]): boolean {
    const open = new Set(["pending", "loaded"]);
    return versions.length > 0 && versions.every(({ state }) => !open.has(state));
}

/** Looks until `isDone`; `notice` is shown what is found until it returns true. @throws SluiceError lab_gave_up */
async function waitFor(
    what: string,
    { sql }: LabSubject,
    deliveries: readonly Delivery[],
    isDone: (versions: FileVersion[]) => boolean,
    notice: (versions: FileVersion[]) => boolean = () => true,
): Promise<FileVersion[]> {
    const paths = deliveries.map(({ path }) => path);
    let isNoticed = false;
    return waitUntilThere(
        what,
        async () => {
            const versions = await readVersions(sql, paths);
            if (!isNoticed) isNoticed = notice(versions);
            return isDone(versions) ? versions : null;
        },
        patienceMs,
    );
}

/** @throws SluiceError lab_gave_up */
async function waitUntilThere<Found>(
    what: string,
    look: () => Found | null | Promise<Found | null>,
    withinMs = restartPatienceMs,
): Promise<Found> {
    const deadline = performance.now() + withinMs;
    while (performance.now() < deadline) {
        const found = await look();
        if (found !== null) return found;
        await Bun.sleep(lookEveryMs);
    }
    throw new SluiceError({
        code: "lab_gave_up",
        what: `waited ${withinMs / 1000} s until ${what}.`,
        remedy: "Look at the page's verdict and at the program's output.",
    });
}

function addUp(versions: readonly FileVersion[]): Outcome["counts"] {
    const counts = { read: 0, inserted: 0, duplicate: 0, conflict: 0, rejected: 0 };
    for (const version of versions) {
        for (const name of Object.keys(counts) as (keyof typeof counts)[]) counts[name] += version[name];
    }
    return counts;
}

function describeCounts({ read, inserted, duplicate, conflict, rejected }: Outcome["counts"]): string {
    return (
        `${formatNumber(read)} read = ${formatNumber(inserted)} inserted + ${formatNumber(duplicate)} duplicate + ` +
        `${formatNumber(conflict)} conflict + ${formatNumber(rejected)} rejected.`
    );
}

function describeProgress({ state, read, stagedRecords }: FileVersion): string {
    if (state === "merged") return "it had just merged the file";
    if (read > 0) return `${formatCount(read, "record")} merged, the rest staged`;
    if (stagedRecords > 0) return `${formatCount(stagedRecords, "record")} staged, none merged`;
    return "the file was seen, and nothing of it recorded yet";
}

function describeRestaging(before: FileVersion, after: FileVersion): string {
    return before.loadId === after.loadId
        ? "Its merge had been committed before the crash, and so it was in the log."
        : `The ledger knew which bytes were staged: load ${after.loadId} read them again, in the place of load ${before.loadId}.`;
}

function describeVersions(versions: readonly FileVersion[]): string {
    return versions
        .map(({ version, state, ...counts }) => `Version ${version} is ${state}: ${describeCounts(counts)}`)
        .join(" ");
}

function seconds(sinceMs: number): string {
    return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
}

function fileLink({ path }: Delivery): LabLink {
    return { kind: "file", path };
}

function batchLinks({ batchIds }: FileVersion): LabLink[] {
    return batchIds.slice(0, 4).map((batchId) => ({ kind: "batch", batchId }));
}
