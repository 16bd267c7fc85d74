import { expect, test } from "bun:test";
import { isConnectionFault, isDataFault, isRetryable, sqlStateOf, sqlStates } from "../../src/database/sql-states.ts";

const fromPostgresJs = (code: string) => Object.assign(new Error("x"), { code });
const fromBun = (errno: string) => Object.assign(new Error("x"), { code: "ERR_POSTGRES_SERVER_ERROR", errno });

test("reads the SQLSTATE of both drivers, of our own errors, and through a cause", () => {
    expect(sqlStateOf(fromPostgresJs("23505"))).toBe("23505");
    expect(sqlStateOf(fromBun("22P02"))).toBe("22P02");
    expect(sqlStateOf(Object.assign(new Error("x"), { sqlState: "57P01" }))).toBe("57P01");
    expect(sqlStateOf(new Error("x", { cause: fromBun("40001") }))).toBe("40001");
});

test("knows a full disk where PostgreSQL 15 and 16 name none, and no other internal error for one", () => {
    const internal = (routine: string, file: string) => Object.assign(fromPostgresJs("XX000"), { routine, file });
    expect(sqlStateOf(internal("write_item", "relcache.c"))).toBe("53100");
    expect(sqlStateOf(internal("RelationClearRelation", "relcache.c"))).toBe("XX000");
    expect(sqlStateOf(internal("write_item", "other.c"))).toBe("XX000");
});

test("takes no name of a system error for a SQLSTATE", () => {
    for (const code of ["EPIPE", "EPERM", "EBUSY"]) expect(sqlStateOf(fromPostgresJs(code))).toBeNull();
    for (const other of [null, undefined, "57P01", new Error("57P01")]) expect(sqlStateOf(other)).toBeNull();
});

test("a lost, refused or ended connection is a connection fault", () => {
    const codes = ["CONNECTION_CLOSED", "CONNECTION_ENDED", "CONNECTION_DESTROYED", "CONNECT_TIMEOUT", "ECONNREFUSED"];
    codes.push("ECONNRESET", "ENOTFOUND", "ERR_POSTGRES_CONNECTION_CLOSED", "08006", "53300", "57P01", "57P03");
    for (const code of codes) expect(isConnectionFault(fromPostgresJs(code)), code).toBe(true);
    const severalAddresses = new AggregateError([fromPostgresJs("ECONNREFUSED")], "all failed");
    expect(isConnectionFault(severalAddresses)).toBe(true);
});

test("what the server answers to a statement is no connection fault", () => {
    for (const state of ["22P02", "23505", "40001", "42P01", "57014"]) {
        expect(isConnectionFault(fromBun(state)), state).toBe(false);
        expect(isConnectionFault(fromPostgresJs(state)), state).toBe(false);
    }
});

test("classes 22 and 23 are the data's fault, a full disk and a syntax error are not", () => {
    for (const state of ["22P02", "22P04", "22021", "23505", "23514", "54000", "P0001"]) {
        expect(isDataFault(fromBun(state)), state).toBe(true);
    }
    for (const state of ["53100", "42601", "40001", "57P01"]) expect(isDataFault(fromBun(state)), state).toBe(false);
});

test("serialization failures, deadlocks, lock timeouts and cancels are worth another try", () => {
    for (const state of ["40001", "40P01", "55P03", "57014"]) expect(isRetryable(fromBun(state)), state).toBe(true);
    for (const state of ["22P02", "23505", "42P01"]) expect(isRetryable(fromBun(state)), state).toBe(false);
    expect(sqlStates.deadlockDetected).toBe("40P01");
});
