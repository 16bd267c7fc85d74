/** A change of the tables under a running ingest is nobody's record's fault: it is said once, waited for, and no file fails. */
import { beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { useIngestFixture } from "../support/ingest-fixture.ts";
import type { IngestProcess } from "../support/ingest-process.ts";
import { readFileStates } from "../support/read-tables.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const role = `sluice_changed_${process.pid}`;
const fixture = useIngestFixture(import.meta.path, { role });
let ingest: IngestProcess;
const change = (statement: string) => fixture.database.sql.unsafe(statement);

beforeEach(async () => {
    ingest = fixture.start();
    fixture.put(1);
    await fixture.whenInserted(1);
});

const linesOf = (event: RegExp) =>
    ingest
        .stderr()
        .split("\n")
        .filter((line) => event.test(line)).length;

test.each<[what: string, change: string, undo: string, said: string]>([
    [
        "a column that must be filled",
        "alter table events add extra integer not null default 1; alter table events alter extra drop default",
        "alter table events drop extra",
        "its column extra needs a value, and Sluice does not know it",
    ],
    [
        "a column renamed",
        "alter table events rename user_id to customer_id",
        "alter table events rename customer_id to user_id",
        "user_id",
    ],
    [
        "a column of another type",
        "alter table events alter user_id type integer using 1",
        "alter table events alter user_id type varchar(100) using 'u1'",
        "user_id",
    ],
    [
        "a column too narrow",
        "alter table events alter user_id type varchar(1) using 'u'",
        "alter table events alter user_id type varchar(100) using 'u1'",
        "its column user_id is character varying(1)",
    ],
    [
        "the table renamed away",
        "alter table events rename to events_old",
        "alter table events_old rename to events",
        "events",
    ],
    [
        "another table in its place",
        `alter table events rename to events_old; create table events (event_id uuid); grant all on events to ${role}`,
        "drop table events; alter table events_old rename to events",
        "event_type",
    ],
    [
        "the schema renamed away",
        "alter schema ingest rename to ingest_old",
        "alter schema ingest_old rename to ingest",
        "ingest",
    ],
    [
        "no right to insert",
        `revoke insert on events from ${role}`,
        `grant insert on events to ${role}`,
        "42501: permission denied for table events",
    ],
    [
        "no right to the ledger",
        `revoke all on ingest.batches from ${role}`,
        `grant all on ingest.batches to ${role}`,
        "42501: permission denied for table batches",
    ],
])("%s for a while", async (_, statement, undo, said) => {
    await change(statement);
    fixture.put(20);
    await waitUntil("it says so", () => ingest.stderr().includes("The tables have changed"));
    await Bun.sleep(1_000);
    await change(undo);
    await fixture.whenInserted(21);

    expect(ingest.stderr()).toContain(said);
    expect(linesOf(/The tables have changed/)).toBe(1);
    await waitUntil("it says that it goes on", () => linesOf(/The tables are correct again/) === 1);
    expect(new Set(Object.values(await readFileStates(fixture.database.sql)))).toEqual(new Set(["merged"]));
    expect(linesOf(/set aside|failed/)).toBe(0);
});

test("status knows what the ingest waits for", async () => {
    const { sql } = fixture.database;
    await change("alter table events rename price to cost");
    fixture.put(1);
    await waitUntil("a worker reports it", async () => {
        const [row] = await sql`select report -> 'trouble' as trouble from ingest.workers`;
        const trouble = JSON.parse(JSON.stringify(row?.trouble ?? null)) as { code: string; what: string } | null;
        return trouble !== null && trouble.code === "42703" && trouble.what.includes("price");
    });
    await change("alter table events rename cost to price");
    await waitUntil("nothing is in the way", async () => {
        const [row] = await sql`select report ->> 'trouble' as trouble from ingest.workers`;
        return row?.trouble === null;
    });
});
