/**
 * The frame of every scripts/*.ts: flags by commander (it refuses a mistyped one and names the near one), help with
 * examples, the answer as text or JSON, errors in four short lines, exit codes. Results go to stdout; progress, logs and
 * errors to stderr.
 */

import { writeSync } from "node:fs";
import { type Argument, Command, CommanderError, type Option } from "commander";
import { describeGiver, type Flags, type LogFormat, readFaultPlan, readLogFormat } from "../config/config.ts";
import { planFault } from "../database/faults/pass-fault-point.ts";
import { isDebugging, program } from "../environment.ts";
import { exitCodes, SluiceError } from "../errors.ts";
import { factsOfError, formatError } from "../terminal/format-error.ts";
import { formatJson } from "../terminal/json.ts";
import { explainError } from "./explain-error.ts";
import { describeCommand } from "./help.ts";
import { createLog, formatLogLine, type Log } from "./log.ts";

export interface CommandDefinition {
    /** As in `sluice NAME`. */
    name: string;
    /** One sentence. */
    summary: string;
    /** More than that, for help. */
    description?: string;
    /** `configOptions(…)` of src/config/config.ts and the command's own. `--help` and `--no-color` are there already. */
    options?: readonly Option[];
    arguments?: readonly Argument[];
    /** Whole command lines, each with what it does. */
    examples: readonly Example[];
    /** Resolves to the exit code, or to an answer that is then printed; nothing means exit code 0. */
    run(given: Given): Promise<number | Answer | undefined>;
}

/** The result of a command. `--json` prints `json`, else the lines are printed. */
export interface Answer {
    lines: readonly string[];
    json: unknown;
    /** The JSON's indentation; 0 puts it on one line. Default 2. */
    indent?: number;
    exitCode?: number;
}

/** `["sluice status --json", "the same for programs"]`, by the name that the program was started by. */
export type Example = readonly [commandLine: string, does: string];

export interface Given {
    /** By camel-cased name, as commander parsed them: texts, booleans, and absent when not given. */
    flags: Flags;
    args: string[];
}

/** The streams that executeCommand writes to; process.stdout and process.stderr have this shape. */
export interface Output {
    stdout: { write(text: string): unknown };
    stderr: { write(text: string): unknown };
}

/** The form of this process's last error. `json`: one object, for --json; `log`: a line of the log. */
let errorsAs: "text" | "json" | "log" = "text";

/** The log of a long-running command. From here on, its errors are lines of the log, too. */
export function openLog(format: LogFormat): Log {
    errorsAs = format === "json" ? "log" : errorsAs;
    return createLog({ format });
}

/** Runs before the flags are parsed, because they may be at fault. A log wins: all of its lines have one form. */
function chooseErrorForm({ options = [] }: CommandDefinition, argv: readonly string[]): typeof errorsAs {
    const takes = (flag: string) => options.some(({ long }) => long === flag);
    if (takes("--log-format") && readLogFormat(argv) === "json") return "log";
    return takes("--json") && argv.includes("--json") ? "json" : "text";
}

function tellError(error: unknown, command: string): string {
    if (errorsAs === "text") return formatError(error, { command, showStack: isDebugging() });
    const facts = factsOfError(error, command);
    if (errorsAs === "json") return `${formatJson(facts, 0)}\n`;
    const { what, ...rest } = facts;
    return `${formatLogLine(new Date(), "error", what, { event: "command_failed", ...rest })}\n`;
}

/** Runs the command on this process's arguments, or those given, and exits with its code. Does not return. */
export async function runCommand(definition: CommandDefinition, argv = process.argv.slice(2)): Promise<never> {
    process.stdout.on("error", (error: NodeJS.ErrnoException) => {
        // A reader that closes the pipe early (`| head`) has what it wanted.
        if (error.code === "EPIPE") process.exit(exitCodes.done);
        const explained = explainError(Object.assign(error, { path: "standard output" }), definition.name);
        writeSync(2, tellError(explained, definition.name));
        process.exit(exitCodes.failed);
    });
    for (const event of ["uncaughtException", "unhandledRejection"] as const) {
        process.on(event, (error: unknown) => {
            // process.stderr writes into a pipe after the exit, so never.
            writeSync(2, tellError(error, definition.name));
            process.exit(exitCodes.failed);
        });
    }
    const exitCode = await executeCommand(definition, argv, process);
    await Promise.all([finish(process.stdout), finish(process.stderr)]);
    process.exit(exitCode);
}

/** Runs the command and returns its exit code. Never throws. */
export async function executeCommand(
    definition: CommandDefinition,
    argv: readonly string[],
    output: Output,
): Promise<number> {
    const command = createCommand(definition, output);
    errorsAs = chooseErrorForm(definition, argv);
    try {
        planFault(readFaultPlan());
        command.parse(argv, { from: "user" });
        const flags = command.opts();
        const result = await definition.run({ flags, args: command.args });
        if (typeof result !== "object") return result ?? exitCodes.done;
        const { lines, json, indent, exitCode = exitCodes.done } = result;
        const text = flags.json === true ? formatJson(json, indent) : lines.join("\n");
        if (text !== "") output.stdout.write(`${text}\n`);
        return exitCode;
    } catch (error) {
        if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done;
        const shown = await traceOrigin(explainError(error, definition.name), command.opts());
        output.stderr.write(tellError(shown, definition.name));
        return shown instanceof SluiceError ? shown.exitCode : exitCodes.failed;
    }
}

/** Adds the origin of the setting that an error is about. */
async function traceOrigin(error: unknown, flags: Flags): Promise<unknown> {
    if (!(error instanceof SluiceError) || error.from !== undefined) return error;
    const isUsage = error.exitCode === exitCodes.usage;
    const from = error.setting === undefined ? null : await describeGiver(error.setting, flags);
    if (from === null && isUsage) return new SluiceError({ ...error, from: "the command line", cause: error.cause });
    return from === null ? error : new SluiceError({ ...error, from, cause: error.cause });
}

function createCommand(definition: CommandDefinition, output: Output): Command {
    const command = new Command(`${program} ${definition.name}`)
        .helpOption("--help", "show this help")
        .exitOverride()
        .configureOutput({ writeOut: (text) => output.stdout.write(text), writeErr: () => {} })
        // Commander runs its own help only when there is an action.
        .action(() => {});
    describeCommand(command, definition);
    for (const argument of definition.arguments ?? []) command.addArgument(argument);
    for (const option of definition.options ?? []) command.addOption(option);
    return command.option("--no-color", "no colours (also NO_COLOR)");
}

/** process.exit drops output that a pipe has not taken yet, and under Bun an empty write does not wait for it. */
function finish(stream: NodeJS.WriteStream): Promise<void> {
    return new Promise((resolve) => stream.end(() => resolve()));
}
