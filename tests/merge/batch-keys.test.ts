/** A lost answer is asked for again: the same batch key never merges twice, and always gets the same batch. */
import { describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { useEmptyDatabase } from "../support/fixture.ts";
import { meet, openSession } from "../support/sessions.ts";
import { allSlices, type BatchRow, event, merge, stageFile, tables } from "./ledger.ts";

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;

describe("promise 2: a batch key", () => {
    test("asked for again gives the batch that was committed, and changes nothing", async () => {
        const key = randomUUID();
        await stageFile(sql, [event(1), event(1), event(2)]);
        const batch = await merge(sql, { key });
        await stageFile(sql, [event(3)]);
        const before = await tables(sql);
        for (const slices of [allSlices, 1]) expect(await merge(sql, { key, slices })).toEqual(batch);
        expect(await tables(sql)).toEqual(before);
        expect(await merge(sql)).toMatchObject({ inserted: 1 });
    });

    test("of a merge that was rolled back is as good as new", async () => {
        const key = randomUUID();
        await stageFile(sql, [event(1)]);
        const session = openSession(database);
        await session`begin`;
        await merge(session, { key });
        await session`rollback`;
        expect(await merge(sql, { key })).toMatchObject({ inserted: 1 });
    });

    test("of a merge that found nothing to do may find something later", async () => {
        const key = randomUUID();
        expect(await merge(sql, { key })).toBeNull();
        await stageFile(sql, [event(1)]);
        expect(await merge(sql, { key })).toMatchObject({ inserted: 1 });
    });

    test("asked for while the first call is still at work waits for its end, and takes no slices that have become free", async () => {
        const key = randomUUID();
        await stageFile(sql, [event(0), event(1)]);
        const holder = openSession(database);
        await holder`begin`;
        await holder`select from ingest.slices where slice_no = 0 for update`;
        let batch: BatchRow | null = null;
        const repeated = await meet(
            database,
            async (session) => {
                batch = await merge(session, { key });
                await holder`rollback`;
            },
            () => merge(sql, { key }),
        );
        expect(batch).toMatchObject({ slices: 0xfffe, read: 1 });
        expect(repeated).toEqual(batch);
        expect(await merge(sql)).toMatchObject({ slices: allSlices, read: 1 });
    });
});
