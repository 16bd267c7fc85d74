/** The few variables that are not settings. Apart from src/config/, only this file reads the environment. */

export type Environment = Record<string, string | undefined>;

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
