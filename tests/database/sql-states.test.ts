import { expect, test } from "bun:test";
import { describeFault } from "../../src/database/describe-fault.ts";
import {
    isConnectionFault,
    isDataFault,
    isRetryable,
    meaningOf,
    sqlStateOf,
    sqlStates,
} from "../../src/database/sql-states.ts";

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

/** All of these classes in https://www.postgresql.org/docs/18/errcodes-appendix.html, and what they mean for the ingest. */
const conditions: [state: string, name: string, meaning: string][] = [
    ["08000", "connection_exception", "away"],
    ["08001", "sqlclient_unable_to_establish_sqlconnection", "away"],
    ["08003", "connection_does_not_exist", "away"],
    ["08004", "sqlserver_rejected_establishment_of_sqlconnection", "away"],
    ["08006", "connection_failure", "away"],
    ["08007", "transaction_resolution_unknown", "away"],
    ["08P01", "protocol_violation", "away"],
    ["25006", "read_only_sql_transaction", "halted"],
    ["25P01", "no_active_sql_transaction", "busy"],
    ["25P02", "in_failed_sql_transaction", "busy"],
    ["25P03", "idle_in_transaction_session_timeout", "cut"],
    ["25P04", "transaction_timeout", "cut"],
    ["28000", "invalid_authorization_specification", "halted"],
    ["28P01", "invalid_password", "halted"],
    ["3D000", "invalid_catalog_name", "halted"],
    ["40001", "serialization_failure", "busy"],
    ["40P01", "deadlock_detected", "busy"],
    ["53000", "insufficient_resources", "busy"],
    ["53100", "disk_full", "busy"],
    ["53200", "out_of_memory", "cut"],
    ["53300", "too_many_connections", "crowded"],
    ["53400", "configuration_limit_exceeded", "cut"],
    ["55000", "object_not_in_prerequisite_state", "halted"],
    ["55006", "object_in_use", "busy"],
    ["55P02", "cant_change_runtime_param", "halted"],
    ["55P03", "lock_not_available", "busy"],
    ["55P04", "unsafe_new_enum_value_usage", "halted"],
    ["57000", "operator_intervention", "busy"],
    ["57014", "query_canceled", "cut"],
    ["57P01", "admin_shutdown", "away"],
    ["57P02", "crash_shutdown", "away"],
    ["57P03", "cannot_connect_now", "away"],
    ["57P04", "database_dropped", "away"],
    ["57P05", "idle_session_timeout", "away"],
    ["58000", "system_error", "halted"],
    ["58030", "io_error", "halted"],
    ["58P01", "undefined_file", "halted"],
    ["58P02", "duplicate_file", "halted"],
];

test.each(conditions)("%s (%s) means %s, with either driver, and is told in words", (state, _name, meaning) => {
    for (const error of [fromPostgresJs(state), fromBun(state)]) {
        expect(meaningOf(error)).toBe(meaning as ReturnType<typeof meaningOf>);
        if (meaning !== "away") expect(describeFault(error)).toMatch(new RegExp(`^${state}: .{10}`));
    }
});

test("a table, a column, a function or a right that is not there is told as the server says it", () => {
    for (const state of ["3F000", "42501", "42703", "42704", "42804", "42809", "42883", "42P01", "42P10", "428C9"]) {
        expect(meaningOf(fromBun(state))).toBe("schema");
        expect(describeFault(fromPostgresJs(state))).toBe(`${state}: x`);
    }
});

test("what only a change of the program helps has no meaning", () => {
    for (const state of ["42601", "XX000"]) expect(meaningOf(fromBun(state))).toBeNull();
    expect(meaningOf(new Error("57014"))).toBeNull();
});
