/** Turns an error into one that a person can act on; any other stays as it is. Pure. */

import { CommanderError } from "commander";
import { describeFault } from "../database/describe-fault.ts";
import { type Meaning, meaningOf, sqlStateOf, sqlStates } from "../database/sql-states.ts";
import { commandHere, program } from "../environment.ts";
import { exitCodes, SluiceError, type SluiceErrorFields } from "../errors.ts";
import { refuse } from "./refuse.ts";

/** `command` is the name, as in `sluice NAME`. */
export function explainError(error: unknown, command: string): unknown {
    if (error instanceof SluiceError) return error;
    if (error instanceof CommanderError) return explainUsage(error, command);
    // An error of the file system has a path, one of a Unix socket an address: ENOENT may be either.
    if (error instanceof Error && "path" in error) return explainFileFault(error);
    const refusal = refusals[sqlStateOf(error) ?? ""] ?? refusalsByMeaning[meaningOf(error) ?? ""];
    if (refusal === undefined) return error;
    const { what = `The database refused this statement (${describeFault(error)}).`, ...rest } = refusal;
    return new SluiceError({ exitCode: exitCodes.configuration, setting: "databaseUrl", what, ...rest, cause: error });
}

function explainUsage(error: CommanderError, command: string): SluiceError {
    const [, what = error.message, suggestion] =
        /^(?:error: )?(.*?)\.?(?:\n\((Did you mean .*\?)\))?$/s.exec(error.message) ?? [];
    // The message of an option's own parser follows commander's words, and is the remedy.
    const [, said = what, advice] = /^(.* is invalid)\. (.+)$/s.exec(what) ?? [];
    return refuse(
        error.code.replace(/^commander\./, "").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        `${said.charAt(0).toUpperCase()}${said.slice(1)}.`,
        suggestion ??
            (advice && (/[?.]$/.test(advice) ? advice : `${advice}.`)) ??
            `${program} ${command} --help lists its arguments and options.`,
    );
}

function explainFileFault(error: Error & { path?: unknown; code?: unknown }): unknown {
    const path = String(error.path);
    switch (error.code) {
        case "ENOSPC":
        case "EDQUOT":
            return new SluiceError({
                code: "disk_full",
                what: `There is no space left on the disk of ${path}.`,
                remedy: "Free some disk space (df -h shows how much is left), then run the command again: it continues where it stopped.",
                cause: error,
            });
        case "EACCES":
        case "EPERM":
        case "EROFS":
            return new SluiceError({
                code: "file_not_allowed",
                what: `This user may not read or write ${path} (${error.code}).`,
                remedy: "Grant the user that runs Sluice access (ls -ld shows who has it), or use another path.",
                exitCode: exitCodes.configuration,
                cause: error,
            });
        default:
            return error;
    }
}

/** A refusal by the server, or a lost connection, that somebody can do something about. Default exit code: configuration. */
type Refusal = Omit<SluiceErrorFields, "what"> & { what?: string };

const pooled: Refusal = {
    code: "pooled_database",
    what: "A connection pooler in transaction mode has spread a session over several server connections.",
    remedy: "Set SLUICE_DIRECT_DATABASE_URL to the server itself, beside DATABASE_URL.",
};

const refusals: Record<string, Refusal> = {
    [sqlStates.diskFull]: {
        code: "database_disk_full",
        what: "The disk of the database is full; nothing was changed by this statement.",
        remedy: "Free disk space on the server (df -h; old archived files, other databases), then run the command again.",
        exitCode: exitCodes.failed,
    },
    [sqlStates.insufficientPrivilege]: {
        code: "not_permitted",
        what: "The database user lacks a right that this command needs.",
        remedy: `Grant the missing right, or use another user: ${commandHere("doctor")} lists the rights of this one.`,
    },
    // A pooler that was taken for one of sessions: busy as it was, nothing told it apart.
    [sqlStates.duplicatePreparedStatement]: pooled,
    [sqlStates.invalidStatementName]: pooled,
    [sqlStates.readOnlyTransaction]: {
        code: "database_read_only",
        what: "The database is read-only: it is a standby, or set to read only.",
        remedy: "Name the primary server in DATABASE_URL, or unset default_transaction_read_only.",
    },
};

const busy: Refusal = {
    code: "database_busy",
    remedy: "Find out what keeps it busy, or wait, then run the command again.",
    exitCode: exitCodes.failed,
};

const refusalsByMeaning: Partial<Record<Meaning | "", Refusal>> = {
    away: {
        code: "database_unreachable",
        what: "The connection to the database was lost or refused.",
        remedy: `Check that the server is up and reachable (${commandHere("doctor")}), then run the command again.`,
        exitCode: exitCodes.databaseUnreachable,
    },
    schema: {
        code: "schema_not_current",
        what: "The database's tables and functions belong to another version of Sluice.",
        remedy: `Bring them up to date with \`${commandHere("migrate")}\`; ${commandHere("doctor")} says what is missing.`,
    },
    crowded: {
        code: "too_many_connections",
        remedy: "End sessions that are not needed (pg_stat_activity lists them), or raise the limit; then run the command again.",
        exitCode: exitCodes.databaseUnreachable,
    },
    cut: {
        code: "statement_ended",
        remedy: "Find out what ended it, then run the command again: it continues where it stopped.",
        exitCode: exitCodes.failed,
    },
    busy,
    halted: busy,
};
