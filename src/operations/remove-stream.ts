/** Takes a stream out of work. The transaction is the SQL function ingest.remove_stream (sql/engine/remove_stream.sql). */
import type { Sql } from "../database/connect.ts";
import { setUpLockKey } from "../database/migrate.ts";
import { type DeferredIndex, makeIndex, readDeferredIndexes } from "../engine/ledger/deferred-indexes.ts";
import { exitCodes, SluiceError } from "../errors.ts";
import { inUseUnless, type RunningIngest, refuseWhileRunning } from "./refuse-while-running.ts";
import type { KnownStream } from "./streams/read-streams.ts";

/**
 * What an ingest has deferred is made first: no later ingest would.
 * @throws SluiceError `stream_built_in`, `ingest_running`, `tables_in_use`, `index_not_made`: the stream is as it was then
 */
export async function removeStream(sql: Sql, { streamId, name, home }: KnownStream): Promise<void> {
    if (home === "ingest") {
        throw new SluiceError({
            code: "stream_built_in",
            what: `The stream ${name} is built in; nothing was changed.`,
            remedy: `To turn it off: \`streams: { ${name}: false }\` in sluice.config.ts.`,
            exitCode: exitCodes.usage,
        });
    }
    refuseWhileRunning(
        await sql<RunningIngest[]>`
            select worker_host as "host", worker_pid as "pid", lease_seconds as "leaseSeconds"
            from ingest.running_ingests(${streamId}::smallint)`,
    );
    for (const deferred of await readDeferredIndexes(sql, streamId)) await makeAgain(sql, name, deferred);
    refuseWhileRunning(
        await inUseUnless(
            () => sql<RunningIngest[]>`
                select worker_host as "host", worker_pid as "pid", lease_seconds as "leaseSeconds"
                from ingest.remove_stream(${streamId}::smallint, ${setUpLockKey}::bigint)`,
        ),
    );
}

async function makeAgain(sql: Sql, stream: string, { id, index, table }: DeferredIndex): Promise<void> {
    const outcome = await inUseUnless(() => makeIndex(sql, id)).catch((error: unknown) => {
        if (error instanceof SluiceError) throw error;
        return error as Error;
    });
    if (outcome !== "taken" && !(outcome instanceof Error)) return;
    const why = outcome === "taken" ? "something else has its name" : outcome.message;
    throw new SluiceError({
        code: "index_not_made",
        what: `The index ${index} of ${table}, dropped for a backlog, cannot be made again: ${why}. The stream ${stream} was not removed.`,
        remedy: `Correct that; or do without it: delete from ingest.deferred_indexes where deferred_index_id = ${id}.`,
        cause: outcome === "taken" ? undefined : outcome,
    });
}
