// Loads the CSV files of a folder into events. By cron, never twice at once:
//     * * * * *  flock -n /tmp/load-csv.lock bun load-csv.ts /srv/drops
import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { SQL } from "bun";

const folder = process.argv[2] ?? ".";
const columns = "event_id, event_type, product_id, user_id, event_timestamp, quantity, price";
const sql = new SQL(process.env.DATABASE_URL!, { max: 1 });
await sql.unsafe(`
    create table if not exists events (
        event_id uuid primary key,
        event_type varchar(50) not null,
        product_id varchar(100) not null,
        user_id varchar(100) not null,
        event_timestamp timestamptz not null,
        quantity integer check (quantity >= 0),
        price numeric(10, 2) check (price >= 0)
    )`);
for (const name of ["done", "failed"]) mkdirSync(join(folder, name), { recursive: true });

const names = readdirSync(folder).filter((name) => name.endsWith(".csv"));
let failures = 0;
for (const name of names.sort()) {
    try {
        // One transaction a file: all of it is in, or nothing.
        await sql.begin(async (transaction) => {
            await transaction`create temporary table staged (like events) on commit drop`;
            const copy = transaction.unsafe(`copy staged (${columns}) from stdin with (format csv, header match)`);
            await Bun.file(join(folder, name)).stream().pipeTo(copy.writable());
            await transaction`insert into events select * from staged on conflict (event_id) do nothing`;
        });
        renameSync(join(folder, name), join(folder, "done", name));
    } catch (error) {
        // Classes 22 and 23 are the data's fault; with anything else the next run may have more luck.
        const { errno, message } = error as { errno?: string; message: string };
        if (!/^2[23]/.test(errno ?? "")) throw error;
        console.error(`${name}: ${message}`);
        renameSync(join(folder, name), join(folder, "failed", name));
        failures += 1;
    }
}
await sql.end();
process.exit(failures === 0 ? 0 : 1);
