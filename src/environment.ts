/** The few variables that are not settings. Apart from src/config/, only this file reads the environment. */
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { programForm } from "./program.ts";

export type Environment = Record<string, string | undefined>;

/**
 * The words that start a command here, for help and advice: `sluice status` from scripts/sluice.ts, the package or the
 * executable, `npx sluice status` where npx found the package in this folder, and `bun run status` from a script of its own.
 */
export const program = programName(process.env);

export function programName(environment: Environment, form = programForm): string {
    if (form === "checkout") return basename(Bun.main) === "sluice.ts" ? "sluice" : "bun run";
    // Not where npx took the package from somewhere else: by its name alone it would look for one in the registry.
    const isByNpx = environment.npm_lifecycle_event === "npx" && existsSync("node_modules/.bin/sluice");
    return isByNpx ? "npx sluice" : "sluice";
}

/** `--data-dir data/own`, as this process was given it. A URL may hold a password: that one was given is all that is shown. */
export function databaseFlags(argv: readonly string[]): string {
    const givenTo = (flag: string): string | undefined => {
        const joined = argv.find((arg) => arg.startsWith(`${flag}=`));
        const at = argv.indexOf(flag);
        return joined?.slice(flag.length + 1) ?? (at === -1 ? undefined : argv[at + 1]);
    };
    const quoted = (text: string) => (/^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
    return ["--data-dir", "--database-url"]
        .flatMap((flag) => {
            const value = givenTo(flag);
            if (value === undefined) return [];
            return [` ${flag} ${flag === "--database-url" ? "…" : quoted(value)}`];
        })
        .join("");
}

const givenFlags = databaseFlags(process.argv.slice(2));

/** The words that start a command on the database of this one, for advice: `sluice rejects --data-dir data/own`. */
export const commandHere = (name: string): string => `${program} ${name}${givenFlags}`;

/** Whether npm started this process (`npx -y bun run …`): npx dies of a signal without passing it on. */
export function isStartedByNpm(environment: Environment = process.env): boolean {
    return environment.npm_config_user_agent?.startsWith("npm/") ?? false;
}

/** SLUICE_DEBUG: an unexpected error shows its whole stack. */
export function isDebugging(environment: Environment = process.env): boolean {
    return Boolean(environment.SLUICE_DEBUG);
}

/** Whether stderr takes colour and lines that are drawn over: progress is shown there. */
export function isDrawable(environment: Environment = process.env): boolean {
    return process.stderr.isTTY === true && environment.TERM !== "dumb";
}

/** How wide help may be: as the terminal; without one as COLUMNS says, or 80 columns. */
export function outputWidth(environment: Environment = process.env): number {
    const columns = process.stdout.isTTY ? process.stdout.columns : Number(environment.COLUMNS);
    return Math.max(columns || 80, 40);
}

/** SLUICE_TEST_POSTGRES: the folder of a package with another version, for the tests of that. Null: the installed one. */
export function findTestPostgres(environment: Environment = process.env): string | null {
    return environment.SLUICE_TEST_POSTGRES || null;
}

/** Where the files of streams are looked for, in the working folder. The tests look elsewhere: yours are not theirs. */
export function streamsFolder(environment: Environment = process.env): string {
    return environment.SLUICE_STREAMS_DIR || "streams";
}

/** The variables that libpq, and with it src/database, uses for what DATABASE_URL does not say. */
export function libpqEnvironment(environment: Environment = process.env): Environment {
    return Object.fromEntries(Object.entries(environment).filter(([name]) => name.startsWith("PG")));
}

/** A service manager that wants to hear how this process is, as systemd's sd_notify(3) has it. */
export interface ServiceManager {
    /** Its socket: a path, or `@` and an abstract name. */
    socket: string;
    /** It ends a service that is silent for longer; null when it does not watch. */
    watchdogMs: number | null;
}

/**
 * NOTIFY_SOCKET and WATCHDOG_USEC; null when nobody listens. WATCHDOG_PID is not looked at: it names the process that systemd
 * started, which may be npx or a shell in front of this one.
 */
export function findServiceManager(environment: Environment = process.env): ServiceManager | null {
    const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: watchdogUsec } = environment;
    if (!socket) return null;
    const watchdogMs = Number(watchdogUsec ?? 0) / 1000;
    return { socket, watchdogMs: watchdogMs > 0 ? watchdogMs : null };
}

/** All of it, for what reads the variables of the AWS tools: src/bucket. */
export const readEnvironment = (environment: Environment = process.env): Environment => environment;
