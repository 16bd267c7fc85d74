/**
 * `bun run test:pooler` puts a PgBouncer in transaction mode in front of the tests' server, and names it in SLUICE_TEST_POOLER
 * (host:port of the pooler, then of the server). Commands then get its address as DATABASE_URL, and the server's own as
 * SLUICE_DIRECT_DATABASE_URL; the API under test reads through it. Without the variable everything goes to the server.
 */
import { type DatabaseTarget, makeTarget, parseDatabaseUrl } from "../../src/database/database-target.ts";

interface Place {
    host: string;
    port: number;
}

function readPlaces(): { pooler: Place; server: Place } | null {
    const text = process.env.SLUICE_TEST_POOLER;
    if (!text) return null;
    const [pooler, server] = text.split(" ").map((place) => {
        const [host, port] = place.split(":");
        return { host: host!, port: Number(port) };
    });
    return { pooler: pooler!, server: server! };
}

const places = readPlaces();

const isAt = ({ host, port }: DatabaseTarget, place: Place) => host === place.host && port === place.port;

/** The same database through the pooler, as openDatabase would have found it; of another server, or without one, unchanged. */
export function throughPooler(target: DatabaseTarget): DatabaseTarget {
    if (places === null || !isAt(target, places.server)) return target;
    return makeTarget({ ...target, ...places.pooler, pooler: { mode: "transaction", takesSettings: false } });
}

/** The variables of a command on this database. */
export function databaseVariables(url: string | undefined): Record<string, string> {
    if (places === null || !url) return {};
    const target = parseDatabaseUrl(url);
    if (!isAt(target, places.server) || url.includes("?")) return {};
    return { DATABASE_URL: throughPooler(target).url, SLUICE_DIRECT_DATABASE_URL: url };
}
