import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { Argument, Option } from "commander";
import { type CommandDefinition, runCommand } from "../src/commands/command.ts";
import { readProperties } from "../src/commands/import-config/read-properties.ts";
import { setVariable } from "../src/commands/import-config/write-env.ts";
import { logToStderr } from "../src/commands/log.ts";
import { describeTarget, parseDatabaseUrl } from "../src/database/database-target.ts";
import { commandHere, program } from "../src/environment.ts";
import { exitCodes, SluiceError } from "../src/errors.ts";
import { eventsStream } from "../src/shop/events-stream.ts";
import { sanitize } from "../src/terminal/sanitize.ts";

const envFile = ".env";

export const command: CommandDefinition = {
    name: "import-config",
    summary: "Reads an old file of host=, port=, database=, user=, password= and table=, and prints the line for .env.",
    description: "The line holds the password. With --write it goes into .env, which only you can read then.",
    arguments: [new Argument("<file>", "the properties file")],
    options: [
        new Option("--write", "put the line into .env in the working folder"),
        new Option("--replace", "with --write: in the place of another DATABASE_URL that is there"),
    ],
    examples: [
        [`${program} import-config postgres_connection_details.txt`, "print the line"],
        [`${program} import-config postgres_connection_details.txt --write`, "put it into .env"],
    ],
    async run({ flags, args }) {
        const [file = ""] = args;
        const url = readProperties(readText(file), sanitize(file), eventsStream.table);
        if (flags.write !== true) {
            process.stdout.write(`DATABASE_URL=${url}\n`);
            return;
        }
        const before = existsSync(envFile) ? readFileSync(envFile, "utf8") : "";
        const change = setVariable(before, "DATABASE_URL", url);
        const shown = `DATABASE_URL=${describeTarget(parseDatabaseUrl(url))}`;
        if (change.kind === "none") {
            process.stdout.write(`${envFile} has this line already: ${shown}\n`);
            return;
        }
        if (change.kind === "replaced" && flags.replace !== true) throw otherUrl(change.line);
        writeFileSync(envFile, change.text, { mode: 0o600 });
        chmodSync(envFile, 0o600);
        process.stdout.write(`${change.kind === "added" ? "Added to" : "Replaced in"} ${envFile}: ${shown}\n`);
        logToStderr(
            `Next: ${commandHere("doctor")} checks whether it can be used; ${commandHere("migrate")} sets it up.`,
        );
    },
};

if (import.meta.main) await runCommand(command);

function readText(file: string): string {
    try {
        return readFileSync(file, "utf8");
    } catch (cause) {
        throw new SluiceError({
            code: "properties_unreadable",
            what: `${file} cannot be read (${(cause as NodeJS.ErrnoException).code}).`,
            remedy: "Name the file with host=, port=, database=, user= and password=.",
            exitCode: exitCodes.usage,
            cause,
        });
    }
}

function otherUrl(line: number): SluiceError {
    return new SluiceError({
        code: "database_url_there",
        what: `${envFile} has another DATABASE_URL already; nothing was changed.`,
        from: `${envFile}, line ${line}`,
        remedy: "Give --replace to replace it, or remove the line yourself.",
        exitCode: exitCodes.configuration,
    });
}
