/** Takes a stream out of work. The transaction is the SQL function ingest.remove_stream (sql/engine/remove_stream.sql). */
import type { Sql } from "../database/connect.ts";
import { setUpLockKey } from "../database/migrate.ts";
import { exitCodes, SluiceError } from "../errors.ts";
import { inUseUnless, type RunningIngest, refuseWhileRunning } from "./refuse-while-running.ts";
import type { KnownStream } from "./streams/read-streams.ts";

/** @throws SluiceError `stream_built_in`, `ingest_running`, `tables_in_use`: nothing was changed then */
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
        await inUseUnless(
            () => sql<RunningIngest[]>`
                select worker_host as "host", worker_pid as "pid", lease_seconds as "leaseSeconds"
                from ingest.remove_stream(${streamId}::smallint, ${setUpLockKey}::bigint)`,
        ),
    );
}
