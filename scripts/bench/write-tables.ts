/** Writes the tables of docs/performance_metrics.md between the marks in its text. */
import { formatTable } from "../../src/terminal/table.ts";
import type { Percentiles } from "./pace/run-pace.ts";
import type { Figures, PaceReport } from "./read-figures.ts";
import type { ScenarioReport, Spread } from "./report.ts";

/** Replaces the text between `<!-- figures: NAME -->` and `<!-- end -->`. Throws for a name it does not know. */
export function fillTables(page: string, figures: Figures): string {
    const { scenarios, paces } = figures;
    const measured = scenarios.filter(({ runners }) => runners.sluice);
    const tables: Record<string, string[]> = {
        machine: machineLines(figures),
        scenarios: table(measured, scenarioColumns),
        costs: table(measured, costColumns),
        freshness: table(paces, freshnessColumns),
        api: table(answersOf(paces), apiColumns),
        discovery: discoveryTable(figures),
    };
    return page.replace(
        /(<!-- figures: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g,
        (_, open: string, name: string, close: string) => {
            const lines = tables[name];
            if (lines === undefined) throw new Error(`There are no figures named ${name}.`);
            return `${open}\n${lines.join("\n")}\n\n${close}`;
        },
    );
}

/** By title, the text of a cell. */
type Columns<Row> = Record<string, (row: Row) => string>;

function cellsOf<Row>(rows: readonly Row[], columns: Columns<Row>): string[][] {
    return rows.map((row) => Object.values(columns).map((textOf) => textOf(row)));
}

function table<Row>(rows: readonly Row[], columns: Columns<Row>): string[] {
    if (rows.length === 0) return ["No figures yet: the command above makes them."];
    const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
    const titles = Object.keys(columns);
    const rule = titles.map((_, index) => (index === 0 ? "---" : "---:"));
    return [titles, rule, ...cellsOf(rows, columns)].map(line);
}

/** The tables of paced runs for a terminal. */
export function formatPaces(paces: readonly PaceReport[]): string[] {
    const terminal = <Row>(rows: readonly Row[], columns: Columns<Row>) => {
        const [header = [], ...cells] = [Object.keys(columns), ...cellsOf(rows, columns)].map((line) =>
            line.map((cell) => cell.replaceAll("`", "")),
        );
        return formatTable(cells, { header, rightAligned: [...header.keys()].slice(2) });
    };
    const answers = answersOf(paces);
    return [
        ...terminal(paces, freshnessColumns),
        ...(answers.length > 0 ? ["", ...terminal(answers, apiColumns)] : []),
    ];
}

function answersOf(paces: readonly PaceReport[]) {
    return paces.flatMap(({ plan, api }) => api.map((answer) => ({ plan, ...answer })));
}

const ratio = ({ median, min, max }: Spread) =>
    min === max ? median.toFixed(2) : `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
const fixed = (value: number | null | undefined, digits = 1) => (value == null ? "–" : value.toFixed(digits));
const whole = (value: number) => Math.round(value).toLocaleString("en-US");

function machineLines({ written }: Figures): string[] {
    const machine = written[0]?.machine;
    if (machine === undefined) return [];
    const settings = Object.entries(machine.settings).map(([name, value]) => `${name} ${value}`);
    return [
        `${machine.cores} cores (${machine.cpu}), ${machine.memoryGiB} GiB, ${machine.system}, PostgreSQL ${machine.postgres}, Bun ${machine.bun};`,
        `${settings.join(", ")}.`,
        "",
        ...table(written, {
            command: ({ command }) => `\`${command.replace(/ --(json|keep) \S+/g, "")}\``,
            when: ({ at }) => at.slice(0, 16).replace("T", " "),
        }),
    ];
}

const scenarioColumns: Columns<ScenarioReport> = {
    scenario: ({ scenario }) => `${scenario.name}: ${scenario.about}`,
    records: ({ input }) => whole(input.records),
    rounds: ({ rounds }) => String(rounds.length),
    "Sluice s": ({ runners }) => fixed(runners.sluice!.seconds.median),
    "records/s": ({ input, runners }) => whole(input.records / runners.sluice!.seconds.median),
    "to 1 COPY": ({ runners }) => (runners.sluice!.toCopy ? ratio(runners.sluice!.toCopy) : "–"),
    "COPY on all cores": ({ runners }) => (runners["copy-all"]?.toCopy ? ratio(runners["copy-all"].toCopy) : "–"),
    overhead: ({ overhead }) => (overhead ? `${whole(overhead.median * 100)} %` : "–"),
    "its process": ({ processShare }) => (processShare ? `${(processShare.median * 100).toFixed(1)} %` : "–"),
};

/** Per million records, whatever was measured. */
function perMillion({ input }: ScenarioReport, value: number | null | undefined, digits = 1): string {
    return fixed(value == null ? null : (value * 1e6) / input.records, digits);
}

const costColumns: Columns<ScenarioReport> = {
    scenario: ({ scenario }) => scenario.name,
    "CPU s: process": (report) => perMillion(report, report.runners.sluice!.processSeconds),
    "COPY to staging": (report) => perMillion(report, report.runners.sluice!.copySeconds),
    merge: (report) => perMillion(report, report.runners.sluice!.insertSeconds),
    server: (report) => perMillion(report, report.runners.sluice!.serverSeconds),
    "1 COPY": (report) => perMillion(report, report.runners["copy-1"]?.insertSeconds),
    "ready rows": (report) => perMillion(report, report.runners["insert-1"]?.insertSeconds),
    "WAL MiB": (report) => perMillion(report, report.runners.sluice!.walMiB, 0),
    "temp MiB": (report) => perMillion(report, report.runners.sluice!.tempMiB, 0),
    "RSS MiB": ({ runners }) => fixed(runners.sluice!.peakRssMiB, 0),
};

function percentileColumns<Row>(of: (row: Row) => Percentiles, digits: number): Columns<Row> {
    return {
        "p50 ms": (row) => of(row).p50.toFixed(digits),
        p95: (row) => of(row).p95.toFixed(digits),
        p99: (row) => of(row).p99.toFixed(digits),
        max: (row) => of(row).max.toFixed(digits),
    };
}

const freshnessColumns: Columns<PaceReport> = {
    "records/s": ({ plan }) => whole(plan.recordsPerSecond),
    "`--trigger`": ({ plan, existingRecords }) =>
        plan.trigger + (existingRecords > 0 ? `, into ${whole(existingRecords)}` : ""),
    seconds: ({ plan }) => String(plan.seconds),
    ...percentileColumns(({ freshnessMs }) => freshnessMs, 0),
    "backlog, s: early → late": ({ backlogSeconds: { early, late } }) => `${early.toFixed(2)} → ${late.toFixed(2)}`,
    "RSS MiB": ({ peakRssMiB }) => peakRssMiB.toFixed(0),
    "cores used": ({ cpu, processSeconds, wallSeconds }) =>
        cpu === null ? "–" : ((processSeconds + cpu.merge + cpu.copy + cpu.unseen) / wallSeconds).toFixed(2),
};

const apiColumns: Columns<PaceReport["api"][number] & Pick<PaceReport, "plan">> = {
    path: ({ path }) => `\`${path}\``,
    clients: ({ plan }) => String(plan.clients),
    "records/s meanwhile": ({ plan }) => whole(plan.recordsPerSecond),
    ...percentileColumns(({ ms }) => ms, 1),
    answers: ({ ms }) => whole(ms.count),
    faults: ({ faults }) => String(faults),
};

function discoveryTable({ discovery }: Figures): string[] {
    if (discovery === null) return [];
    const { files, ledgerFiles, newFileP50Ms, newFileMaxMs, idleProcessCores, idleBackendCores, ...rest } = discovery;
    const rows = {
        "known files in the folder, files in the ledger": `${whole(files)}, ${whole(ledgerFiles)}`,
        "a new file's rows are visible after, median and longest": `${whole(newFileP50Ms)} ms, ${whole(newFileMaxMs)} ms`,
        "readdir and lstat of all files": `${whole(rest.fullPassMs)} ms`,
        "start until the first new file is in": `${fixed(rest.firstFileSeconds)} s`,
        "cores used while nothing comes: process, backends": `${fixed(idleProcessCores, 2)}, ${fixed(idleBackendCores, 2)}`,
        "peak RSS": `${whole(rest.peakRssMiB)} MiB`,
    };
    return table(Object.entries(rows), { figure: ([what]) => what, value: ([, value]) => value });
}
