/** A dry run of records that pass the rules and that the table refuses: it says what the ingest then says, and leaves nothing. */
import { afterEach, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TriedFile, tryFiles } from "../../src/operations/try/try-files.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { idOf, shopCsv, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { expectSound } from "../support/read-tables.ts";
import { runScript } from "../support/run-script.ts";

const database = useEmptyDatabase(import.meta.path);
const dir = useFolder();
const config = { maxRecordBytes: 1024 * 1024, maxChunkBytes: 16 * 1024 * 1024 };

const theirs = `
    create function public.theirs() returns trigger language plpgsql as $$ begin
        if new.product_id = 'raised' then raise exception 'not this product' using errcode = 'ZZ001'; end if;
        if new.product_id = 'left-out' then return null; end if;
        if new.product_id = 'other-id' then new.event_id := gen_random_uuid(); end if;
        if new.product_id = 'rounded' then new.price := round(new.price); end if;
        return new;
    end $$;
    create trigger theirs before insert on events for each row execute function public.theirs();
    alter table events add constraint theirs check (price < 100)`;
afterEach(async () => {
    await database.sql.unsafe("drop function public.theirs() cascade; alter table events drop constraint theirs");
});

const record = (no: number, product = "p", price = "1") =>
    `${idOf(no)},view,${product},u,2024-01-01 00:00:00,,${price}`;

/** Ids of one slice end in the same digit: these are of several, and in some slices several are refused. */
const records = [
    ...Array.from({ length: 40 }, (_, no) => record(no)),
    record(40, "p", "100"),
    record(41, "raised"),
    record(42, "left-out"),
    record(43, "other-id"),
    record(44, "rounded", "1.60"),
    record(57, "raised"),
    record(60, "p", "500"),
    // A refused record holds no event_id: the next one with it gets in, and only then a duplicate and a conflict follow.
    record(60),
    record(60),
    record(60, "p", "2"),
    // Against what is stored, and by the rules.
    record(0, "q"),
    record(61, "", "x"),
];
const counts = { read: 52, inserted: 42, duplicate: 1, conflict: 2, rejected: 7 };
const reasons = [
    ["event_id_conflict", 2],
    ["price_invalid", 1],
    ["product_id_missing", 1],
    ["refused_by_table", 6],
];

async function everything(): Promise<unknown> {
    const [row] = await database.sql`
        select
            (select json_agg(events order by event_id) from events) as events,
            (select json_agg(event_stats order by grain, bucket, event_type) from ingest.event_stats) as stats,
            (select count(*) from ingest.rejects) as rejects,
            (select count(*) from ingest.files) as files,
            (select count(*) from ingest.batches) as batches,
            (select count(*) from ingest.staging where chunk_id < 0 or load_id < 0) as staged,
            (select count(*) from pg_locks where locktype = 'advisory' and database = (
                select oid from pg_database where datname = current_database()
            )) as locks`;
    return row;
}

const byReason = (tried: TriedFile) => tried.reasons.map(({ reason, records }) => [reason, records]).sort();

/** The refusals of the records, by number. */
const refusalsOf = (tried: TriedFile) =>
    tried.reasons
        .filter(({ reason }) => reason === "refused_by_table")
        // A check's detail shows the whole row, with the time and the chunk.
        .flatMap(({ samples }) => samples.map(({ recordNo, refusal }) => ({ recordNo, ...refusal, detail: null })))
        .sort((left, right) => left.recordNo - right.recordNo);

test("counts, reasons and what the table said are those of the ingest that follows, and nothing is left", async () => {
    await database.sql.unsafe(theirs);
    await writeFile(join(dir, "a.csv"), shopCsv(...records));
    const before = await everything();

    const [tried] = await tryFiles({
        stream: eventsStream,
        target: database.target,
        config,
        files: [join(dir, "a.csv")],
        samples: 10,
    });
    expect(await everything()).toEqual(before);
    expect(tried!.records).toMatchObject(counts);
    expect(byReason(tried!)).toEqual(reasons);

    const { records: ingested } = await ingestFolder(database.target, dir);
    expect(ingested).toMatchObject(counts);
    const rejects = await database.sql<{ recordNo: number; refusal: object }[]>`
        select record_no as "recordNo", refusal from ingest.rejects where refusal is not null order by record_no`;
    const refusals = rejects.map(({ recordNo, refusal }) => ({ recordNo, ...refusal, detail: null }));
    expect(refusalsOf(tried!)).toEqual(refusals);
    const byReasons = await database.sql<{ reason: string; records: number }[]>`
        select reason, count(*) as records from ingest.rejects, unnest(reasons) as reason group by 1 order by 1`;
    expect(byReasons.map(({ reason, records }) => [reason, records])).toEqual(reasons);
    await expectSound(database.sql);
});

test("and so where some of the records are stored already", async () => {
    await writeFile(join(dir, "a.csv"), shopCsv(record(1), record(41)));
    await ingestFolder(database.target, dir);
    await database.sql.unsafe(theirs);
    const path = join(dir, "b.csv");
    await writeFile(path, shopCsv(record(1), record(2, "p", "100"), record(41, "raised"), record(3, "left-out")));
    const before = await everything();

    const [tried] = await tryFiles({ stream: eventsStream, target: database.target, config, files: [path] });
    expect(await everything()).toEqual(before);
    const { records: ingested } = await ingestFolder(database.target, dir);
    expect(ingested).toEqual(tried!.records);
    // The trigger is not asked of a record whose event_id is taken.
    expect(tried!.records).toMatchObject({ read: 4, inserted: 0, duplicate: 1, conflict: 1, rejected: 2 });
});

test("two records that exclude each other are told so where their ids are of one slice, and else not", async () => {
    await database.sql.unsafe(theirs);
    await database.sql`create unique index theirs_users on events (user_id)`;
    const path = join(dir, "a.csv");
    const tryThese = async (...numbers: number[]) => {
        await writeFile(path, shopCsv(...numbers.map((no) => record(no))));
        return (await tryFiles({ stream: eventsStream, target: database.target, config, files: [path] }))[0]!.records;
    };
    expect(await tryThese(11, 21)).toMatchObject({ inserted: 1, rejected: 1 });
    expect(await tryThese(11, 22)).toMatchObject({ inserted: 2, rejected: 0 });
    expect((await ingestFolder(database.target, dir)).records).toMatchObject({ inserted: 1, rejected: 1 });
    await database.sql`drop index theirs_users`;
});

test("the command says what the table says", async () => {
    await database.sql.unsafe(theirs);
    const path = join(dir, "a.csv");
    await writeFile(path, shopCsv(record(1), record(2, "p", "100"), record(3, "other-id")));
    const { stdout } = await runScript("try", [path, "--database-url", database.url]);
    expect(stdout).toContain("refused_by_table");
    expect(stdout).toMatch(/The table says: .*violates check constraint "theirs".*SQLSTATE 23514, constraint theirs/);
    expect(stdout).toContain("The table says: The trigger theirs gave the event another event_id.");
});
