/**
 * A connection URL, taken apart the way libpq does: the database, the account, and how the connection is protected.
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 */
import { existsSync, readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { exitCodes, SluiceError } from "../errors.ts";
import { findPassword, type LibpqEnvironment, standInsOf } from "./libpq-environment.ts";

const tlsModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
export type TlsMode = (typeof tlsModes)[number];

interface HostPlace {
    host: string;
    port: number;
}

export interface DatabaseTarget {
    /** Without parameters; with the password: never print it, see describeTarget. */
    url: string;
    /** A name, an address, or the directory of a Unix socket when it begins with a slash. */
    host: string;
    port: number;
    /** Where the URL names several hosts: those behind the first, or behind the one that was found. */
    otherHosts?: readonly HostPlace[];
    database: string;
    user: string;
    password: string;
    tls: {
        mode: TlsMode;
        /** PEM of the authorities to trust in place of the built-in ones; null for those. */
        ca: string | null;
    };
    /** Server settings from the URL's `options=`, as libpq passes them on. */
    serverOptions: string | null;
    connectTimeoutSeconds: number | null;
    /** Settings of sessions on this server, besides the pinned ones; known once openDatabase has asked it. */
    overrides?: Record<string, string>;
    /** What stands between us and the server; null or absent: nothing. Known once openDatabase has asked. */
    pooler?: Pooler | null;
    /** target_session_attrs: another kind of session is refused. */
    sessionAttributes: SessionAttributes;
    /** For the log, once. */
    warnings: readonly string[];
}

/** A connection pooler such as PgBouncer. */
export interface Pooler {
    /** `session`: a client keeps its server connection. `transaction`: it may get another one for each transaction. */
    mode: "session" | "transaction";
    /** False: it refuses the settings with which our sessions begin, apart from those in `trackedSettings`. */
    takesSettings: boolean;
}

/** https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-TARGET-SESSION-ATTRS */
export const sessionAttributes = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"] as const;
type SessionAttributes = (typeof sessionAttributes)[number];

export interface SessionKind {
    isStandby: boolean;
    isReadOnly: boolean;
}

export function isSessionWanted(wanted: SessionAttributes, { isStandby, isReadOnly }: SessionKind): boolean {
    return {
        any: true,
        "prefer-standby": true,
        primary: !isStandby,
        standby: isStandby,
        "read-write": !isReadOnly && !isStandby,
        "read-only": isReadOnly || isStandby,
    }[wanted];
}

/** libpq knows them, and they mean nothing here. They are ignored, because hosted databases hand out URLs with them. */
const ignoredParameters = new Set([
    "application_name",
    "fallback_application_name",
    "gssencmode",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "client_encoding",
    "sslsni",
]);

/**
 * Takes postgres:// and postgresql:// URLs. `sslmode` means what it means to libpq (`prefer` when it is missing), and
 * `require` with an `sslrootcert` is `verify-ca`, as there.
 * Unlike libpq, `verify-*` without a root certificate trusts the runtime's own list of authorities. `environment` fills in
 * what the URL does not say, as in libpq: PG… variables and, for the password, the password file.
 * @throws SluiceError (configuration) that names what is wrong and never holds the password.
 */
export function parseDatabaseUrl(text: string, environment: LibpqEnvironment | null = null): DatabaseTarget {
    const { url, places } = toUrl(text);
    const said = readParameters(url);
    const standIns = standInsOf(environment ?? {});
    const parameters = new Map([...standIns, ...said]);
    /** The parameter, else this place of the URL, else what stands in for it. */
    const find = (name: string, inUrl: string) => said.get(name) ?? (inUrl || (standIns.get(name) ?? ""));
    const hosts = find("host", places.map(({ host }) => host).join(",")) || "localhost";
    const ports = find("port", places.map(({ port }) => port).join(",")) || "5432";
    const [{ host, port }, ...otherHosts] = pairHosts(hosts.split(","), ports.split(","));
    const user = find("user", decodePart(url.username, "user")) || userInfo().username;
    const database = find("dbname", decodePart(url.pathname.slice(1), "database")) || user;
    const warnings: string[] = [];
    const place = { host, port, database, user };
    const findInFile = () => (environment ? findPassword(place, parameters.get("passfile"), warnings) : "");
    const password = find("password", decodePart(url.password, "password")) || findInFile();
    const tls = readTls(parameters, warnings);
    if (parameters.get("channel_binding") === "require") {
        warnings.push("channel_binding=require is ignored: the driver has no channel binding.");
    }
    return makeTarget({
        host,
        port,
        otherHosts,
        database,
        user,
        password,
        tls,
        serverOptions: parameters.get("options") ?? null,
        connectTimeoutSeconds: readTimeout(parameters.get("connect_timeout")),
        sessionAttributes: readSessionAttributes(parameters.get("target_session_attrs") ?? "any"),
        warnings,
    });
}

/** As libpq pairs them: one port for all hosts, or one for each; an empty one is 5432. */
function pairHosts(hosts: string[], ports: string[]): [HostPlace, ...HostPlace[]] {
    if (ports.length !== 1 && ports.length !== hosts.length) {
        throw badUrl(
            `it names ${hosts.length} hosts and ${ports.length} ports`,
            "Give one port for all hosts, or one for each.",
        );
    }
    if (hosts.length > 1 && hosts.some((host) => host.startsWith("/"))) {
        throw badUrl("it names a Unix socket among several hosts", "Name hosts that are reached over TCP.");
    }
    const pairs = hosts.map((host, index) => ({
        host: host || "localhost",
        port: readPort((ports.length === 1 ? ports[0] : ports[index]) || "5432"),
    }));
    return pairs as [HostPlace, ...HostPlace[]];
}

type Place = Pick<DatabaseTarget, "host" | "port" | "otherHosts" | "database" | "user" | "password">;

/** Fills in `url` from the parts. Without the others the target is a server of our own on this machine. */
export function makeTarget(parts: Place & Partial<DatabaseTarget>): DatabaseTarget {
    return {
        // On loopback, between a process and its own server, there is nobody to hide from.
        tls: { mode: "disable", ca: null },
        serverOptions: null,
        connectTimeoutSeconds: null,
        sessionAttributes: "any",
        warnings: [],
        ...parts,
        url: formatUrl(parts, parts.password),
    };
}

/** The same server and account, another database. */
export function withDatabase(target: DatabaseTarget, database: string): DatabaseTarget {
    return makeTarget({ ...target, database });
}

/** For logs and messages: the password is masked. */
export function describeTarget(target: DatabaseTarget): string {
    return formatUrl(target, target.password === "" ? "" : "***");
}

/** For people to paste into psql, which then asks for the password. */
export function withoutPassword(target: DatabaseTarget): string {
    return formatUrl(target, "");
}

function formatUrl(parts: Place, password: string): string {
    const secret = password === "" ? "" : `:${password === "***" ? password : encodeURIComponent(password)}`;
    const account = `${encodeURIComponent(parts.user)}${secret}`;
    const database = encodeURIComponent(parts.database);
    if (parts.host.startsWith("/")) {
        return `postgresql://${account}@/${database}?host=${encodeURIComponent(parts.host)}&port=${parts.port}`;
    }
    const places = [parts, ...(parts.otherHosts ?? [])].map(({ host, port }) =>
        host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`,
    );
    return `postgresql://${account}@${places.join(",")}/${database}`;
}

/** A fault that a person can act on, in the URL or at the server that it names. */
export function databaseFault(
    code: string,
    what: string,
    remedy: string,
    { exitCode = exitCodes.configuration, cause }: { exitCode?: number; cause?: unknown } = {},
): SluiceError {
    return new SluiceError({ code, what, remedy, exitCode, cause, setting: "databaseUrl" });
}

const encodeRemedy =
    "Encode special characters of user and password: @ is %40, / is %2F, ? is %3F, # is %23, % is %25, : is %3A.";

/**
 * A password with / ? or # in it that is not encoded ends the host's place early, and parts of it would be taken for host,
 * database or parameters, and be printed. No @ comes behind that place but in the value of a parameter.
 */
function refuseUnencoded(text: string): void {
    const behind = /^[^:]*:\/\/[^/?#]*(.*)$/s.exec(text)?.[1] ?? "";
    const [path = "", ...query] = behind.split("?");
    const isParameter = (pair: string) => !pair.includes("@") || /^[a-z_]+=/.test(pair);
    if (!behind.includes("#") && !path.includes("@") && query.join("?").split("&").every(isParameter)) return;
    throw badUrl("it has a character that must be encoded, most likely in its password", encodeRemedy);
}

/** Several hosts are libpq's, not a URL's: they are taken out, and the parsed URL has the first one. */
function toUrl(text: string): { url: URL; places: { host: string; port: string }[] } {
    const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
    if (scheme !== "postgres" && scheme !== "postgresql") {
        throw badUrl(
            scheme === undefined ? "it has no scheme" : `its scheme is ${scheme}`,
            "Begin it with postgres:// or postgresql://.",
        );
    }
    refuseUnencoded(text.trim());
    // libpq takes user@/database?host=/var/run/postgresql; URL wants a host between an @ and the rest.
    const withHost = text.trim().replace(/^([^/]+:\/\/[^/?#]*@)(?=[:/?]|$)/, "$1localhost");
    const [, before = "", authority = "", behind = ""] =
        /^([^/]+:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/s.exec(withHost) ?? [];
    try {
        const parsed = authority.split(",").map((place) => new URL(`${before}${place}${behind}`));
        const places = parsed.map(({ hostname, port }) => ({
            host: decodePart(hostname.replace(/^\[|\]$/g, ""), "host"),
            port,
        }));
        return { url: parsed[0]!, places };
    } catch (error) {
        if (error instanceof SluiceError) throw error;
        // The parser's own message quotes the input, password included.
        throw badUrl(
            "its host or port cannot be read",
            `Write postgres://user:password@host:5432/database. ${encodeRemedy}`,
        );
    }
}

function readParameters(url: URL): Map<string, string> {
    const parameters = new Map<string, string>();
    const known = ["host", "port", "user", "password", "dbname", "sslmode", "sslrootcert", "options"];
    known.push("connect_timeout", "channel_binding", "passfile", "target_session_attrs");
    for (const [name, value] of url.searchParams) {
        if (ignoredParameters.has(name)) continue;
        if (!known.includes(name)) {
            throw badUrl(`its parameter ${name} is not known`, `Known are ${known.join(", ")}.`);
        }
        parameters.set(name, value);
    }
    return parameters;
}

function readTls(parameters: Map<string, string>, warnings: string[]): DatabaseTarget["tls"] {
    const mode = (parameters.get("sslmode") ?? "prefer") as TlsMode;
    if (!tlsModes.includes(mode)) throw badUrl(`its sslmode is ${mode}`, `Use one of ${tlsModes.join(", ")}.`);
    const caFile = parameters.get("sslrootcert");
    if (mode === "require" && caFile === undefined) {
        warnings.push(
            "sslmode=require encrypts without checking whose server it is: use sslmode=verify-full to be sure.",
        );
        return { mode, ca: null };
    }
    if (mode === "require" || mode === "verify-ca" || mode === "verify-full") {
        return { mode: mode === "require" ? "verify-ca" : mode, ca: readAuthorities(caFile) };
    }
    return { mode, ca: null };
}

function readAuthorities(caFile: string | undefined): string | null {
    if (caFile === "system") return null;
    const defaultFile = join(homedir(), ".postgresql", "root.crt");
    if (caFile === undefined && !existsSync(defaultFile)) return null;
    const file = caFile ?? defaultFile;
    try {
        return readFileSync(file, "utf8");
    } catch (cause) {
        throw badUrl(`its sslrootcert ${file} cannot be read`, "Give a readable PEM file.", cause);
    }
}

function readPort(text: string): number {
    const port = Number(text);
    if (Number.isInteger(port) && port >= 1 && port <= 65535) return port;
    throw badUrl(`its port is ${text}`, "Use a number from 1 to 65535.");
}

function readSessionAttributes(text: string): SessionAttributes {
    const known = sessionAttributes.find((name) => name === text);
    if (known) return known;
    throw badUrl(`its target_session_attrs is ${text}`, `Use one of ${sessionAttributes.join(", ")}.`);
}

function readTimeout(text: string | undefined): number | null {
    if (text === undefined) return null;
    const seconds = Number(text);
    if (Number.isInteger(seconds) && seconds >= 0) return seconds === 0 ? null : seconds;
    throw badUrl(`its connect_timeout is ${text}`, "Use whole seconds.");
}

function decodePart(text: string, part: string): string {
    try {
        return decodeURIComponent(text);
    } catch {
        throw badUrl(`its ${part} has a % that begins no %XX`, "Write a literal % as %25.");
    }
}

function badUrl(what: string, remedy: string, cause?: unknown): SluiceError {
    return new SluiceError({
        code: "bad_database_url",
        what: `The database URL is invalid: ${what}.`,
        remedy,
        exitCode: exitCodes.configuration,
        cause,
    });
}
