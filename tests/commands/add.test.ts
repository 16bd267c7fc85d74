/** `bun run add`, as a person runs it: in a folder of its own, without a terminal, against real tables. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { startIngest } from "../support/ingest-process.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { runScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";

let database: TestDatabase;
let folder: string;

beforeEach(async () => {
    database = await createTestDatabase(import.meta.path);
    folder = mkdtempSync(join(tmpdir(), "sluice-add-"));
    mkdirSync(join(folder, "data/input_data"), { recursive: true });
});
afterEach(async () => {
    rmSync(folder, { recursive: true });
    await database.drop();
});

const run = (name: string, ...args: string[]) =>
    runScript(name, args, { cwd: folder, environment: { DATABASE_URL: database.url } });
const add = (...args: string[]) => run("add", ...args);
const ingest = () => run("ingest", "--trigger", "available-now", "--tail-settle", "0", "--check", "--json");
const put = (name: string, ...lines: string[]) =>
    writeFileSync(join(folder, "data/input_data", name), `${lines.join("\n")}\n`);
const read = (path: string) => readFileSync(join(folder, path), "utf8");
const made = () =>
    existsSync(join(folder, "streams")) ? readdirSync(join(folder, "streams"), { recursive: true }) : [];

const orders = [
    "Order ID,zip,total,placed_at,note",
    "1,01569,12.50,2026-01-05T10:00:00Z,",
    "2,80331,7.00,2026-01-06T11:30:00+01:00,gift",
    "3,10115,1100.25,2026-01-07T00:00:00Z,",
];
const input = "data/input_data";

describe("--mode snapshot", () => {
    test("declares files that are the whole table: the next one takes away what it lacks", async () => {
        put("orders-1.csv", ...orders);
        const { exitCode, stderr } = await add(`${input}/orders-1.csv`, "--key", "order_id", "--mode", "snapshot");
        expect([exitCode, exitCode === 0 ? "" : stderr]).toEqual([0, ""]);
        expect(read("streams/orders.ts")).toContain('mode: "snapshot"');
        expect(await ingest()).toMatchObject({ exitCode: 0 });
        put("orders-2.csv", ...orders.slice(0, 3));
        expect((await run("try", `${input}/orders-2.csv`)).stdout).toContain("snapshot_removes_too_much");
        expect((await ingest()).exitCode).toBe(1);
        const retried = await run("retry", "--file", "orders-2.csv", "--allow-removal");
        expect(retried).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("It lacks 1 of 3 rows") });
        expect(await ingest()).toMatchObject({ exitCode: 0 });
        expect(await database.sql`select order_id::integer as id from public.orders order by 1`).toMatchObject([
            { id: 1 },
            { id: 2 },
        ]);
    });

    test("--by without it is refused", async () => {
        put("orders-1.csv", ...orders);
        const { exitCode, stderr } = await add(`${input}/orders-1.csv`, "--key", "order_id", "--by", "zip");
        expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("--mode snapshot") });
        expect(made()).toEqual([]);
    });
});

describe("a CSV file without a table", () => {
    test("gets one, is tried and undone; the next ingest takes it and others of its name", async () => {
        put("orders-2026-01.csv", ...orders);
        const { exitCode, stdout, stderr } = await add(`${input}/orders-2026-01.csv`, "--key", "order_id");
        expect([exitCode, exitCode === 0 ? "" : stderr]).toEqual([0, ""]);
        expect(stdout).toContain("orders: orders*.csv → public.orders");
        expect(stdout).toContain("3 read = 3 inserted + 0 duplicate + 0 conflict + 0 rejected. Nothing was kept.");
        expect(read("streams/orders.ts")).toBe(
            'import { stream } from "sluice";\n\n' +
                'export default stream({ files: "orders*.csv", table: "public.orders", aliases: { "Order ID": "order_id" } });\n',
        );
        const columns = await database.sql<{ line: string }[]>`
            select concat_ws(' ', attname, format_type(atttypid, atttypmod), case when attnotnull then 'not null' end) as line
            from pg_attribute where attrelid = 'public.orders'::regclass and attnum > 0 order by attnum`;
        expect(columns.map(({ line }) => line)).toEqual([
            "order_id bigint not null",
            "zip text not null",
            "total numeric(12,2) not null",
            "placed_at timestamp with time zone not null",
            "note text",
        ]);
        expect(read("streams/migrations/0000_orders.sql")).toContain('-- text: "01569" begins with 0');
        const [tried] = await database.sql`select count(*)::integer as rows from public.orders`;
        expect(tried).toEqual({ rows: 0 });

        put(
            "orders-2026-02.csv",
            orders[0]!,
            "4,99084,x,2026-02-01T00:00:00Z,",
            "3,10115,1100.25,2026-01-07T00:00:00Z,",
        );
        expect((await ingest()).exitCode).toBe(0);
        const rows =
            await database.sql`select order_id::integer, zip, total::text from public.orders order by order_id`;
        expect([...rows]).toEqual([
            { order_id: 1, zip: "01569", total: "12.50" },
            { order_id: 2, zip: "80331", total: "7.00" },
            { order_id: 3, zip: "10115", total: "1100.25" },
        ]);
        const rejects = await database.sql`select reasons from ingest.rejects`;
        expect([...rejects]).toEqual([{ reasons: ["total_invalid"] }]);
    });

    test("says what loads the file, where it lies outside the watched folder, and that does load it", async () => {
        mkdirSync(join(folder, "data/shop"));
        writeFileSync(join(folder, "data/shop/orders-1.csv"), `${orders.join("\n")}\n`);
        const { stdout } = await add("data/shop/orders-1.csv", "--key", "order_id");
        expect(stdout).toContain("ingest --stream orders --input data/shop`, or copy orders-1.csv to data/input_data");
        const command = /`(?:bun run|sluice) (ingest --stream orders --input data\/shop)`/.exec(stdout)![1]!.split(" ");
        const loaded = await run(command[0]!, ...command.slice(1), "--trigger", "available-now");
        expect([loaded.exitCode, loaded.stdout]).toEqual([0, expect.stringMatching(/^= inserted +3\b/m)]);
        put("visits.csv", "id,name", "1,Ada", "2,Ben");
        expect((await add(`${input}/visits.csv`, "--key", "id")).stdout).toContain("ingest` loads its files.");
    });

    test("is made anew with --replace while its table is empty; its number is not used again", async () => {
        put("orders.csv", "order_id,order_date", "1,2026-01-05", "2,2026-01-06");
        expect((await add(`${input}/orders.csv`, "--key", "order_id", "--type", "order_date=text")).exitCode).toBe(0);
        const again = await add(`${input}/orders.csv`, "--key", "order_id");
        expect([again.exitCode, again.stderr]).toEqual([2, expect.stringContaining("--replace")]);
        expect(again.stderr).toContain("Edit streams/orders.ts");

        const replaced = await add(`${input}/orders.csv`, "--key", "order_id", "--replace");
        expect([replaced.exitCode, replaced.exitCode === 0 ? "" : replaced.stderr]).toEqual([0, ""]);
        expect(made().toSorted()).toEqual(["migrations", "migrations/0000_orders.sql", "orders.ts"]);
        const [column] = await database.sql`
            select format_type(atttypid, atttypmod) as type from pg_attribute
            where attrelid = 'public.orders'::regclass and attname = 'order_date'`;
        expect(column).toEqual({ type: "date" });
        expect((await ingest()).exitCode).toBe(0);

        const before = read("streams/orders.ts");
        const full = await add(`${input}/orders.csv`, "--key", "order_id", "--replace");
        expect([full.exitCode, full.stderr]).toEqual([2, expect.stringContaining("has rows; nothing was changed")]);
        expect(read("streams/orders.ts")).toBe(before);
        await database.sql`create table public.mine (id integer primary key)`;
        put("mine.csv", "id", "1");
        const mine = await add(`${input}/mine.csv`, "--key", "id", "--replace");
        expect([mine.exitCode, mine.stderr]).toEqual([2, expect.stringContaining("was not made by `add`")]);
        expect((await database.sql`select to_regclass('public.mine') is not null as stays`)[0]).toEqual({
            stays: true,
        });
    });

    test("is added again after all that was made of it was deleted by hand", async () => {
        put("orders.csv", ...orders);
        expect((await add(`${input}/orders.csv`, "--yes")).exitCode).toBe(0);
        rmSync(join(folder, "streams"), { recursive: true });
        await database.sql`drop table public.orders`;
        const again = await add(`${input}/orders.csv`, "--yes");
        expect([again.exitCode, again.exitCode === 0 ? "" : again.stderr]).toEqual([0, ""]);
        expect(made()).toContain("migrations/0001_orders.sql");
        expect((await ingest()).exitCode).toBe(0);
    });

    test("gets dates with the day first by --type alone, and by --date where no value says what comes first", async () => {
        put("orders.csv", "order_id,placed", "1,03/07/2026", "2,13/07/2026");
        const proposed = await add(`${input}/orders.csv`, "--yes");
        expect(proposed.stdout).toMatch(
            /placed +text .*day first, such as "03\/07\/2026"; as dates: --type placed=date\n/,
        );
        const typed = await add(`${input}/orders.csv`, "--yes", "--replace", "--type", "placed=date");
        expect([typed.exitCode, typed.stdout]).toEqual([0, expect.stringContaining("2 read = 2 inserted")]);
        expect(typed.stdout).toContain('as you said; dates such as "03/07/2026", read by dd/MM/yyyy');
        expect(read("streams/orders.ts")).toContain('timestamps: { format: "dd/MM/yyyy" }');
        expect((await ingest()).exitCode).toBe(0);
        const rows = await database.sql`select placed::text from public.orders order by order_id`;
        expect(rows.map(({ placed }) => placed)).toEqual(["2026-07-03", "2026-07-13"]);

        put("visits.csv", "id,at", "1,3.4.2026 9:05", "2,5.6.2026 10:30");
        const unsaid = await add(`${input}/visits.csv`, "--yes", "--type", "at=timestamptz");
        expect([unsaid.exitCode, unsaid.stderr]).toEqual([
            2,
            expect.stringContaining('--date "d.M.yyyy H:mm" or --date "M.d.yyyy H:mm"'),
        ]);
        const said = await add(`${input}/visits.csv`, "--yes", "--date", "d.M.yyyy H:mm");
        expect([said.exitCode, said.stdout]).toEqual([
            0,
            expect.stringMatching(/at +timestamp +not null +dates such as/),
        ]);
        expect((await ingest()).exitCode).toBe(0);
        const visits = await database.sql`select at::text from public.visits order by id`;
        expect(visits.map(({ at }) => at)).toEqual(["2026-04-03 09:05:00", "2026-06-05 10:30:00"]);
    });

    test("should fail when every record would be rejected, and nothing stays behind", async () => {
        put("orders.csv", "order_id,placed", "1,05-Jan", "2,06-Jan");
        const { exitCode, stderr } = await add(`${input}/orders.csv`, "--yes", "--type", "placed=date");
        expect([exitCode, stderr]).toEqual([
            2,
            expect.stringContaining(
                "All 2 records of data/input_data/orders.csv would be rejected, most often placed_invalid",
            ),
        ]);
        expect(made().filter((name) => name !== "migrations")).toEqual([]);
        expect((await database.sql`select to_regclass('public.orders') as orders`)[0]).toEqual({ orders: null });
        expect((await add(`${input}/orders.csv`, "--yes")).exitCode).toBe(0);
    });

    test("is printed, and nothing is written or connected to", async () => {
        put("orders.csv", ...orders);
        const { exitCode, stdout } = await add(`${input}/orders.csv`, "--print");
        expect(exitCode).toBe(0);
        expect(stdout).toContain('export default stream({ files: "orders*.csv"');
        expect(stdout).toContain("order_id bigint primary key");
        expect(made()).toEqual([]);
        const [row] = await database.sql`select to_regclass('public.orders') as orders`;
        expect(row).toEqual({ orders: null });
    });

    test("has a key only if somebody says so", async () => {
        put("orders.csv", ...orders);
        const silent = await add(`${input}/orders.csv`);
        expect(silent.exitCode).toBe(2);
        expect(silent.stderr).toContain("If that is right, give --key order_id, or --yes to accept the proposal.");
        expect(made()).toEqual([]);
        expect((await add(`${input}/orders.csv`, "--yes")).exitCode).toBe(0);
        put("school.csv", "student,subject,grade", "Ada,Art,1", "Ada,Maths,1", "Bob,Art,2");
        const none = await add(`${input}/school.csv`, "--yes");
        expect([none.exitCode, none.stderr]).toEqual([2, expect.stringContaining("--key COLUMN,COLUMN")]);
        expect((await add(`${input}/school.csv`, "--key", "student,subject")).exitCode).toBe(0);
        expect(read("streams/migrations/0001_school.sql")).toContain("primary key (student, subject)");
    });

    test("is refused with the flag that answers what could be meant in two ways", async () => {
        put("people.csv", "1,anna,2026-01-05", "2,ben,2026-01-06");
        const headless = await add(`${input}/people.csv`, "--yes", "--json");
        expect(JSON.parse(headless.stderr)).toMatchObject({ code: "add_needs_header" });
        const named = await add(`${input}/people.csv`, "--header", "id,name,day", "--yes");
        expect([named.exitCode, named.stdout]).toEqual([0, expect.stringContaining("2 read = 2 inserted")]);
        put("visits.csv", "id,at,age", "1,2026-01-05 10:00:00,NA", "2,2026-01-06 10:00:00,41");
        const said = await add(`${input}/visits.csv`, "--yes", "--null", "NA", "--type", "at=timestamptz");
        expect(said.exitCode).toBe(0);
        expect(read("streams/migrations/0001_visits.sql")).toMatch(/at timestamptz not null,.*\n +age integer +--/);
        expect(read("streams/visits.ts")).toContain('nulls: ["NA"]');
        expect((await add(`${input}/visits.csv`, "--key", "idd", "--name", "v")).stderr).toContain("--key id?");
    });

    test("is talked over at a terminal: what is asked, and then the whole", async () => {
        put("school.csv", "student,subject,grade", "Ada,Art,1", "Ada,Maths,1", "Bob,Art,2");
        const environment = { DATABASE_URL: database.url };
        const terminal = runOnTerminal("add", [`${input}/school.csv`], { cwd: folder, environment });
        const says = (words: string) => waitUntil(words, () => terminal.output().includes(words));
        await says("Which columns identify a record?");
        terminal.write("student, subject\r");
        await says("Create this stream? [y/N]");
        expect(made()).toEqual([]);
        terminal.write("y\r");
        expect(await terminal.exited).toBe(0);
        expect(read("streams/migrations/0000_school.sql")).toContain("primary key (student, subject)");
    });

    test("that is none, or is not there, is said to be", async () => {
        put("objects.csv", '{"id": 1}', '{"id": 2}');
        const json = await add(`${input}/objects.csv`, "--yes");
        expect([json.exitCode, json.stderr]).toEqual([2, expect.stringContaining("It looks like JSON, not CSV")]);
        const missing = await add("missing.csv", "--yes");
        expect([missing.exitCode, missing.stderr]).toEqual([2, expect.stringContaining("missing.csv")]);
    });

    test("is found in the input folder too, unless the working folder has one of that name", async () => {
        put("orders.csv", ...orders);
        const inside = await add("orders.csv", "--key", "order_id", "--name", "inside");
        writeFileSync(join(folder, "customers.csv"), "id,name\n1,Ada\n");
        put("customers.csv", "id,city", "1,Bonn");
        const outside = await add("customers.csv", "--key", "id", "--name", "outside");
        const nowhere = await add("customer.csv", "--yes");

        expect([inside.exitCode, inside.stdout]).toEqual([
            0,
            expect.stringContaining(`trial load of ${input}/orders.csv: 3 read`),
        ]);
        expect([outside.exitCode, outside.stdout]).toEqual([
            0,
            expect.stringContaining("\ntrial load of customers.csv: 1 read"),
        ]);
        expect(outside.stdout).toMatch(/^ {2}name +text/m);
        expect(nowhere.stderr).toContain(
            `There is no file customer.csv, neither in the working folder nor in the input folder ${input}.`,
        );
    });

    test("beside a running ingest: which process has to be restarted is said", async () => {
        put("orders.csv", ...orders);
        const running = startIngest(database.url, join(folder, input), [], { cwd: folder });
        await waitUntil("it is at work", async () => {
            const known = await database.sql`select to_regclass('ingest.workers') as workers`;
            return known[0]!.workers !== null && (await database.sql`select from ingest.workers`).length > 0;
        });
        const { stdout } = await add(`${input}/orders.csv`, "--yes");
        const [worker] = await database.sql<{ pid: number }[]>`select pid from ingest.workers`;
        await running.stop();

        expect(stdout).toContain(
            `loads its files; restart the running one (pid ${worker!.pid}), which reads streams/ only when it starts.`,
        );
        const again = await add("*.csv", "--table", "orders", "--name", "orders_again", "--json");
        expect(JSON.parse(again.stderr)).toMatchObject({ code: "table_shared" });
    });

    test("never overwrites: neither a stream, nor a table, nor a file", async () => {
        put("orders.csv", ...orders);
        await database.sql`create table public.orders (order_id bigint primary key)`;
        const table = await add(`${input}/orders.csv`, "--yes");
        expect(table.stderr).toContain("--table public.orders");
        expect(made()).toEqual([]);
        expect((await add(`${input}/orders.csv`, "--yes", "--name", "sales")).exitCode).toBe(0);
        const before = read("streams/sales.ts");
        const again = await add(`${input}/orders.csv`, "--yes", "--name", "sales", "--json");
        expect(JSON.parse(again.stderr)).toMatchObject({ code: "stream_exists" });
        const rival = await add(`${input}/orders.csv`, "--yes", "--name", "others", "--json");
        expect(JSON.parse(rival.stderr)).toMatchObject({ code: "stream_ambiguous" });
        expect(read("streams/sales.ts")).toBe(before);
    });
});

const ddl = `
    create schema shop;
    create type shop.order_status as enum ('new', 'paid');
    create table shop.customers (id bigint primary key);
    insert into shop.customers select generate_series(1, 5);
    create table shop.orders (
        order_id bigint primary key,
        customer_id bigint not null references shop.customers,
        status shop.order_status not null,
        total numeric(10, 2) constraint total_positive check (total >= 0),
        placed_at timestamptz not null,
        note text default 'none'
    )`;

describe("a table of the user's", () => {
    const lines = [
        "Order-ID,customer_id,status,total,placed_at,internal_id",
        "1,1,new,12.50,2026-01-05 10:00:00,x",
        "2,9,new,12.50,2026-01-05 10:00:00,x",
        "3,2,paid,-1,2026-01-05 10:00:00,x",
        "4,2,paid,12.345,2026-01-05 10:00:00,x",
    ];

    test("is mapped by its catalog, tried with the newest file, and left as it is", async () => {
        await database.sql.unsafe(ddl);
        put("orders-1.csv", ...lines);
        const before =
            await database.sql`select attname, atttypid from pg_attribute where attrelid = 'shop.orders'::regclass`;
        const { exitCode, stdout, stderr } = await add("orders-*.csv", "--table", "shop.orders");
        expect([exitCode, exitCode === 0 ? "" : stderr]).toEqual([0, ""]);
        for (const words of [
            "orders: orders-*.csv → shop.orders",
            /order_id +bigint +key \(orders_pkey\); "Order-ID" in the file/,
            /customer_id +bigint +required; must be in customers\(id\)/,
            /status +shop.order_status +required; new \| paid/,
            /total +numeric\(10,2\) +check total_positive: /,
            /placed_at +timestamp with time zone +required; the sample has no offset: read as UTC/,
            /note +text +not in the file: default 'none'/,
            /internal_id +\(file only\) +ignored: the table has no such column/,
            "4 read = 1 inserted + 0 duplicate + 0 conflict + 3 rejected. Nothing was kept.",
            /customer_id_unknown 1 +first in record 2/,
            /total_too_precise 1 +first in record 4/,
        ]) {
            expect(stdout).toMatch(words);
        }
        expect(read("streams/orders.ts")).toContain('ignore: ["internal_id"]');
        const after =
            await database.sql`select attname, atttypid from pg_attribute where attrelid = 'shop.orders'::regclass`;
        expect([...after]).toEqual([...before]);
        expect((await ingest()).exitCode).toBe(5);
        const rows = await database.sql`select order_id::integer, total::text, note from shop.orders`;
        expect([...rows]).toEqual([{ order_id: 1, total: "12.50", note: "none" }]);
    });

    test("asks for a column that no file has, and an alias answers", async () => {
        await database.sql.unsafe(ddl);
        put("orders-1.csv", ...lines.map((line) => line.replace("Order-ID", "number")));
        const missing = await add("orders-*.csv", "--table", "shop.orders");
        expect(missing.stderr).toContain('--alias "number=order_id"');
        expect(made()).toEqual([]);
        const said = await add("orders-*.csv", "--table", "shop.orders", "--alias", "number=order_id");
        expect([said.exitCode, said.stdout]).toEqual([0, expect.stringContaining("1 inserted")]);
        expect(read("streams/orders.ts")).toContain('aliases: { number: "order_id" }');
    });

    test("without a key is refused with the statement that helps; nothing is altered", async () => {
        await database.sql`create table public.logs (at timestamptz, line text)`;
        put("logs.csv", "at,line", "2026-01-01T00:00:00Z,x");
        const { exitCode, stderr } = await add(`${input}/logs.csv`, "--table", "logs");
        expect(exitCode).not.toBe(0);
        expect(stderr).toMatch(/alter table|create unique index/);
        expect(made()).toEqual([]);
        const [row] =
            await database.sql`select count(*)::integer as keys from pg_index where indrelid = 'logs'::regclass`;
        expect(row).toEqual({ keys: 0 });
    });

    test("of dates with the day first gets the format, if one value makes it certain", async () => {
        await database.sql`create table public.trips (id integer primary key, day date, note text)`;
        put("trips.csv", "id,day,note", "1,01.02.2026,x", "2,31.01.2026,y");
        const { exitCode, stdout } = await add(`${input}/trips.csv`, "--table", "trips");
        expect([exitCode, stdout]).toEqual([0, expect.stringContaining("2 inserted")]);
        expect(read("streams/trips.ts")).toContain('timestamps: { format: "dd.MM.yyyy" }');
        put("walks.csv", "id,day,note", "1,01.02.2026,x");
        const either = await add(`${input}/walks.csv`, "--table", "trips", "--name", "walks", "--print");
        expect(either.stdout).not.toContain("timestamps");
    });

    test("takes the columns that stand in the folders of its files from there, for all their values", async () => {
        await database.sql`create table clicks (day date, country text, no integer, primary key (day, no))`;
        for (const day of ["2026-05-01", "2026-05-02"]) {
            mkdirSync(join(folder, `${input}/clicks/day=${day}/Country=DE/x=1`), { recursive: true });
            put(`clicks/day=${day}/Country=DE/x=1/clicks-1.csv`, "no", "1", "2");
        }
        const path = `${input}/clicks/day=2026-05-01/Country=DE/x=1/clicks-1.csv`;
        const { exitCode, stdout, stderr } = await add(path, "--table", "clicks");
        expect([exitCode, exitCode === 0 ? "" : stderr]).toEqual([0, ""]);
        expect(stdout).toMatch(/day +date .*from the folder day=…\//);
        expect(stdout).toContain("2 read = 2 inserted");
        expect(read("streams/clicks.ts")).toContain('files: "clicks/day=*/Country=*/x=1/clicks*.csv"');
        expect(read("streams/clicks.ts")).toContain('partitions: ["day", "country"]');
        expect((await ingest()).exitCode).toBe(0);
        expect(await database.sql`select distinct country from clicks`).toMatchObject([{ country: "DE" }]);

        mkdirSync(join(folder, `${input}/others/day=2026-05-01`), { recursive: true });
        put("others/day=2026-05-01/others.csv", "no,word", "1,a", "2,b");
        const other = `${input}/others/day=2026-05-01/others.csv`;
        await database.sql`create table others (no integer primary key, day date, word text)`;
        const printed = await add(other, "--print", "--table", "others", "--files", "others/day=2026-*/*.csv");
        expect(printed.stdout).toContain(
            'stream({ files: "others/day=2026-*/*.csv", table: "public.others", partitions: ["day"] })',
        );
        const noTable = await add(other, "--name", "fresh", "--yes");
        expect(noTable.stdout).toContain("The path gives a value of day, which the table will not have.");
    });

    test("of decimal commas gets the setting, from what the file shows", async () => {
        await database.sql`create table public.payments (id integer primary key, amount numeric(12, 2))`;
        put("payments.csv", "id;amount", "1;1.234,50", "2;7,25");
        const { exitCode, stdout } = await add(`${input}/payments.csv`, "--table", "payments");
        expect([exitCode, stdout]).toEqual([0, expect.stringContaining("2 inserted")]);
        expect(read("streams/payments.ts")).toContain('numbers: { decimal: ",", thousands: "." }');
        expect((await ingest()).exitCode).toBe(0);
        const rows = await database.sql`select amount::text from public.payments order by id`;
        expect(rows.map(({ amount }) => amount)).toEqual(["1234.50", "7.25"]);
    });
});
