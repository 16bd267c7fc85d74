import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { logToStderr } from "../src/commands/log.ts";
import { configOptions, loadConfig } from "../src/config/config.ts";
import { connect } from "../src/database/connect.ts";
import { openDatabase } from "../src/database/open-database.ts";
import { formatTable } from "../src/terminal/table.ts";
import { withFreshDatabase } from "./bench/bench-databases.ts";
import { describeMachine } from "./bench/describe-machine.ts";
import { wholeNumber } from "./bench/flags.ts";
import { measureDiscovery } from "./bench/measure-discovery.ts";

await runCommand({
    name: "bench:discovery",
    summary:
        "A folder full of known files and a long ledger: how soon a new file is in, what a poll and a rescan cost.",
    options: [
        ...configOptions("databaseUrl"),
        new Option("--files <n>", "known files in the folder").default("100000"),
        new Option("--ledger <n>", "files in the ledger, those in the folder among them").default("1000000"),
        new Option("--json <file>", "write every figure there"),
    ],
    examples: [["bun run bench:discovery", "100,000 files in the folder, 1,000,000 in the ledger: about two minutes"]],
    async run({ flags }) {
        const config = await loadConfig(["databaseUrl"], flags);
        const files = wholeNumber("--files", flags.files, { least: 1, most: 1_000_000 });
        const ledgerFiles = wholeNumber("--ledger", flags.ledger, { least: files, most: 100_000_000 });
        const workDir = mkdtempSync(join(tmpdir(), "sluice-bench-"));
        const dataDir = join(workDir, "data");
        mkdirSync(dataDir);
        const database = await openDatabase({ databaseUrl: config.databaseUrl, dataDir, log: logToStderr });
        const admin = connect(database.target, { applicationName: "bench-admin", max: 1 });
        try {
            const result = await withFreshDatabase(database.target, admin, (target) =>
                measureDiscovery({
                    target,
                    admin,
                    inputDir: join(workDir, "input"),
                    files,
                    ledgerFiles,
                    log: logToStderr,
                }),
            );
            const rows = Object.entries(result).map(([what, value]) => [what, value.toFixed(value < 10 ? 2 : 0)]);
            process.stdout.write(`${formatTable(rows, { rightAligned: [1] }).join("\n")}\n`);
            if (typeof flags.json === "string") {
                const machine = await describeMachine(admin);
                const command = ["bun run bench:discovery", ...process.argv.slice(2)].join(" ");
                const written = { command, at: new Date().toISOString(), machine, files, ledgerFiles, result };
                writeFileSync(flags.json, `${JSON.stringify(written, null, 2)}\n`);
            }
        } finally {
            await admin.end();
            await database.close();
            rmSync(workDir, { recursive: true, force: true });
        }
    },
});
