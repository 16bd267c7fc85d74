/** The model's streams as a run of the schedule needs them: tests/faults/model/run-schedule.ts. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sql } from "../../../src/database/connect.ts";
import { applyStream } from "../../../src/streams/apply-stream.ts";
import { loadStreams } from "../../../src/streams/load-streams.ts";
import { ask } from "../../support/own-server.ts";
import type { Schedule } from "../model/make-schedule.ts";
import type { StreamsBeside } from "../model/run-schedule.ts";
import { holdToStreams } from "./hold-to-streams.ts";
import type { ModelStream } from "./model-stream.ts";
import { readStreams } from "./read-streams.ts";
import { modelStreams, schema } from "./streams.ts";

export const streamsBeside: StreamsBeside = {
    owns: (path) => modelStreams.some(({ prefix }) => path.startsWith(prefix)),
    async prepare(target, folder, schedule) {
        await ask(target, (sql) => sql.unsafe(schema));
        mkdirSync(join(folder, "streams"));
        for (const { name, prefix, table, settings } of streamsOf(schedule)) {
            const declaration = { files: `${prefix}*.csv`, table, ...settings };
            writeFileSync(join(folder, "streams", `${name}.ts`), `export default ${JSON.stringify(declaration)};\n`);
        }
        // By the owner of the database: a loader only loads.
        for (const declared of await loadStreams([], join(folder, "streams"))) await applyStream(target, declared);
    },
    findOpen: findWaiting,
    async hold(schedule, sql) {
        const states = await readStreams(sql);
        const violations = [...holdToStreams(schedule, streamsOf(schedule), states), ...(await findStaged(sql))];
        const merges = states.flatMap(({ ledger }) => ledger.merges);
        return { violations, read: merges.reduce((sum, { read, kind }) => sum + (kind === "merge" ? read : 0), 0) };
    },
};

/** Those that have files. */
function streamsOf({ history }: Schedule): ModelStream[] {
    const paths = [...history.keys()];
    return modelStreams.filter(({ prefix }) => paths.some((path) => path.startsWith(prefix)));
}

/** Lines that were refused for want of an order, and the order is there now: they are replayed without anybody's doing. */
async function findWaiting(sql: Sql): Promise<string[]> {
    const lines = await sql<{ order: string; rejects: number }[]>`
        select orders.order_no as order, count(*) as rejects
        from ingest.rejects
        inner join ingest.streams on streams.stream_id = rejects.stream_id
        inner join trade.orders on orders.order_no = btrim(rejects.record ->> 'order_no', e' \t')
        where
            streams.table_name = 'trade.order_lines'
            and rejects.resolved_by_batch is null
            and 'order_no_unknown' = any(rejects.reasons)
        group by orders.order_no`;
    return lines.map(({ order, rejects }) => `${rejects} rejects wait for ${order}, which is there`);
}

/** The staging table of each stream owes nothing, and is empty in the end. */
async function findStaged(sql: Sql): Promise<string[]> {
    const homes = await sql<{ home: string }[]>`select home from ingest.streams where stream_id > 0`;
    const found: string[] = [];
    for (const { home } of homes) {
        const [row] = await sql.unsafe<{ staged: number }[]>(`select count(*) as staged from ${home}.staging`);
        if (row!.staged > 0) found.push(`${row!.staged} rows in ${home}.staging are left`);
    }
    return found;
}
