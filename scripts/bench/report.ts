/** Medians, spreads and ratios of rounds, as data and as a table. */
import { formatCount } from "../../src/terminal/format.ts";
import { formatTable } from "../../src/terminal/table.ts";
import type { ScenarioRun } from "./run-scenario.ts";
import { type Measured, type Round, type RunnerName, runnerNames } from "./runners.ts";
import type { Scenario } from "./scenarios.ts";
import { serverSeconds } from "./watch-server.ts";

export interface Spread {
    median: number;
    min: number;
    max: number;
}

/** One runner over the rounds. CPU in seconds; null for a server that is not on this machine. */
export interface RunnerReport {
    seconds: Spread;
    /** Round by round, to the one-connection COPY; null when that did not take part. */
    toCopy: Spread | null;
    /** The client's process. */
    processSeconds: number;
    copySeconds: number | null;
    /** Sluice's merges; of the others, their backends. */
    insertSeconds: number | null;
    /** Checkpointer, WAL writer, background writer, autovacuum, I/O workers. */
    serverSeconds: number | null;
    unseenSeconds: number | null;
    walMiB: number;
    tempMiB: number;
    /** The largest of all rounds. */
    peakRssMiB: number | null;
    batches: number | null;
}

export interface ScenarioReport {
    scenario: Scenario;
    input: ScenarioRun["input"];
    runners: Partial<Record<RunnerName, RunnerReport>>;
    /**
     * CPU of Sluice's process and backends beyond that of inserting the same ready rows in the same round, as a share of
     * the latter; and its process's share of all its CPU. Null when not measured.
     */
    overhead: Spread | null;
    processShare: Spread | null;
    /**
     * Of a snapshot, to truncate and insert in the same round: CPU of its merge to that of inserting ready rows; all its CPU to that of
     * COPY of the same file, and to that of Sluice's own ingest of it.
     */
    toReplacement: Spread | null;
    toCopiedReplacement: Spread | null;
    toOwnReplacement: Spread | null;
    rounds: Round[];
}

export function reportOf(scenario: Scenario, { input, rounds }: ScenarioRun): ScenarioReport {
    const names = runnerNames.filter((name) => rounds[0]?.[name] !== undefined);
    const has = (...wanted: RunnerName[]) => wanted.every((name) => names.includes(name));
    const hasCpu = rounds.every((round) => names.every((name) => round[name]!.cpu !== null));
    return {
        scenario,
        input,
        runners: Object.fromEntries(names.map((name) => [name, reportRunner(rounds, name)])),
        overhead:
            hasCpu && has("sluice", "insert-1")
                ? spreadOf(rounds.map((round) => ownSeconds(round.sluice!) / round["insert-1"]!.cpu!.yardstick - 1))
                : null,
        processShare:
            hasCpu && has("sluice")
                ? spreadOf(rounds.map(({ sluice }) => sluice!.processSeconds / ownSeconds(sluice!)))
                : null,
        toReplacement:
            hasCpu && has("sluice", "replace-1")
                ? spreadOf(rounds.map((round) => round.sluice!.cpu!.merge / round["replace-1"]!.cpu!.yardstick))
                : null,
        toCopiedReplacement:
            hasCpu && has("sluice", "replace-copy")
                ? spreadOf(rounds.map((round) => ownSeconds(round.sluice!) / copySeconds(round["replace-copy"]!)))
                : null,
        toOwnReplacement:
            hasCpu && has("sluice", "replace-sluice")
                ? spreadOf(rounds.map((round) => ownSeconds(round.sluice!) / ownSeconds(round["replace-sluice"]!)))
                : null,
        rounds,
    };
}

/** CPU of Sluice's process and of all backends that worked for it; what no look saw counts against it. */
function ownSeconds({ processSeconds, cpu }: Measured): number {
    return processSeconds + cpu!.copy + cpu!.merge + cpu!.otherBackends + cpu!.unseen;
}

/** CPU of a yardstick's client and backends. */
function copySeconds({ processSeconds, cpu }: Measured): number {
    return processSeconds + cpu!.yardstick;
}

function reportRunner(rounds: Round[], name: RunnerName): RunnerReport {
    const runs = rounds.map((round) => round[name]!);
    const median = (of: (run: Measured) => number) => spreadOf(runs.map(of)).median;
    const ofCpu = (of: (cpu: NonNullable<Measured["cpu"]>) => number) =>
        runs.some(({ cpu }) => cpu === null) ? null : median(({ cpu }) => of(cpu!));
    const copies = rounds.map((round) => round["copy-1"]);
    return {
        seconds: spreadOf(runs.map(({ seconds }) => seconds)),
        toCopy: copies.some((copy) => copy === undefined)
            ? null
            : spreadOf(runs.map(({ seconds }, index) => seconds / copies[index]!.seconds)),
        processSeconds: median(({ processSeconds }) => processSeconds),
        copySeconds: ofCpu(({ copy }) => copy),
        insertSeconds: ofCpu(({ merge, yardstick, otherBackends }) => merge + yardstick + otherBackends),
        serverSeconds: ofCpu(serverSeconds),
        unseenSeconds: ofCpu(({ unseen }) => unseen),
        walMiB: median(({ walBytes }) => walBytes) / 2 ** 20,
        tempMiB: median(({ tempBytes }) => tempBytes) / 2 ** 20,
        peakRssMiB: name.startsWith("sluice")
            ? Math.max(...runs.map(({ peakRssBytes }) => peakRssBytes ?? 0)) / 2 ** 20
            : null,
        batches: runs[0]!.batches === null ? null : median(({ batches }) => batches ?? 0),
    };
}

function spreadOf(values: number[]): Spread {
    const sorted = [...values].sort((left, right) => left - right);
    const middle = sorted.length / 2;
    const median = sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
    return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

const seconds = (value: number | null) => (value === null ? "–" : value.toFixed(2));
const whole = (value: number | null) => (value === null ? "" : value.toFixed(0));

/** By title, the text of a runner's cell. */
const columns: Record<string, (report: RunnerReport) => string> = {
    seconds: (report) => report.seconds.median.toFixed(2),
    "to 1 COPY": ({ toCopy }) => (toCopy === null ? "–" : ratio(toCopy)),
    "CPU s: process": ({ processSeconds }) => seconds(processSeconds),
    COPY: ({ copySeconds }) => seconds(copySeconds),
    "merge/insert": ({ insertSeconds }) => seconds(insertSeconds),
    server: (report) => seconds(report.serverSeconds),
    "WAL MiB": ({ walMiB }) => whole(walMiB),
    "temp MiB": ({ tempMiB }) => whole(tempMiB),
    "RSS MiB": ({ peakRssMiB }) => whole(peakRssMiB),
    batches: ({ batches }) => whole(batches),
};

const titles: Record<RunnerName, string> = {
    "copy-1": "COPY, 1 connection",
    "copy-all": "COPY, all cores",
    sluice: "Sluice",
    "sluice-deferred": "Sluice, --defer-indexes",
    "insert-1": "ready rows, 1 connection",
    "insert-all": "ready rows, all cores",
    "replace-1": "truncate, ready rows",
    "replace-copy": "truncate, COPY",
    "replace-sluice": "truncate, Sluice",
};

/** Lines for a terminal: a table of the runners, then what follows from it. */
export function formatReport(report: ScenarioReport): string[] {
    const {
        scenario,
        input,
        runners,
        overhead,
        processShare,
        toReplacement,
        toCopiedReplacement,
        toOwnReplacement,
        rounds,
    } = report;
    const into = scenario.existingRecords > 0 || scenario.changed !== null ? "" : ", into an empty table";
    const size = `${formatCount(input.records, "record")} in ${formatCount(scenario.files, "file")}${into}`;
    const header = ["", ...Object.keys(columns)];
    const rows = runnerNames
        .filter((name) => runners[name] !== undefined)
        .map((name) => [titles[name], ...Object.values(columns).map((textOf) => textOf(runners[name]!))]);
    const shares = [
        overhead && `overhead ${percent(overhead)} of the CPU of inserting the ready rows`,
        processShare && `its process ${percent(processShare)} of Sluice's CPU`,
        toReplacement && `its merge ${ratio(toReplacement)} of the CPU of truncate and insert of the ready rows`,
        toCopiedReplacement && `all its CPU ${ratio(toCopiedReplacement)} of truncate and COPY of the same file`,
        toOwnReplacement && `${ratio(toOwnReplacement)} of truncate and Sluice's own ingest of it`,
        runners.sluice &&
            `${Math.round(input.records / runners.sluice.seconds.median).toLocaleString("en-US")} records/s`,
    ].filter((text) => text !== null && text !== undefined);
    return [
        `${scenario.name}: ${scenario.about} (${size}); medians of ${formatCount(rounds.length, "round")}`,
        ...formatTable(rows, { header, indent: "  ", rightAligned: [...header.keys()].slice(1) }),
        ...(shares.length > 0 ? [`  Sluice: ${shares.join("; ")}.`] : []),
    ];
}

function ratio({ median, min, max }: Spread): string {
    return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
}

function percent({ median, min, max }: Spread): string {
    const of = (value: number) => (value * 100).toFixed(Math.abs(max) < 0.1 ? 1 : 0);
    return `${of(median)} % (${of(min)}–${of(max)})`;
}
