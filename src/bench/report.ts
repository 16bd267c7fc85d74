/** Medians, spreads and ratios of rounds, as data and as a table. */
import type { Round } from "./run-scenario.ts";
import type { Scenario } from "./scenarios.ts";

export interface Spread {
    median: number;
    min: number;
    max: number;
}

export interface ScenarioReport {
    scenario: string;
    about: string;
    records: number;
    rounds: number;
    /** Wall seconds. */
    sluiceSeconds: Spread;
    oneConnectionSeconds: Spread;
    allConnectionsSeconds: Spread;
    /** Round by round: below 1 Sluice is the faster. */
    toOneConnection: Spread;
    toAllConnections: Spread;
    recordsPerSecond: number;
    /** CPU seconds, medians. Null for a server that is not on this machine. */
    cpu: { process: number; copyBackends: number | null; mergeBackends: number | null; oneConnection: number | null };
    walMiB: number;
    tempMiB: number;
    peakRssMiB: number;
    counts: Round["sluice"]["summary"]["records"];
}

export function reportOf(scenario: Scenario, rounds: Round[]): ScenarioReport {
    const pick = (of: (round: Round) => number) => spreadOf(rounds.map(of));
    const orNull = (of: (round: Round) => number | null) =>
        rounds.some((round) => of(round) === null) ? null : pick((round) => of(round)!).median;
    const sluiceSeconds = pick(({ sluice }) => sluice.seconds);
    const { records } = rounds.at(-1)!.sluice.summary;
    return {
        scenario: scenario.name,
        about: scenario.about,
        records: records.read,
        rounds: rounds.length,
        sluiceSeconds,
        oneConnectionSeconds: pick(({ oneConnection }) => oneConnection.seconds),
        allConnectionsSeconds: pick(({ allConnections }) => allConnections.seconds),
        toOneConnection: pick(({ sluice, oneConnection }) => sluice.seconds / oneConnection.seconds),
        toAllConnections: pick(({ sluice, allConnections }) => sluice.seconds / allConnections.seconds),
        recordsPerSecond: records.read / sluiceSeconds.median,
        cpu: {
            process: pick(({ sluice }) => sluice.processSeconds).median,
            copyBackends: orNull(({ sluice }) => sluice.backends?.copySeconds ?? null),
            mergeBackends: orNull(({ sluice }) => sluice.backends?.otherSeconds ?? null),
            oneConnection: orNull(({ oneConnection }) => oneConnection.backendSeconds),
        },
        walMiB: pick(({ sluice }) => sluice.walBytes).median / 2 ** 20,
        tempMiB: pick(({ sluice }) => sluice.tempBytes).median / 2 ** 20,
        peakRssMiB: pick(({ sluice }) => sluice.peakRssBytes).max / 2 ** 20,
        counts: records,
    };
}

export function spreadOf(values: number[]): Spread {
    const sorted = [...values].sort((left, right) => left - right);
    const middle = sorted.length / 2;
    const median = sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
    return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

export const reportHeader = [
    "scenario",
    "Sluice s",
    "1 COPY s",
    "ratio",
    "ratio to all cores",
    "records/s",
    "CPU s: merge + copy + process",
    "1 COPY CPU s",
    "WAL MiB",
    "temp MiB",
    "RSS MiB",
];

export function reportRow(report: ScenarioReport): string[] {
    const { cpu } = report;
    const seconds = (value: number | null) => (value === null ? "–" : value.toFixed(1));
    const ratio = ({ median, min, max }: Spread) => `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
    return [
        report.scenario,
        report.sluiceSeconds.median.toFixed(1),
        report.oneConnectionSeconds.median.toFixed(1),
        ratio(report.toOneConnection),
        ratio(report.toAllConnections),
        Math.round(report.recordsPerSecond).toLocaleString("en-US"),
        `${seconds(cpu.mergeBackends)} + ${seconds(cpu.copyBackends)} + ${seconds(cpu.process)}`,
        seconds(cpu.oneConnection),
        report.walMiB.toFixed(0),
        report.tempMiB.toFixed(0),
        report.peakRssMiB.toFixed(0),
    ];
}
