/** What went wrong → what a person can do about it; an error that nobody can act on stays as it is. Pure. */
import { CommanderError } from "commander";
import { describeFault } from "../database/describe-fault.ts";
import { type Meaning, meaningOf, sqlStateOf, sqlStates } from "../database/sql-states.ts";
import { exitCodes, SluiceError } from "../errors.ts";

/** `command` is what comes after `bun run`. */
export function explainError(error: unknown, command: string): unknown {
    if (error instanceof SluiceError) return error;
    if (error instanceof CommanderError) return explainUsage(error, command);
    // An error of the file system has a path, one of a Unix socket an address: ENOENT may be either.
    if (error instanceof Error && "path" in error) return explainFileFault(error);
    const meaning = meaningOf(error);
    return meaning === "away" ? lostConnection(error) : explainRefusal(error, meaning);
}

function explainUsage(error: CommanderError, command: string): SluiceError {
    const [, what = error.message, suggestion] =
        /^(?:error: )?(.*?)\.?(?:\n\((Did you mean .*\?)\))?$/s.exec(error.message) ?? [];
    // What an option's own parser says comes behind commander's words, and is the remedy.
    const [, said = what, advice] = /^(.* is invalid)\. (.+)$/s.exec(what) ?? [];
    return new SluiceError({
        code: error.code.replace(/^commander\./, "").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        what: `${said.charAt(0).toUpperCase()}${said.slice(1)}.`,
        from: "the command line",
        remedy:
            suggestion ??
            (advice && (/[?.]$/.test(advice) ? advice : `${advice}.`)) ??
            `bun run ${command} --help shows what it takes.`,
        exitCode: exitCodes.usage,
    });
}

function explainFileFault(error: Error & { path?: unknown; code?: unknown }): unknown {
    const path = String(error.path);
    switch (error.code) {
        case "ENOSPC":
        case "EDQUOT":
            return new SluiceError({
                code: "disk_full",
                what: `There is no room left on the disk that ${path} goes to.`,
                remedy: "Make room (df -h shows how much there is), and run the command again: it goes on where it was.",
                cause: error,
            });
        case "EACCES":
        case "EPERM":
        case "EROFS":
            return new SluiceError({
                code: "file_not_allowed",
                what: `This user may not read or write ${path} (${error.code}).`,
                remedy: "Give the user that runs Sluice the right to (ls -ld shows who has it), or name another place.",
                exitCode: exitCodes.configuration,
                cause: error,
            });
        default:
            return error;
    }
}

function lostConnection(error: unknown): SluiceError {
    return new SluiceError({
        code: "database_unreachable",
        what: "The connection to the database was lost or refused.",
        setting: "databaseUrl",
        remedy: "See that the server is up and can be reached (bun run doctor), then run the command again.",
        exitCode: exitCodes.databaseUnreachable,
        cause: error,
    });
}

/** What the server itself answers, where somebody else than us can do something about it. */
function explainRefusal(error: unknown, meaning: Meaning | null): unknown {
    const refuse = (code: string, what: string, remedy: string, exitCode: number = exitCodes.configuration) =>
        new SluiceError({ code, what, remedy, exitCode, setting: "databaseUrl", cause: error });
    switch (sqlStateOf(error)) {
        case sqlStates.diskFull:
            return refuse(
                "database_disk_full",
                "The disk of the database is full; nothing was changed by this statement.",
                "Make room on the server (df -h; old files of the archive, other databases), then run the command again.",
                exitCodes.failed,
            );
        case sqlStates.insufficientPrivilege:
            return refuse(
                "not_permitted",
                "The database's user may not do what this command does.",
                "Grant it what is missing, or use another user: bun run doctor lists what this one may do.",
            );
        case sqlStates.readOnlyTransaction:
            return refuse(
                "database_read_only",
                "The database takes no changes: it is a standby, or set to read only.",
                "Name the primary server in DATABASE_URL, or unset default_transaction_read_only.",
            );
    }
    const what = `The database did not carry this out (${describeFault(error)}).`;
    switch (meaning) {
        case "schema":
            return refuse(
                "schema_not_current",
                "The database's tables and functions are not those of this program.",
                "Bring them up to date with `bun run migrate`; bun run doctor says what is missing.",
            );
        case "crowded":
            return refuse(
                "too_many_connections",
                what,
                "End sessions that nobody needs (pg_stat_activity lists them), or raise the limit; then run the command again.",
                exitCodes.databaseUnreachable,
            );
        case "cut":
            return refuse(
                "statement_ended",
                what,
                "See to what ended it, then run the command again: it goes on where it was.",
                exitCodes.failed,
            );
        case "busy":
        case "halted":
            return refuse("database_busy", what, "See to it, or wait, then run the command again.", exitCodes.failed);
        default:
            return error;
    }
}
