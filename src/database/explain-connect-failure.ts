/** Why a server could not be reached, for the person who wrote its URL. */
import { exitCodes, SluiceError } from "../errors.ts";
import { type DatabaseTarget, databaseFault, describeTarget } from "./database-target.ts";
import { isConnectionFault, sqlStateOf, sqlStates } from "./sql-states.ts";

/** Explains a failed connection to the person who wrote the URL. Errors of our own are returned as they are. */
export function explainConnectFailure(target: DatabaseTarget, error: unknown): unknown {
    if (error instanceof SluiceError) return error;
    const where = describeTarget(target);
    const configuration = { cause: error };
    const unreachable = { cause: error, exitCode: exitCodes.databaseUnreachable };
    switch (sqlStateOf(error)) {
        case sqlStates.invalidCatalogName:
            return databaseFault(
                "database_missing",
                `There is no database ${target.database} on the server of ${where}.`,
                "Create it (createdb), or correct the URL.",
                configuration,
            );
        case sqlStates.objectNotInPrerequisiteState:
            return databaseFault(
                "database_unreachable",
                `The database ${target.database} accepts no connections: its allow_connections is off (${where}).`,
                `When its maintenance is over: alter database "${target.database.replaceAll('"', '""')}" allow_connections true;`,
                unreachable,
            );
        case sqlStates.invalidPassword:
            return databaseFault(
                "login_refused",
                `The server refuses the password of ${target.user} (${where}).`,
                "Correct the user or password in the URL (special characters as %XX), in PGPASSWORD or in the password file.",
                configuration,
            );
        case sqlStates.invalidAuthorization:
            return databaseFault(
                "login_refused",
                `The server refuses this connection: ${where}, sslmode ${target.tls.mode}.`,
                "Check the user, the sslmode and the server's pg_hba.conf.",
                configuration,
            );
        case sqlStates.tooManyConnections:
            return databaseFault(
                "too_many_connections",
                `No connection is available for ${where}: ${(error as Error).message}.`,
                "End sessions that are not needed (pg_stat_activity lists them), or raise the limit of the role, the database or the server.",
                unreachable,
            );
    }
    if (isCertificateFault(error)) {
        return databaseFault(
            "certificate_refused",
            `The server's certificate does not satisfy sslmode=${target.tls.mode} (${where}): ${(error as Error).message}.`,
            "Set sslrootcert=FILE to the certificate's authority; for verify-full, also use the host name in the certificate.",
            configuration,
        );
    }
    if (!isConnectionFault(error)) return error;
    return databaseFault(
        "database_unreachable",
        `The database does not answer: ${where} (${reasonOf(error)}).`,
        "Check that the server runs and that host and port are right.",
        unreachable,
    );
}

/** OpenSSL's verification errors, as Node and Bun name them. */
function isCertificateFault(error: unknown): boolean {
    const code = (error as { code?: unknown } | null)?.code;
    return typeof code === "string" && /CERT|SELF_SIGNED|ERR_TLS|ISSUER|LEAF_SIGNATURE|HOSTNAME/.test(code);
}

function reasonOf(error: unknown): string {
    if (sqlStateOf(error) === sqlStates.cannotConnectNow) return "it is starting, recovering or shutting down";
    const { code, errors } = error as { code?: string; errors?: { code?: string }[] };
    return sqlStateOf(error) ?? code ?? errors?.[0]?.code ?? "no reason given";
}
