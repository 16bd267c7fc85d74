import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { logToStderr } from "../src/commands/with-database.ts";
import { connect } from "../src/database/connect.ts";
import { lockFileIn, makeHomeDir } from "../src/database/embedded/server-places.ts";
import { openDatabase } from "../src/database/open-database.ts";
import { withFreshDatabase } from "./bench/bench-databases.ts";
import { wholeNumber } from "./bench/flags.ts";
import { runSluice } from "./bench/run-sluice.ts";
import { resized, scenarios } from "./bench/scenarios.ts";
import { writeInput } from "./bench/write-input.ts";

const names = scenarios.filter(({ existingRecords }) => existingRecords === 0).map(({ name }) => name);

await runCommand({
    name: "bench:explain",
    summary:
        "The plans of the merge's statements, as they ran: explain (analyze, buffers, wal) of each, slow ones first.",
    description: "By auto_explain, which PostgreSQL's own packages bring, on an embedded server of its own.",
    options: [
        new Option("--scenario <name>", "whose records").choices(names).default("one-file"),
        new Option("--records <n>", "how many").default("200000"),
        new Option("--at-least <ms>", "leave out statements that took less").default("20"),
        new Option("--workers <n>", "merge workers").default("1"),
    ],
    examples: [
        ["bun run bench:explain", "one merge of 200,000 records"],
        ["bun run bench:explain --scenario duplicates-30 --at-least 5", "what duplicates cost"],
    ],
    async run({ flags }) {
        const records = wholeNumber("--records", flags.records, { least: 1000, most: 10_000_000 });
        const atLeastMs = wholeNumber("--at-least", flags.atLeast, { least: 0, most: 1_000_000 });
        const workers = wholeNumber("--workers", flags.workers, { least: 1, most: 16 });
        const scenario = resized(scenarios.find(({ name }) => name === flags.scenario)!, records);
        const workDir = mkdtempSync(join(tmpdir(), "sluice-bench-"));
        const dataDir = join(workDir, "data");
        mkdirSync(dataDir);
        const database = await openDatabase({ dataDir, log: logToStderr });
        const admin = connect(database.target, { applicationName: "bench-admin", max: 1 });
        try {
            const input = writeInput(workDir, scenario.name, scenario, 1);
            await withFreshDatabase(database.target, admin, async (target) => {
                for (const [setting, value] of Object.entries(settingsOf(atLeastMs)))
                    await admin.unsafe(`alter database ${target.database} set ${setting} = '${value}'`);
                await runSluice(target, admin, input.dir, workers);
            });
            process.stdout.write(`${plansIn(readFileSync(serverLog(dataDir), "utf8")).join("\n\n")}\n`);
        } finally {
            await admin.end();
            await database.close();
            rmSync(workDir, { recursive: true, force: true });
        }
    },
});

function settingsOf(atLeastMs: number): Record<string, string> {
    return {
        session_preload_libraries: "auto_explain",
        "auto_explain.log_min_duration": String(atLeastMs),
        "auto_explain.log_nested_statements": "on",
        "auto_explain.log_analyze": "on",
        "auto_explain.log_buffers": "on",
        "auto_explain.log_wal": "on",
        // Values of records are nobody's business.
        "auto_explain.log_parameter_max_length": "0",
    };
}

function serverLog(dataDir: string): string {
    return join(lockFileIn(makeHomeDir(dataDir)), "../server.log");
}

/** The server's log holds each plan behind a line of its own, its further lines indented by a tab. */
function plansIn(log: string): string[] {
    return log
        .split(/^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)/m)
        .flatMap((entry) => {
            const duration = /duration: ([\d.]+) ms {2}plan:\n/.exec(entry);
            if (!duration) return [];
            const plan = entry
                .slice(duration.index + duration[0].length)
                .replaceAll(/^\t/gm, "")
                .trimEnd();
            return [{ ms: Number(duration[1]), text: `-- ${duration[1]} ms\n${plan}` }];
        })
        .sort((left, right) => right.ms - left.ms)
        .map(({ text }) => text);
}
