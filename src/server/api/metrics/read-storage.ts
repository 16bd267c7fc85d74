/** Facts for /metrics alone: they cost too much, or are of too little use, for the status that every page reads each second. */
import { sql } from "drizzle-orm";
import type { Database } from "../reader.ts";

export interface Storage {
    /** The whole database, with indexes and rejects. PostgreSQL looks at each of its files for that. */
    databaseBytes: number;
    /** Failed files that are not tried again by themselves. */
    filesGivenUp: number;
}

export async function readStorage(db: Database): Promise<Storage> {
    const [row] = await db.execute<{ databaseBytes: string; filesGivenUp: string }>(sql`
        select
            pg_database_size(current_database()) as "databaseBytes",
            (
                select count(*)
                from ingest.files
                where files.state = 'failed' and files.next_attempt_at is null
            ) as "filesGivenUp"`);
    return { databaseBytes: Number(row!.databaseBytes), filesGivenUp: Number(row!.filesGivenUp) };
}
