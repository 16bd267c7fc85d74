/** A database whose table `events` has constraints and triggers that are not Sluice's: each test adds its own, by the name `theirs`. */
import { afterEach, expect } from "bun:test";
import type { Sql } from "../../src/database/connect.ts";
import type { IngestContext } from "../../src/engine/context.ts";
import { createMerger } from "../../src/engine/merge/merge-batch.ts";
import { runChecks } from "../../src/operations/run-checks.ts";
import { useTestIngest } from "../ingest/ingest-context.ts";
import type { TestDatabase } from "../support/database.ts";
import { useEmptyDatabase } from "../support/fixture.ts";
import { allSlices, chunkStates, event, type StagedRow, stageFile } from "./ledger.ts";

export interface Reject {
    recordNo: number;
    kind: string;
    reasons: string[];
    refusal: Record<string, string> | null;
}

export interface Theirs {
    database: TestDatabase;
    sql: Sql;
    context: IngestContext;
    /** Undone after the test. */
    alter(statement: string, undoing: string): Promise<void>;
    addConstraint(definition: string, name?: string): Promise<void>;
    /** `body` of a trigger function of the name `theirs`. */
    addTrigger(body: string, when?: string, level?: string): Promise<void>;
    /** Those that stand. */
    rejects(): Promise<Reject[]>;
    insertedNumbers(): Promise<number[]>;
    /** Merges ten records (or fewer): those of `refused` are rejects with `refusal`, all others are events. */
    expectRefused(rows: StagedRow[], refused: number[], refusal: object): Promise<void>;
}

/** Ten records, of which `odd` is another in these. */
export const ten = (odd: Record<number, StagedRow>) =>
    Array.from({ length: 10 }, (_, no) => event(no, odd[no + 1] ?? {}));

/** After each test what it altered is undone, and all checks have to pass. */
export function useTheirs(testFile: string): Theirs {
    const database = useEmptyDatabase(testFile);
    const { sql } = database;
    const ingest = useTestIngest(database);
    let undo: string[] = [];
    afterEach(async () => {
        for (const statement of undo.reverse()) await sql.unsafe(statement);
        undo = [];
        expect((await runChecks(sql)).filter(({ passed }) => !passed)).toEqual([]);
    });

    const theirs: Theirs = {
        database,
        sql,
        get context() {
            return ingest.context;
        },
        async alter(statement, undoing) {
            undo.push(undoing);
            await sql.unsafe(statement);
        },
        addConstraint: (definition, name = "theirs") =>
            theirs.alter(
                `alter table events add constraint ${name} ${definition}`,
                `alter table events drop constraint ${name}`,
            ),
        async addTrigger(body, when = "before insert", level = "row") {
            await theirs.alter(
                `create function public.theirs() returns trigger language plpgsql as $$ begin ${body} end $$`,
                "drop function public.theirs() cascade",
            );
            await sql.unsafe(
                `create trigger theirs ${when} on events for each ${level} execute function public.theirs()`,
            );
        },
        async rejects() {
            const rows = await sql<Reject[]>`
                select record_no as "recordNo", kind, reasons, refusal
                from ingest.rejects where resolved_by_batch is null order by chunk_id, record_no`;
            return [...rows];
        },
        async insertedNumbers() {
            const rows = await sql<{ no: number }[]>`select record_no as no from events order by record_no`;
            return rows.map(({ no }) => no);
        },
        async expectRefused(rows, refused, refusal) {
            await stageFile(sql, rows);
            const batch = await createMerger(ingest.context).merge(allSlices);
            const inserted = rows.length - refused.length;
            expect(batch).toMatchObject({
                ...{ read: rows.length, inserted, duplicate: 0, conflict: 0, rejected: refused.length },
            });
            expect(await theirs.rejects()).toEqual(
                refused.map((recordNo) => ({
                    recordNo,
                    kind: "rejected",
                    reasons: ["refused_by_table"],
                    refusal: expect.objectContaining(refusal),
                })),
            );
            const numbers = rows.map((_, index) => index + 1).filter((no) => !refused.includes(no));
            expect(await theirs.insertedNumbers()).toEqual(numbers);
            expect(await chunkStates(sql)).toEqual(["merged"]);
        },
    };
    return theirs;
}
