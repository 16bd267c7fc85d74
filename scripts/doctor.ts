/** The packages are checked first: nothing that needs them is imported before. */

import { join } from "node:path";
import type { CommandDefinition } from "../src/commands/command.ts";
import { checkDependencies } from "../src/commands/doctor/check-dependencies.ts";
import { type Finding, fail, ok } from "../src/commands/doctor/finding.ts";
import type { Flags } from "../src/config/config.ts";
import { program } from "../src/environment.ts";

const dependencies = { name: "dependencies", ...checkDependencies(join(import.meta.dir, "..")) };
if (dependencies.state === "fail") {
    console.error(`doctor: ${dependencies.found}`);
    console.error(`  fix:   ${dependencies.remedy}\n  code:  dependencies_missing (exit 1)`);
    process.exit(1);
}

const { configOptions, loadConfig, takesColor } = await import("../src/config/config.ts");
const { eventsStream } = await import("../src/shop/events-stream.ts");
const { formatFindings } = await import("../src/commands/doctor/format-findings.ts");
const { runDoctor } = await import("../src/commands/doctor/run-doctor.ts");
const { exitCodes, SluiceError } = await import("../src/errors.ts");
const { runCommand } = await import("../src/commands/command.ts");
const { logToStderr } = await import("../src/commands/log.ts");

const fields = [
    "databaseUrl",
    "directDatabaseUrl",
    "readDatabaseUrl",
    "dataDir",
    "inputDir",
    "isInputDefault",
    "afterMerge",
    "host",
    "port",
    "apiToken",
    "notifyWebhook",
    "notifySecret",
    "json",
] as const;

export const command: CommandDefinition = {
    name: "doctor",
    summary:
        "Checks that Sluice can run here: machine, settings, folder and database. Prints a remedy for each problem.",
    description:
        "Packages, settings, folder, disk, port, access, database, pooler, rights, schema, clock, stuck files, lost workers, pace, notify. Changes nothing. Exits with 1 if something is broken; a note is merely worth knowing.",
    options: configOptions(...fields),
    examples: [
        [`${program} doctor`, "a line for each thing, with its remedy"],
        [`${program} doctor --json`, "the same for programs"],
        [`${program} doctor --database-url postgres://…`, "a database that you are going to use"],
    ],
    async run({ flags }) {
        const findings = [dependencies, ...(await lookWith(flags))];
        const isBroken = findings.some(({ state }) => state === "fail");
        return {
            lines: formatFindings(findings, { color: takesColor(flags) }),
            json: { ok: !isBroken, findings },
            exitCode: isBroken ? exitCodes.failed : exitCodes.done,
        };
    },
};

if (import.meta.main) await runCommand(command);

/** Settings that cannot be used are the only finding: without them nothing can be checked. */
async function lookWith(flags: Flags): Promise<Finding[]> {
    try {
        const config = await loadConfig(fields, flags, eventsStream);
        return [
            { name: "settings", ...ok(`OK; ${program} config shows them.`) },
            ...(await runDoctor(config, eventsStream, logToStderr)),
        ];
    } catch (error) {
        if (!(error instanceof SluiceError) || error.exitCode !== exitCodes.configuration) throw error;
        return [{ name: "settings", ...fail(error.what, error.remedy) }];
    }
}
