/** The files whose changes a viewer is told of. Bounded: those that are open, and the newest. */
import { sql } from "drizzle-orm";
import { files } from "../../../database/schema.ts";
import type { SourceFile } from "../files/read-files.ts";
import type { Database } from "../reader.ts";
import { jsonOf, streamNameIn } from "../shapes.ts";

const { fileId, path, version, state, sizeBytes, loadedBytes, loadedRecords, problem } = files;
const stream = streamNameIn("files");
const fields = { fileId, path, version, stream, state, sizeBytes, loadedBytes, loadedRecords, problem };
export type WatchedFile = Pick<SourceFile, keyof typeof fields>;

const maxFilesEach = 100;

/** The first hundred of the files that wait, failed or are being merged, and the hundred newest; by their partial indexes. */
export async function readWatchedFiles(db: Database): Promise<WatchedFile[]> {
    const [row] = await db.execute<{ files: WatchedFile[] }>(sql`
        with watched_ids as (
            (select ${files.fileId} as file_id from ${files} order by ${files.fileId} desc limit ${maxFilesEach})
            union
            (select ${files.fileId} from ${files} where ${files.state} in ('pending', 'failed') limit ${maxFilesEach})
            union
            (select ${files.fileId} from ${files} where ${files.state} = 'loaded' order by ${files.fileId} limit ${maxFilesEach})
        )
        select coalesce(json_agg(${jsonOf(fields)} order by ${files.fileId}), '[]') as files
        from ${files}
        where ${files.fileId} in (select watched_ids.file_id from watched_ids)
    `);
    return row!.files;
}
