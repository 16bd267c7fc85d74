/** The five experiments. Each delivers files of its own, breaks something, and waits until the ledger is done with them. */
import { formatEquation } from "../../src/commands/ingest-output.ts";
import { SluiceError } from "../../src/errors.ts";
import type { LabLink, LabStep } from "../../src/server/api/lab/lab-routes.ts";
import { formatCount, formatNumber } from "../../src/terminal/format.ts";
import { cut, type Delivery, deliver, inventGarbage, inventLines, nameFile } from "./deliveries.ts";
import type { LabSubject } from "./lab.ts";
import { askUntilAnswered, type FileVersion, readReasons, readVersions } from "./read-ledger.ts";

/** The subject of an experiment, and where it reports its steps. */
export interface Stage extends LabSubject {
    say(tone: LabStep["tone"], text: string, links?: LabLink[]): void;
}

export interface Experiment {
    name: string;
    /** The text of its button. */
    title: string;
    /** A sentence. */
    does: string;
    /** Returns the files that it delivered. All of them have the same good records, once each in events at the end. */
    carryOut(stage: Stage): Promise<Delivery[]>;
}

/** Enough that a load and a merge take their time, and few enough for a laptop. */
const manyRecords = 30_000;
const lookEveryMs = 10;
const patienceMs = 90_000;
/** Two looks at the folder. */
const cutNoticedMs = 2500;
/** How long a crashed process may be away. */
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

async function killWorker(stage: Stage): Promise<Delivery[]> {
    const { say, ingest } = stage;
    const delivery = deliverMany(stage, "lab_killed");
    const before = await waitUntilUnderWay(stage, delivery);
    const pid = await waitUntilThere("there is a worker to kill", ingest.kill);
    const killedAt = performance.now();
    say("harm", `kill -9 of the ingest worker, process ${pid}: ${describeProgress(before)}.`);
    const next = await waitUntilThere("another worker is started", () => otherThan(pid, ingest.pid()));
    say(
        "recovery",
        `Another worker was started, process ${next}. It merges what is staged at once, and loads when the dead one's lease has run out.`,
    );
    const [after] = await waitFor("the file is merged", stage, [delivery], areDone);
    say(
        "recovery",
        `${seconds(killedAt)} after the kill the file is merged. What the dead worker had staged but not recorded in ` +
            "the ledger is ignored and swept; what it had committed is not repeated.",
        batchLinks(after!),
    );
    return [delivery];
}

async function crashDatabase(stage: Stage): Promise<Delivery[]> {
    const { say, sql, database } = stage;
    const delivery = deliverMany(stage, "lab_crashed");
    const before = await waitUntilUnderWay(stage, delivery);
    const pid = await waitUntilThere("there is a server to crash", database.crash);
    const crashedAt = performance.now();
    say("harm", `kill -9 of PostgreSQL, process ${pid}: ${describeProgress(before)}.`);
    // A backend that lives on for a moment would answer too: the next server's answer counts.
    const next = await waitUntilThere("another server is started", () => otherThan(pid, database.pid()));
    await askUntilAnswered(() => sql`select 1`);
    say(
        "recovery",
        `PostgreSQL answers again after ${seconds(crashedAt)}, process ${next}. The ingest worker ` +
            "started it; it replayed its log, and emptied the staging table, which is not in the log.",
    );
    const [after] = await waitFor("the file is merged", stage, [delivery], areDone);
    say(
        "recovery",
        before.loadId === after!.loadId
            ? "Its merge had been committed before the crash, and so it was in the log."
            : `The ledger knew which bytes were staged: load ${after!.loadId} read them again, to replace load ${before.loadId}.`,
    );
    say("recovery", `${seconds(crashedAt)} after the crash the file is merged.`, batchLinks(after!));
    return [delivery];
}

async function cutFile(stage: Stage): Promise<Delivery[]> {
    const { say, inputDir } = stage;
    const delivery = deliverMany(stage, "lab_cut");
    const { path, bytes, lines } = delivery;
    const link = fileLink(path);
    const [before] = await waitFor("the ingest sees the file", stage, [delivery], (versions) => versions.length > 0);
    const keptBytes = Math.floor(bytes / 2) - 7;
    cut(inputDir, path, keptBytes);
    say("harm", `Cut from ${formatNumber(bytes)} bytes to ${formatNumber(keptBytes)}: ${describeProgress(before!)}.`);
    // A change is noticed at the next look at the folder: only then is the cut file the one that is settled.
    await Bun.sleep(cutNoticedMs);
    const found = await waitFor("the cut file is done", stage, [delivery], areDone);
    say(
        "plain",
        `${describeVersions(found)} The incomplete record at its end was not guessed at: Sluice waited ten seconds for the rest.`,
        [link],
    );
    deliver(inputDir, path, lines);
    say("plain", "The writer comes back and delivers the whole file again, under the same name.", [link]);
    const all = await waitFor("the whole file is merged", stage, [delivery], (versions) => {
        return areDone(versions) && versions.at(-1)!.loadedRecords >= manyRecords;
    });
    const how =
        all.length === 1
            ? "The ingest had read what was left, found the same bytes again, and continued from the cut."
            : "Bytes that changed make a new version: records that were there are duplicates, the rest is inserted.";
    say("recovery", `${describeVersions(all)} ${how}`, batchLinks(all.at(-1)!));
    return [delivery];
}

async function deliverTwice(stage: Stage): Promise<Delivery[]> {
    const { say, inputDir } = stage;
    const { eventIds, lines } = inventLines(1000);
    const deliverAs = (name: string, ordered: string[]): Delivery => {
        const path = nameFile(name);
        return { path, eventIds, lines: ordered, bytes: deliver(inputDir, path, ordered) };
    };
    const first = deliverAs("lab_first", lines);
    say("plain", `${first.path} came, with 1,000 new records.`, [fileLink(first.path)]);
    const [original] = await waitFor("the first file is merged", stage, [first], areDone);
    say("plain", `${formatEquation(original!)}.`, batchLinks(original!));
    const copy = deliverAs("lab_copy", lines);
    const shuffled = deliverAs("lab_shuffled", lines.toReversed());
    say("harm", `The same bytes came as ${copy.path}, and the same records in another order as ${shuffled.path}.`, [
        fileLink(copy.path),
        fileLink(shuffled.path),
    ]);
    const deliveries = [first, copy, shuffled];
    const versions = await waitFor("all three are done", stage, deliveries, (found) => {
        return found.length === 3 && areDone(found);
    });
    const [second, third] = [copy, shuffled].map(({ path }) => versions.find((one) => one.path === path)!);
    say(
        "recovery",
        second!.state === "skipped"
            ? `${copy.path} has the same content as a merged file, so it was skipped; the ledger names the original.`
            : `${copy.path} was read: ${formatEquation(second!)}.`,
        [fileLink(copy.path)],
    );
    say(
        "recovery",
        `${shuffled.path} is another file with known records: ${formatEquation(third!)}.`,
        batchLinks(third!),
    );
    return deliveries;
}

async function sendGarbage(stage: Stage): Promise<Delivery[]> {
    const { say, inputDir, sql } = stage;
    const { eventIds, lines } = inventLines(20);
    const garbage = inventGarbage();
    const path = nameFile("lab_garbage");
    const mixed = garbage.flatMap((line, index) => (index < lines.length ? [line, lines[index]!] : [line]));
    const delivery: Delivery = { path, eventIds, lines, bytes: deliver(inputDir, path, mixed) };
    say("harm", `${path} was delivered: 20 good records between ${garbage.length} lines of garbage.`, [fileLink(path)]);
    let isHeldBack = false;
    const [version] = await waitFor("the file is done", stage, [delivery], (versions) => {
        const [found] = versions;
        if (!isHeldBack && found !== undefined && found.state === "pending" && found.read > 0) {
            say("plain", "A quote in it is still open: the text after it waits until the file stops changing.");
            isHeldBack = true;
        }
        return areDone(versions);
    });
    if (version!.state === "failed") say("plain", version!.problemDetail ?? "The file failed.", [fileLink(path)]);
    else say("recovery", `${formatEquation(version!)}.`, batchLinks(version!));
    const reasons = await readReasons(sql, path);
    if (reasons.length > 0) {
        const shown = reasons.slice(0, 8).map(({ reason }) => reason.replaceAll("_", " "));
        const more = reasons.length > shown.length ? `, and ${reasons.length - shown.length} more` : "";
        const recordNos = [...new Set(reasons.map(({ recordNo }) => recordNo))].slice(0, 3);
        say(
            "recovery",
            `Each bad record is kept with its values and every reason: ${shown.join(", ")}${more}.`,
            recordNos.map((recordNo) => ({ kind: "record", path, recordNo })),
        );
    }
    return [delivery];
}

function deliverMany({ inputDir, say }: Stage, name: string): Delivery {
    const { eventIds, lines } = inventLines(manyRecords);
    const path = nameFile(name);
    const bytes = deliver(inputDir, path, lines);
    say("plain", `${path} came, with ${formatNumber(manyRecords)} new records.`, [fileLink(path)]);
    return { path, bytes, eventIds, lines };
}

async function waitUntilUnderWay(stage: Stage, delivery: Delivery): Promise<FileVersion> {
    const [version] = await waitFor("the file is staged", stage, [delivery], ([found]) => {
        return found !== undefined && (found.stagedRecords > 0 || found.read > 0);
    });
    return version!;
}

function areDone(versions: readonly FileVersion[]): boolean {
    return versions.length > 0 && versions.every(({ state }) => state !== "pending" && state !== "loaded");
}

/** Looks at the versions of the files until `isDone`. @throws SluiceError lab_gave_up */
async function waitFor(
    what: string,
    { sql }: LabSubject,
    deliveries: readonly Delivery[],
    isDone: (versions: FileVersion[]) => boolean,
): Promise<FileVersion[]> {
    const paths = deliveries.map(({ path }) => path);
    const look = async () => {
        const versions = await readVersions(sql, paths);
        return isDone(versions) ? versions : null;
    };
    return await waitUntilThere(what, look, patienceMs);
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

function otherThan(pid: number, now: number | null): number | null {
    return now === pid ? null : now;
}

function describeProgress({ state, read, stagedRecords }: FileVersion): string {
    if (state === "merged") return "it had just merged the file";
    if (read > 0) return `${formatCount(read, "record")} merged, the rest staged`;
    if (stagedRecords > 0) return `${formatCount(stagedRecords, "record")} staged, none merged`;
    return "the file was seen, and nothing of it recorded yet";
}

function describeVersions(versions: readonly FileVersion[]): string {
    return versions
        .map(({ version, state, ...counts }) => `Version ${version} is ${state}: ${formatEquation(counts)}.`)
        .join(" ");
}

function seconds(sinceMs: number): string {
    return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
}

function fileLink(path: string): LabLink {
    return { kind: "file", path };
}

function batchLinks({ batchIds }: FileVersion): LabLink[] {
    return batchIds.slice(0, 4).map((batchId) => ({ kind: "batch", batchId }));
}
