/** Brings an empty database to what the program of 0.1.0 left: its tables, its ledger, half of a backlog. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { migrateDatabase } from "../../src/database/migrate.ts";
import type { TestDatabase } from "../support/database.ts";
import { projectDir } from "../support/test-server.ts";

/** `dir`: a folder for the SQL of that version. */
export async function makeDatabaseOf010(database: TestDatabase, dir: string): Promise<void> {
    await migrateTo010(database, dir);
    await fillTables(database);
}

/** The tables of 0.1.0, and of what can be made again the staging table alone. */
async function migrateTo010(database: TestDatabase, dir: string): Promise<void> {
    cpSync(join(projectDir, "drizzle"), join(dir, "drizzle"), { recursive: true });
    const journalFile = join(dir, "drizzle/meta/_journal.json");
    const journal = JSON.parse(readFileSync(journalFile, "utf8"));
    journal.entries = journal.entries.filter(({ idx }: { idx: number }) => idx <= 8);
    writeFileSync(journalFile, JSON.stringify(journal));
    for (const folder of ["sql/engine", "sql/events", "sql/rendered/events"])
        mkdirSync(join(dir, folder), { recursive: true });
    const lanes = "create function ingest.lanes() returns smallint[] return '{0,1,2,3,4,5}'::smallint[];\n";
    const staging = readFileSync(join(projectDir, "sql/rendered/events/1_staging.sql"), "utf8");
    writeFileSync(join(dir, "sql/engine/staging.sql"), lanes + staging);
    await migrateDatabase(database.target, { log: () => {}, rootDir: dir, programVersion: "0.0.1" });
}

/** ledger-0.1.0.jsonl is what the program of 0.1.0 left: each line a row, without its nulls. */
async function fillTables(database: TestDatabase): Promise<void> {
    const lines = readFileSync(join(import.meta.dir, "ledger-0.1.0.jsonl"), "utf8")
        .trim()
        .split("\n");
    // In the order of their names: the foreign keys are looked at by nobody.
    await database.sql.begin(async (transaction) => {
        await transaction`set local session_replication_role = replica`;
        for (const line of lines) {
            const { table, row } = JSON.parse(line) as { table: string; row: Record<string, unknown> };
            const columns = Object.keys(row).join(", ");
            await transaction.unsafe(
                `insert into ${table} (${columns}) overriding system value
                select ${columns} from jsonb_populate_record(null::${table}, $1::text::jsonb)`,
                [JSON.stringify(row)],
            );
        }
        for (const [table, column] of Object.entries({
            files: "file_id",
            loads: "load_id",
            chunks: "chunk_id",
            batches: "batch_id",
            rejects: "reject_id",
        })) {
            await transaction.unsafe(
                `select setval(pg_get_serial_sequence('ingest.${table}', '${column}'), max(${column})) from ingest.${table}`,
            );
        }
    });
}
