/**
 * The defaults that libpq takes from the environment, password file included.
 * https://www.postgresql.org/docs/current/libpq-envars.html, https://www.postgresql.org/docs/current/libpq-pgpass.html
 */
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { exitCodes, SluiceError } from "../errors.ts";

export type LibpqEnvironment = Readonly<Record<string, string | undefined>>;

/** The URL parameter that each variable stands in for. */
const standIns: Record<string, string> = {
    PGHOST: "host",
    PGPORT: "port",
    PGDATABASE: "dbname",
    PGUSER: "user",
    PGPASSWORD: "password",
    PGPASSFILE: "passfile",
    PGSSLMODE: "sslmode",
    PGSSLROOTCERT: "sslrootcert",
    PGOPTIONS: "options",
    PGCONNECT_TIMEOUT: "connect_timeout",
    PGCHANNELBINDING: "channel_binding",
    PGTARGETSESSIONATTRS: "target_session_attrs",
};

/** They would change where or how we connect, and neither driver knows them. With each: the values that change nothing. */
const refused: Record<string, readonly string[]> = {
    PGSERVICE: [],
    PGHOSTADDR: [],
    PGREQUIREAUTH: [],
    PGSSLCERT: [],
    PGSSLKEY: [],
    PGSSLCRL: [],
    PGSSLCRLDIR: [],
    PGSSLNEGOTIATION: ["postgres"],
    PGGSSENCMODE: ["disable", "prefer"],
    PGLOADBALANCEHOSTS: ["disable"],
};

/**
 * By the names of URL parameters.
 * @throws SluiceError that names a variable which cannot be followed.
 */
export function standInsOf(environment: LibpqEnvironment): Map<string, string> {
    for (const [name, harmless] of Object.entries(refused)) {
        const value = environment[name];
        if (value === undefined || value === "" || harmless.includes(value)) continue;
        throw new SluiceError({
            code: "bad_database_url",
            what: `${name} is set, but Sluice does not support it.`,
            remedy:
                name === "PGSERVICE"
                    ? "Write what the service file says of it into DATABASE_URL, and unset PGSERVICE."
                    : `Write host, port and sslmode into DATABASE_URL, and unset ${name}.`,
            exitCode: exitCodes.configuration,
        });
    }
    const found = new Map<string, string>();
    for (const [name, parameter] of Object.entries(standIns)) {
        const value = environment[name];
        if (value !== undefined && value !== "") found.set(parameter, value);
    }
    return found;
}

export interface PasswordPlace {
    host: string;
    port: number;
    database: string;
    user: string;
}

/** Where psql looks for a socket when nothing is said: there the password file says `localhost`. */
const defaultSocketDirs = ["/tmp", "/var/run/postgresql", "/run/postgresql"];

/** The password of the first line that fits, or "". A file that others may read is not read, and `warnings` says so. */
export function findPassword(place: PasswordPlace, passfile: string | undefined, warnings: string[]): string {
    const file = passfile ?? join(homedir(), ".pgpass");
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats === undefined) return "";
    if (!stats.isFile()) {
        warnings.push(`The password file ${file} is ignored: it is not a regular file.`);
        return "";
    }
    if ((stats.mode & 0o077) !== 0 && process.platform !== "win32") {
        warnings.push(`The password file ${file} is ignored: other users can read it. Run chmod 600.`);
        return "";
    }
    const host = defaultSocketDirs.includes(place.host) ? "localhost" : place.host;
    const wanted = [host, String(place.port), place.database, place.user];
    for (const line of readText(file, warnings).split("\n")) {
        if (line.startsWith("#")) continue;
        const fields = splitLine(line.replace(/\r$/, ""));
        if (fields.length < 5) continue;
        if (wanted.every((value, index) => fields[index] === "*" || withoutBackslashes(fields[index]!) === value)) {
            return withoutBackslashes(fields[4]!);
        }
    }
    return "";
}

function readText(file: string, warnings: string[]): string {
    try {
        return readFileSync(file, "utf8");
    } catch (error) {
        warnings.push(`The password file ${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
        return "";
    }
}

/** At colons that no backslash precedes, into five at most: what follows a fifth one is no part of the password. */
function splitLine(line: string): string[] {
    return line.match(/(?:^|(?<=:))(?:\\.|[^:\\]|\\$)*(?=:|$)/gs) ?? [];
}

function withoutBackslashes(field: string): string {
    return field.replace(/\\(.)/gs, "$1");
}
