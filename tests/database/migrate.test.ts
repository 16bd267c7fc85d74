import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, cpSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../src/database/connect.ts";
import { migrateDatabase } from "../../src/database/migrate.ts";
import { compareColumns } from "../../src/database/table-shape.ts";
import { exitCodes, type SluiceError } from "../../src/errors.ts";
import { createBareDatabase, type TestDatabase } from "../support/database.ts";
import { refusalOf as refusal } from "../support/failure-of.ts";
import { useFolder } from "../support/fixture.ts";
import { projectDir } from "../support/test-server.ts";

let database: TestDatabase;
/** A copy of drizzle/ and sql/ that a test may change. */
const rootDir = useFolder();
let lines: string[];

beforeEach(async () => {
    database = await createBareDatabase(import.meta.path);
    for (const folder of ["drizzle", "sql"]) {
        cpSync(join(projectDir, folder), join(rootDir, folder), { recursive: true });
    }
    lines = [];
});
afterEach(async () => {
    await database.drop();
});

const migrate = (programVersion = "1.0.0") =>
    migrateDatabase(database.target, { log: (line) => lines.push(line), rootDir, programVersion });

async function refusalOf(migrating: Promise<unknown>): Promise<SluiceError> {
    const error = await refusal(migrating);
    expect(error.exitCode).toBe(exitCodes.configuration);
    return error;
}

/** Everything that is in the database, system catalogs aside. */
async function inventory(): Promise<string[]> {
    const found = await database.sql<{ what: string }[]>`
        select format('%s %s.%s', relkind, nspname, relname) as what
        from pg_class
        join pg_namespace on pg_namespace.oid = relnamespace
        where nspname in ('public', 'ingest')
        union all
        select format('function %s', pg_proc.oid::regprocedure)
        from pg_proc
        where pronamespace in (select oid from pg_namespace where nspname in ('public', 'ingest'))
        union all
        select format('schema %s', nspname) from pg_namespace where nspname = 'ingest'
        order by 1`;
    return found.map(({ what }) => what);
}

const value = async (expression: string) =>
    (await database.sql.unsafe<{ value: unknown }[]>(`select ${expression} as value`))[0]!.value;

/** Adds `text` as one more migration, as drizzle-kit would. */
function addMigration(tag: string, when: number, text: string): void {
    writeFileSync(join(rootDir, "drizzle", `${tag}.sql`), text);
    const file = join(rootDir, "drizzle", "meta", "_journal.json");
    const journal = JSON.parse(readFileSync(file, "utf8"));
    journal.entries.push({ idx: journal.entries.length, version: "7", when, tag, breakpoints: true });
    writeFileSync(file, JSON.stringify(journal));
}

const lastWhen = () =>
    Math.max(
        ...JSON.parse(readFileSync(join(rootDir, "drizzle", "meta", "_journal.json"), "utf8")).entries.map(
            (entry: { when: number }) => entry.when,
        ),
    );

test("makes the tables and functions in an empty database, and then has nothing to do", async () => {
    const result = await migrate();
    expect(result.migrations[0]).toMatch(/^drizzle\/0000_.*\.sql$/);
    expect(result.sqlFiles).toBe(true);
    expect(await inventory()).toContain("r public.events");
    const before = await inventory();
    expect(await migrate()).toEqual({ migrations: [], sqlFiles: false });
    expect(await inventory()).toEqual(before);
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain(database.target.password || "no password");
});

test("makes staging again, and the functions of its rows, after the restore of a dump that leaves it out", async () => {
    await migrate();
    await database.sql`drop table ingest.staging cascade`;
    expect(await migrate()).toEqual({ migrations: [], sqlFiles: true });
    const [row] = await database.sql`
        select
            (select count(*) from pg_inherits where inhparent = 'ingest.staging'::regclass) as "lanes",
            (select count(*) from pg_proc where proname in ('raw_record', 'extra_values')) as "functions"`;
    expect(row).toEqual({ lanes: 6, functions: 2 });
    expect(await migrate()).toEqual({ migrations: [], sqlFiles: false });
});

test("should fail: another migration that does not go on is not waited for without end", async () => {
    const other = connect(database.target, { applicationName: "sluice migrate, frozen", max: 1 });
    try {
        await other`select pg_advisory_lock(126909663503205)`;
        const failure = await migrateDatabase(database.target, { log: () => {}, lockTimeoutMs: 100 }).catch((e) => e);
        expect(failure).toMatchObject({ code: "migration_failed", exitCode: 3 });
        expect(failure.remedy).toContain("end it");
    } finally {
        await other.end({ timeout: 1 });
    }
});

test("processes that start at once apply everything exactly once", async () => {
    const children = [1, 2, 3, 4].map(() =>
        Bun.spawn([process.execPath, join(import.meta.dir, "migrate-once.ts"), database.url], { stderr: "inherit" }),
    );
    const results = await Promise.all(
        children.map(async (child) => JSON.parse(await new Response(child.stdout).text())),
    );
    expect(results.filter(({ sqlFiles }) => sqlFiles)).toHaveLength(1);
    const applied = results.reduce((sum, { migrations }) => sum + migrations.length, 0);
    expect(await value("(select count(*) from ingest.migrations)")).toBe(applied);
});

describe("should fail, and touch nothing:", () => {
    test("a table events of somebody else's", async () => {
        await database.sql`create table public.events (id serial primary key, payload json)`;
        await database.sql`insert into public.events (payload) values ('{}')`;
        const before = await inventory();
        const error = await refusalOf(migrate());
        expect(error.code).toBe("foreign_events_table");
        expect(error.remedy).toContain("database of its own");
        expect(await inventory()).toEqual(before);
        expect(await value("(select count(*) from public.events)")).toBe(1);
    });

    test("a view events", async () => {
        await database.sql`create view public.events as select 1 as id`;
        expect((await refusalOf(migrate())).code).toBe("foreign_events_table");
    });

    test("a schema ingest of somebody else's", async () => {
        await database.sql`create schema ingest`;
        expect((await refusalOf(migrate())).code).toBe("foreign_ingest_schema");
    });

    test("an events table whose columns were changed since", async () => {
        await migrate();
        await database.sql`alter table events drop column price`;
        const error = await refusalOf(migrate());
        expect(error.code).toBe("foreign_events_table");
        expect(error.what).toContain("no column price");
    });

    test("a schema newer than the program", async () => {
        await migrate();
        await database.sql`insert into ingest.migrations (hash, created_at) values ('of a later release', 9999999999999)`;
        const error = await refusalOf(migrate());
        expect(error.code).toBe("schema_newer_than_program");
        expect(error.remedy).toBe("Update Sluice.");
    });

    test("a migration that was edited after it was applied", async () => {
        await migrate();
        const name = JSON.parse(readFileSync(join(rootDir, "drizzle", "meta", "_journal.json"), "utf8")).entries[0].tag;
        appendFileSync(join(rootDir, "drizzle", `${name}.sql`), "\n-- edited\n");
        const error = await refusalOf(migrate());
        expect(error.code).toBe("migration_changed");
        expect(error.what).toContain(name);
    });

    test("a user who may not create anything", async () => {
        const role = `reader_${Date.now()}`;
        await database.sql.unsafe(`create role ${role} login password 'x'`);
        try {
            const target = { ...database.target, user: role, password: "x" };
            const error = await refusalOf(migrateDatabase(target, { log: () => {}, rootDir }));
            expect(error).toMatchObject({ code: "migration_failed" });
            expect(error.remedy).toContain("grant create");
        } finally {
            await database.sql.unsafe(`drop role ${role}`);
        }
    });
});

describe("migrations", () => {
    test("a later one is applied to what is there, together with the SQL files", async () => {
        await migrate();
        addMigration("0999_more", lastWhen() + 1, "alter table ingest.files add column more text;");
        expect(await migrate()).toEqual({ migrations: ["drizzle/0999_more.sql"], sqlFiles: true });
        expect(await value("(select count(more) from ingest.files)")).toBe(0);
    });

    test("one that is older than the newest applied is applied all the same, not skipped in silence", async () => {
        addMigration("0998_late", lastWhen() + 2, "create table ingest.late (n integer);");
        await migrate();
        addMigration("0999_early", lastWhen() - 1, "create table ingest.early (n integer);");
        expect((await migrate()).migrations).toEqual(["drizzle/0999_early.sql"]);
    });

    test("should fail: one that fails leaves nothing behind, and its file is named", async () => {
        await migrate();
        const before = await inventory();
        const text =
            "create table ingest.half (n integer);\n--> statement-breakpoint\n\ncreate table ingest.files (n integer);\n";
        addMigration("0999_wrong", lastWhen() + 1, text);
        const error = await refusalOf(migrate());
        expect(error.code).toBe("migration_failed");
        expect(error.what).toContain("drizzle/0999_wrong.sql: ");
        expect(error.what).toContain("42P07");
        expect(await inventory()).toEqual(before);
    });
});

describe("the SQL files", () => {
    const file = () => join(rootDir, "sql", "events", "zz_test.sql");
    const write = (n: number) =>
        writeFileSync(file(), `create function ingest.test_answer() returns int return ${n};\n`);

    test("are applied again when one of them changed, was added or was removed", async () => {
        write(1);
        await migrate();
        expect(await value("ingest.test_answer()")).toBe(1);
        write(2);
        expect(await migrate()).toEqual({ migrations: [], sqlFiles: true });
        expect(await value("ingest.test_answer()")).toBe(2);
        renameSync(file(), file().replace("zz_", "zy_"));
        expect((await migrate()).sqlFiles).toBe(true);
        rmSync(file().replace("zz_", "zy_"));
        expect((await migrate()).sqlFiles).toBe(true);
        expect((await migrate()).sqlFiles).toBe(false);
    });

    test("of a newer program are applied, and an older one does not put its own back", async () => {
        write(1);
        await migrate("1.9.0");
        write(2);
        await migrate("1.10.0");
        expect(await value("ingest.test_answer()")).toBe(2);
        write(1);
        const error = await refusalOf(migrate("1.9.0"));
        expect(error).toMatchObject({ code: "schema_newer_than_program", remedy: "Update Sluice." });
        expect(await value("ingest.test_answer()")).toBe(2);
    });

    test("of an older program that are the same as the newer one's are fine", async () => {
        await migrate("1.10.0");
        expect(await migrate("1.9.0")).toEqual({ migrations: [], sqlFiles: false });
    });

    test.each([
        ["a syntax error", "create table x (n integer);\n\nselec 1;\n", ", line 3", "42601"],
        ["an unknown column", "-- ä€𝄞\nselect\n    event_id,\n    no_such_column\nfrom events;\n", ", line 4", "42703"],
        ["a raise", "select 1;\n\n\ndo $$\nbegin\n    raise exception 'no';\nend $$;\n", "", "P0001"],
        ["a table that is there", "create table ingest.files (n integer);", "", "42P07"],
        [
            "a body that does not parse",
            "select 1;\ncreate function f() returns int language sql\nas 'selec 1';",
            ", line 3",
            "42601",
        ],
    ])(
        "should fail: %s names the file, and the line where the server does, and nothing is applied",
        async (_, text, line, sqlState) => {
            await migrate();
            const before = await inventory();
            writeFileSync(file(), text);
            const error = await refusalOf(migrate());
            expect(error.what).toContain(`sql/events/zz_test.sql${line}: `);
            expect(error.what).toContain(sqlState);
            expect(await inventory()).toEqual(before);
            rmSync(file());
            expect(await migrate()).toEqual({ migrations: [], sqlFiles: false });
        },
    );
});

test("columns are compared by name, type and what an insert must fill", () => {
    const column = { name: "n", type: "integer", notNull: true, hasDefault: false };
    expect(compareColumns([column], [column])).toBeNull();
    expect(compareColumns([column], [])).toBe("it has no column n");
    expect(compareColumns([column], [{ ...column, type: "bigint" }])).toBe("its column n is bigint, not integer");
    expect(compareColumns([{ ...column, notNull: false }], [column])).toBe("its column n does not accept null");
    const added = { ...column, name: "added" };
    expect(compareColumns([column], [column, added])).toBe(
        "its column added needs a value, and Sluice does not know it",
    );
    expect(compareColumns([column], [column, { ...added, hasDefault: true }])).toBeNull();
    expect(compareColumns([column], [column, { ...added, notNull: false }])).toBeNull();
});
