/** LISTEN sluice_batch: whoever listens hears of each batch once, when it is there to be read, and of nothing else. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { connect, type Sql } from "../../src/database/connect.ts";
import { runReplay } from "../../src/operations/run-replay.ts";
import { useEmptyDatabase } from "../support/fixture.ts";
import { openSession } from "../support/sessions.ts";
import { waitUntil } from "../support/wait-until.ts";
import { event, merge, stageFile } from "./ledger.ts";

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
let listener: Sql;
let heard: Record<string, unknown>[] = [];
beforeAll(async () => {
    listener = connect(database.target, { applicationName: "test listener", max: 1 });
    await listener.listen("sluice_batch", (payload) => heard.push(JSON.parse(payload)));
});
afterAll(async () => {
    await listener.end({ timeout: 1 });
});
beforeEach(async () => {
    heard = [];
});

/** Notifications arrive in the order of the commits: when this one is there, so are all before it. */
async function hearAll(): Promise<Record<string, unknown>[]> {
    const mark = crypto.randomUUID();
    await sql`select pg_notify('sluice_batch', ${JSON.stringify({ mark })})`;
    await waitUntil("the mark is heard", () => heard.some((said) => said.mark === mark));
    return heard.filter((said) => !("mark" in said));
}

test("a merge is announced with its id and counts", async () => {
    await stageFile(sql, [event(1), event(1), event(1, { price: "9" }), event(2, { quantity: "x" }), event(3)]);
    const batch = await merge(sql);

    expect(await hearAll()).toMatchObject([
        {
            batch_id: batch!.batchId,
            stream: "events",
            kind: "merge",
            read: 5,
            inserted: 2,
            duplicate: 1,
            conflict: 1,
            rejected: 1,
            displaced: 0,
        },
    ]);
});

test("nothing is heard before the commit, and nothing of what was rolled back", async () => {
    await stageFile(sql, [event(1)]);
    const session = openSession(database);
    await session`begin`;
    await merge(session);
    expect(await hearAll()).toEqual([]);
    await session`rollback`;
    expect(await hearAll()).toEqual([]);

    heard = [];
    await merge(sql);
    expect(await hearAll()).toHaveLength(1);
});

test("a merge that finds nothing to do, or is asked for again, says nothing", async () => {
    const key = crypto.randomUUID();
    await merge(sql);
    await stageFile(sql, [event(1)]);
    await merge(sql, { key });
    await merge(sql, { key });

    expect(await hearAll()).toMatchObject([{ read: 1 }]);
});

test("a replay is announced as one; one that was only tried is not", async () => {
    await stageFile(sql, [event(1, { event_type: "wish" })]);
    await merge(sql);
    await sql`insert into ingest.event_types values ('wish')`;
    try {
        await runReplay(sql, { dryRun: true });
        await runReplay(sql, {});
    } finally {
        await sql`delete from ingest.event_types where event_type = 'wish'`;
    }

    expect(await hearAll()).toMatchObject([
        { kind: "merge", rejected: 1 },
        { kind: "replay", read: 1, inserted: 1 },
    ]);
});
