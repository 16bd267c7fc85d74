/** Streams without work cost next to nothing. Counted, not timed. */
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { useEmptyDatabase } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { waitUntil } from "../support/wait-until.ts";
import { declare, makeTable, useSeveralStreams } from "./several-streams.ts";

setDefaultTimeout(testTimeoutMs);

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
const names = Array.from({ length: 20 }, (_, no) => `t${no}`);
const several = useSeveralStreams(database, () => names.map((name) => declare(name, `${name}-*.csv`)));
beforeAll(async () => {
    await sql.unsafe(names.map(makeTable).join(";"));
});

test("twenty streams without work: two statements a second, and no connection of their own", async () => {
    several.start();
    several.putNumbers("t7-1.csv", 1, 5);
    await waitUntil("the one with work is done", async () => (await several.count("t7")) === 5);
    const marks = async () =>
        (await sql`select count(distinct mark) as n, min(mark::text) as mark from ingest.workers`)[0]!;
    expect((await marks()).n).toBe(21);
    // Each statement of the ingest's sessions that a sample sees: a database's own count would hold what autovacuum commits.
    const statements = new Set<string>();
    const beats = async (count: number) => {
        for (let beat = 0; beat < count; beat += 1) {
            const { mark } = await marks();
            do {
                const seen = await sql<{ statement: string }[]>`
                    select concat_ws(' ', pid, query_start) as statement
                    from pg_stat_activity
                    where datname = current_database() and application_name like 'sluice-%'`;
                for (const { statement } of seen) statements.add(statement);
                await Bun.sleep(40);
            } while ((await marks()).mark === mark);
        }
    };
    await beats(6);
    statements.clear();
    const begunAt = performance.now();
    await beats(5);
    // Of each stream once a second, if each looked for itself.
    const ofEach = (names.length * (performance.now() - begunAt)) / 1000;
    expect(statements.size).toBeLessThan(ofEach / 2);
    const [sessions] = await sql`
        select count(*) as n from pg_stat_activity
        where datname = current_database() and application_name like 'sluice-%'`;
    // As many as asked at once when all began: at most what the plan gives.
    expect(Number(sessions!.n)).toBeLessThanOrEqual(17);
});
