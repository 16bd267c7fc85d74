/**
 * The logical tests on a live database (find-checks.ts). Each asserts one thing: its leading comment says what, and its one select
 * returns the rows that break it. Each runs alone, in a read-only transaction and on one snapshot. Those of the ledger are in
 * sql/checks/; each stream has its own beside its other SQL.
 */
import type { Sql } from "../database/connect.ts";
import { isConnectionFault } from "../database/sql-states.ts";
import { type Check, findChecks } from "./find-checks.ts";

export interface CheckResult {
    name: string;
    /** Null: it is the ledger's, of all streams. */
    stream: string | null;
    asserts: string;
    passed: boolean;
    breakingRows: number;
    /** Up to five of them. */
    sampleRows: Record<string, unknown>[];
    /** The message of Postgres when the check itself could not run: it neither passed nor found anything. */
    error: string | null;
    seconds: number;
}

const sampleCount = 5;

/**
 * Those that this server can make, and the names of the others: a standby has no staging, which is UNLOGGED, and PostgreSQL
 * refuses a statement that names it.
 */
export async function chooseChecks(sql: Sql, stream?: string): Promise<{ checks: Check[]; unmade: string[] }> {
    const all = await findChecks(sql, stream);
    const [server] = await sql<{ isStandby: boolean }[]>`select pg_is_in_recovery() as "isStandby"`;
    const isMade = ({ query }: Check) => !server!.isStandby || !/\.staging\b/.test(query);
    return { checks: all.filter(isMade), unmade: all.filter((check) => !isMade(check)).map(({ name }) => name) };
}

/**
 * Runs them one after the other and tells `onResult` of each as it comes.
 * Throws only when the connection is at fault; a check that fails otherwise is a result with its `error`.
 */
export async function runChecks(
    sql: Sql,
    { checks, onResult }: { checks?: Check[]; onResult?: (result: CheckResult) => void } = {},
): Promise<CheckResult[]> {
    const results: CheckResult[] = [];
    for (const check of checks ?? (await chooseChecks(sql)).checks) {
        const result = await runCheck(sql, check);
        results.push(result);
        onResult?.(result);
    }
    return results;
}

async function runCheck(sql: Sql, { name, stream, asserts, query }: Check): Promise<CheckResult> {
    const startMs = performance.now();
    const outcome = await findBreakingRows(sql, query);
    const passed = outcome.error === null && outcome.breakingRows === 0;
    return { name, stream: stream ?? null, asserts, passed, ...outcome, seconds: (performance.now() - startMs) / 1000 };
}

/**
 * Two statements in one message are one transaction (https://www.postgresql.org/docs/current/protocol-flow.html,
 * "Multiple Statements in a Simple Query"), without a `begin()` that could go astray with its connection.
 */
async function findBreakingRows(
    sql: Sql,
    query: string,
): Promise<Pick<CheckResult, "breakingRows" | "sampleRows" | "error">> {
    try {
        const [, [answer]] = await sql.unsafe<[[], [{ outcome: string }]]>(`
            set transaction read only;
            with breaking_rows as materialized (
                ${query}
            )
            select
                json_build_object(
                    'breakingRows', (select count(*) from breaking_rows),
                    'sampleRows', (
                        select coalesce(json_agg(sample_rows), '[]')
                        from (select * from breaking_rows limit ${sampleCount}) as sample_rows
                    )
                )::text as outcome
        `);
        return { ...JSON.parse(answer.outcome), error: null };
    } catch (error) {
        if (isConnectionFault(error) || !(error instanceof Error)) throw error;
        return { breakingRows: 0, sampleRows: [], error: error.message };
    }
}
