/** Writes the tables of docs/performance_metrics.md between the marks in its text. */
import type { Percentiles } from "./pace/run-pace.ts";
import type { Figures } from "./read-figures.ts";
import type { ScenarioReport, Spread } from "./report.ts";

/** Replaces what stands between `<!-- figures: NAME -->` and `<!-- end -->`. Throws for a name it does not know. */
export function fillTables(page: string, figures: Figures): string {
    const tables: Record<string, string[]> = {
        machine: machineLines(figures),
        scenarios: scenarioTable(figures.scenarios),
        costs: costTable(figures.scenarios),
        freshness: freshnessTable(figures),
        api: apiTable(figures),
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

function table(header: string[], rows: string[][]): string[] {
    if (rows.length === 0) return ["No figures yet: the command above makes them."];
    const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
    return [line(header), line(header.map((_, index) => (index === 0 ? "---" : "---:"))), ...rows.map(line)];
}

const ratio = ({ median, min, max }: Spread) =>
    min === max ? median.toFixed(2) : `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
const fixed = (value: number | null | undefined, digits = 1) => (value == null ? "–" : value.toFixed(digits));
const whole = (value: number) => Math.round(value).toLocaleString("en-US");

function machineLines({ written }: Figures): string[] {
    const first = written[0];
    if (first === undefined) return [];
    const { machine } = first;
    const settings = Object.entries(machine.settings).map(([name, value]) => `${name} ${value}`);
    return [
        `${machine.cores} cores (${machine.cpu}), ${machine.memoryGiB} GiB, ${machine.system}, PostgreSQL ${machine.postgres}, Bun ${machine.bun};`,
        `${settings.join(", ")}.`,
        "",
        ...table(
            ["command", "when"],
            written.map(({ command, at }) => [
                `\`${command.replace(/ --(json|keep) \S+/g, "")}\``,
                at.slice(0, 16).replace("T", " "),
            ]),
        ),
    ];
}

function scenarioTable(scenarios: ScenarioReport[]): string[] {
    return table(
        [
            "scenario",
            "records",
            "rounds",
            "Sluice s",
            "records/s",
            "to 1 COPY",
            "COPY on all cores",
            "overhead",
            "its process",
        ],
        scenarios.map(({ scenario, input, rounds, runners, overhead, processShare }) => [
            `${scenario.name}: ${scenario.about}`,
            whole(input.records),
            String(rounds.length),
            fixed(runners.sluice?.seconds.median),
            runners.sluice ? whole(input.records / runners.sluice.seconds.median) : "–",
            runners.sluice?.toCopy ? ratio(runners.sluice.toCopy) : "–",
            runners["copy-all"]?.toCopy ? ratio(runners["copy-all"].toCopy) : "–",
            overhead ? `${whole(overhead.median * 100)} %` : "–",
            processShare ? `${(processShare.median * 100).toFixed(1)} %` : "–",
        ]),
    );
}

/** Per million records, whatever was measured. */
function costTable(scenarios: ScenarioReport[]): string[] {
    return table(
        [
            "scenario",
            "CPU s: process",
            "COPY to staging",
            "merge",
            "server",
            "1 COPY",
            "ready rows",
            "WAL MiB",
            "temp MiB",
            "RSS MiB",
        ],
        scenarios.flatMap(({ scenario, input, runners }) => {
            const { sluice } = runners;
            if (!sluice) return [];
            const million = (value: number | null | undefined) =>
                value == null ? null : (value * 1e6) / input.records;
            return [
                [
                    scenario.name,
                    fixed(million(sluice.processSeconds)),
                    fixed(million(sluice.copySeconds)),
                    fixed(million(sluice.insertSeconds)),
                    fixed(million(sluice.serverSeconds)),
                    fixed(million(runners["copy-1"]?.insertSeconds)),
                    fixed(million(runners["insert-1"]?.insertSeconds)),
                    fixed(million(sluice.walMiB), 0),
                    fixed(million(sluice.tempMiB), 0),
                    fixed(sluice.peakRssMiB, 0),
                ],
            ];
        }),
    );
}

const inMs = ({ p50, p95, p99, max }: Percentiles, digits: number) =>
    [p50, p95, p99, max].map((value) => value.toFixed(digits));

function freshnessTable({ paces }: Figures): string[] {
    return table(
        [
            "records/s",
            "`--trigger`",
            "seconds",
            "p50 ms",
            "p95",
            "p99",
            "max",
            "backlog, s: early → late",
            "RSS MiB",
            "cores used",
        ],
        paces.map((pace) => [
            whole(pace.plan.recordsPerSecond),
            pace.plan.trigger + (pace.existingRecords > 0 ? `, into ${whole(pace.existingRecords)}` : ""),
            String(pace.plan.seconds),
            ...inMs(pace.freshnessMs, 0),
            `${pace.backlogSeconds.early.toFixed(2)} → ${pace.backlogSeconds.late.toFixed(2)}`,
            pace.peakRssMiB.toFixed(0),
            pace.cpu === null
                ? "–"
                : ((pace.processSeconds + pace.cpu.merge + pace.cpu.copy + pace.cpu.unseen) / pace.wallSeconds).toFixed(
                      2,
                  ),
        ]),
    );
}

function apiTable({ paces }: Figures): string[] {
    return table(
        ["path", "clients", "records/s meanwhile", "p50 ms", "p95", "p99", "max", "answers", "faults"],
        paces.flatMap(({ plan, api }) =>
            api.map(({ path, ms, faults }) => [
                `\`${path}\``,
                String(plan.clients),
                whole(plan.recordsPerSecond),
                ...inMs(ms, 1),
                whole(ms.count),
                String(faults),
            ]),
        ),
    );
}

function discoveryTable({ discovery }: Figures): string[] {
    if (discovery === null) return [];
    return table(
        ["", ""],
        [
            [
                "known files in the folder, files in the ledger",
                `${whole(discovery.files)}, ${whole(discovery.ledgerFiles)}`,
            ],
            [
                "a new file's rows are visible after, median and longest",
                `${whole(discovery.newFileP50Ms)} ms, ${whole(discovery.newFileMaxMs)} ms`,
            ],
            ["readdir and lstat of all files", `${whole(discovery.fullPassMs)} ms`],
            ["start until the first new file is in", `${fixed(discovery.firstFileSeconds)} s`],
            [
                "cores used while nothing comes: process, backends",
                `${fixed(discovery.idleProcessCores, 2)}, ${fixed(discovery.idleBackendCores, 2)}`,
            ],
            ["peak RSS", `${whole(discovery.peakRssMiB)} MiB`],
        ],
    );
}
