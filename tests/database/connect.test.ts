import { beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { connect, connectForCopy } from "../../src/database/connect.ts";
import { useBareDatabase } from "../support/fixture.ts";
import { projectDir } from "../support/test-server.ts";

const database = useBareDatabase(import.meta.path);

/** Settings of a role, and the value that our sessions have all the same. */
const hostile: [name: string, theirs: string, ours: string][] = [
    ["statement_timeout", "1s", "0"],
    ["lock_timeout", "1s", "0"],
    ["idle_in_transaction_session_timeout", "1s", "0"],
    ["idle_session_timeout", "1s", "0"],
    ["default_transaction_isolation", "serializable", "read committed"],
    ["default_transaction_deferrable", "on", "off"],
    ["row_security", "off", "on"],
    ["bytea_output", "escape", "hex"],
    ["array_nulls", "off", "on"],
    ["transform_null_equals", "on", "off"],
    ["client_min_messages", "debug1", "notice"],
    ["plan_cache_mode", "force_generic_plan", "auto"],
    ["enable_hashjoin", "off", "on"],
    ["enable_nestloop", "off", "on"],
    ["enable_partition_pruning", "off", "on"],
    ["jit", "on", "off"],
    ["plpgsql.extra_errors", "all", "none"],
];

const pinned = {
    ...Object.fromEntries(hostile.map(([name, , ours]) => [name, ours])),
    TimeZone: "UTC",
    DateStyle: "ISO, YMD",
    client_encoding: "UTF8",
    search_path: "public",
    tcp_keepalives_idle: "30",
    application_name: "who asks",
};

describe("settings are the same whatever the role says", () => {
    beforeAll(async () => {
        const { sql, target } = database;
        await sql.unsafe(`alter database ${target.database} set timezone = 'Asia/Tokyo'`);
        await sql.unsafe(`alter database ${target.database} set datestyle = 'SQL, DMY'`);
        await sql.unsafe(`alter database ${target.database} set search_path = 'elsewhere'`);
        for (const [name, theirs] of hostile) {
            await sql.unsafe(`alter database ${target.database} set ${name} = '${theirs}'`);
        }
    });
    const query = `select ${Object.keys(pinned)
        .map((name) => `current_setting('${name}') as "${name}"`)
        .join(", ")}`;

    test("with postgres.js", async () => {
        const sql = connect(database.target, { applicationName: "who asks", max: 1 });
        const [row] = await sql.unsafe<Record<string, string>[]>(query);
        await sql.end();
        expect(row!).toEqual(pinned);
    });

    test("with the client for COPY", async () => {
        const sql = connectForCopy(database.target, { applicationName: "who asks" });
        const [row] = await sql.unsafe(query);
        await sql.close();
        expect(row).toEqual(pinned);
    });
});

test("a setting of a connection's own is in place of the pinned one, and null leaves it to the role and the database", async () => {
    const { sql: admin, target } = database;
    await admin.unsafe(`alter database ${target.database} set statement_timeout = '7s'`);
    await admin.unsafe(`alter database ${target.database} set lock_timeout = '8s'`);
    const settings = { statement_timeout: null, lock_timeout: "9s" };
    const sql = connect(target, { applicationName: "x", max: 1, settings });
    const [row] = await sql`
        select
            current_setting('statement_timeout') as "statement",
            current_setting('lock_timeout') as "lock",
            current_setting('default_transaction_isolation') as "isolation"`;
    await sql.end();
    expect(row).toEqual({ statement: "7s", lock: "9s", isolation: "read committed" });
});

test("a bigint arrives as a number, and as a JS bigint when a number could not hold it", async () => {
    const [row] = await database.sql`
        select 9007199254740991::bigint as "largest", -9007199254740993::bigint as "beyond", count(*) as "count",
            1700000000123456789::bigint as "nanoseconds"
        from generate_series(1, 3)`;
    expect(row).toEqual({
        largest: 9007199254740991,
        beyond: -9007199254740993n,
        count: 3,
        nanoseconds: 1700000000123456789n,
    });
});

test("a numeric arrives as the text it is", async () => {
    const [row] = await database.sql`select 12.30::numeric(10, 2) as "price"`;
    expect(row).toEqual({ price: "12.30" });
});

describe("arrays", () => {
    const flags = [true, null, false];

    test("go in as parameters with a cast", async () => {
        const { sql } = database;
        const [row] = await sql`
            select
                ${[1, 2]}::bigint[] = '{1,2}' as "bigints",
                ${['a"b', "c\\d", "e,f", "{}", "null", ""]}::text[]
                    = array['a"b', 'c\\d', 'e,f', '{}', 'null', ''] as "texts",
                ${[]}::int[] = '{}' as "empty",
                ${sql.array(flags)}::boolean[] = array[true, null, false] as "booleans",
                3 = any(${[3, 4]}::int[]) as "member"`;
        expect(row).toEqual({ bigints: true, texts: true, empty: true, booleans: true, member: true });
    });

    test("come out as arrays, with their nulls and in any depth", async () => {
        const [row] = await database.sql`
            select
                array[1, null, 3]::bigint[] as "bigints",
                array['a"b', 'c\\d', 'e,f', '{}', null, 'NULL', ''] as "texts",
                '{}'::text[] as "empty",
                array[[1, 2], [3, 4]] as "nested",
                array[1.50]::numeric[] as "numerics",
                array['{"a": 1}'::jsonb] as "documents",
                array['2024-05-01 00:00:00Z'::timestamptz] as "instants"`;
        expect(row).toEqual({
            bigints: [1, null, 3],
            texts: ['a"b', "c\\d", "e,f", "{}", null, "NULL", ""],
            empty: [],
            nested: [
                [1, 2],
                [3, 4],
            ],
            numerics: ["1.50"],
            documents: [{ a: 1 }],
            instants: [new Date("2024-05-01T00:00:00Z")],
        });
    });
});

test("variables of other programs steer neither client", async () => {
    const script = `
        import { connect, connectForCopy } from ${JSON.stringify(join(projectDir, "src/database/connect.ts"))};
        const target = JSON.parse(process.argv[1]);
        const sql = connect(target, { applicationName: "env", max: 1 });
        const copySql = connectForCopy(target, { applicationName: "env" });
        const query = "select current_database() || current_setting('TimeZone') as here";
        console.log((await sql.unsafe(query))[0].here, (await copySql.unsafe(query))[0].here);
        process.exit(0);`;
    const elsewhere = "postgres://x:y@127.0.0.1:1/elsewhere";
    const child = Bun.spawn([process.execPath, "-e", script, JSON.stringify(database.target)], {
        env: {
            ...process.env,
            ...{ DATABASE_URL: elsewhere, POSTGRES_URL: elsewhere, TLS_DATABASE_URL: elsewhere, PGURL: elsewhere },
            ...{ PGHOST: "127.0.0.9", PGPORT: "1", PGUSER: "x", PGDATABASE: "elsewhere", PGPASSWORD: "y" },
            ...{
                PGSSLMODE: "require",
                PGSSL: "require",
                PGSSLNEGOTIATION: "direct",
                PGOPTIONS: "-c TimeZone=Asia/Tokyo",
            },
        },
        stderr: "inherit",
    });
    const here = `${database.target.database}UTC`;
    expect((await new Response(child.stdout).text()).trim()).toBe(`${here} ${here}`);
});
