/**
 * Errors as people see them, in four lines: what, where that is from (or why), what to do, and the code that scripts match
 * on. Values in them are sanitized.
 */
import { exitCodes, SluiceError } from "../errors.ts";
import { sanitize } from "./sanitize.ts";

/** A few lines for stderr, with a line end. A SluiceError has no stack: its cause is named when it says more. */
export function formatError(error: unknown, { command, showStack }: { command: string; showStack: boolean }): string {
    const lines = error instanceof SluiceError ? describeFault(error, command) : describeBug(error, showStack);
    return `${lines.join("\n")}\n`;
}

/** The same for machines: what a script or a log goes by. */
export interface ErrorFacts {
    command: string;
    code: string;
    what: string;
    /** Where the thing at fault comes from. */
    from: string | null;
    /** The message of the system or the database. */
    cause: string | null;
    fix: string | null;
    exitCode: number;
}

/** Pure. */
export function factsOfError(error: unknown, command: string): ErrorFacts {
    if (error instanceof SluiceError) {
        const { code, what, from = null, remedy, exitCode, cause } = error;
        return { command, code, what, from, cause: reasonOf(cause, what), fix: remedy, exitCode };
    }
    const what = sanitize(error instanceof Error ? error.message : String(error), { most: 300 });
    return { command, code: "unexpected", what, from: null, cause: null, fix: null, exitCode: exitCodes.failed };
}

function describeFault(error: SluiceError, command: string): string[] {
    return [
        ...indentRest(`${command}: `, error.what),
        ...describeOrigin(error),
        ...indentRest("  fix:   ", error.remedy),
        `  code:  ${error.code} (exit ${error.exitCode})`,
    ];
}

/** One line for both, where both are known. */
function describeOrigin({ from, cause, what }: SluiceError): string[] {
    const reason = reasonOf(cause, what);
    if (from === undefined || from === "") return reason === null ? [] : [`  cause: ${reason}`];
    return indentRest("  from:  ", reason === null ? from : `${from} (${reason})`);
}

/** Postgres's messages may quote values: one line, cut short. */
function reasonOf(cause: unknown, what: string): string | null {
    const message = cause instanceof Error ? cause.message : "";
    if (message === "" || what.includes(message)) return null;
    return sanitize(message.split("\n")[0] ?? "", { most: 200 });
}

function describeBug(error: unknown, showStack: boolean): string[] {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    const stackLines = (stack ?? "")
        .split("\n")
        .filter((line) => /^\s+at /.test(line))
        .map((line) => sanitize(line));
    const isOurs = (line: string) => /[/\\](src|scripts)[/\\](?!terminal)/.test(line);
    return [
        ...indentRest("Unexpected error: ", `${name === "Error" ? "" : `${name}: `}${message}`),
        ...(showStack ? stackLines : stackLines.filter(isOurs).slice(0, 1)),
        ...(showStack ? [] : ["  This is a bug in Sluice. SLUICE_DEBUG=1 shows the whole stack."]),
        "  code:  unexpected (exit 1)",
    ];
}

/** Several sentences come as lines; those after the first are indented below it. */
function indentRest(head: string, text: string): string[] {
    const [first = "", ...rest] = text.split("\n").map((line) => sanitize(line));
    return [`${head}${first}`, ...rest.map((line) => `${" ".repeat(head.length)}${line}`)];
}
