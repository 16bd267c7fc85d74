/** Which files changed between two looks. What is looked at is bounded: files that are open, and the newest. */
import { sql } from "drizzle-orm";
import { files } from "../../../database/schema.ts";
import type { Database } from "../reader.ts";

export interface StreamFile {
    fileId: number;
    path: string;
    version: number;
    state: string;
    sizeBytes: number;
    loadedBytes: number;
    loadedRecords: number;
    problem: string | null;
}

const maxFilesEach = 100;

/** The first hundred of the files that wait, failed or are being merged, and the hundred newest; by their partial indexes. */
export async function readWatchedFiles(db: Database): Promise<StreamFile[]> {
    const [row] = await db.execute<{ files: StreamFile[] }>(sql`
        with watched_ids as (
            (select ${files.fileId} as file_id from ${files} order by ${files.fileId} desc limit ${maxFilesEach})
            union
            (select ${files.fileId} from ${files} where ${files.state} in ('pending', 'failed') limit ${maxFilesEach})
            union
            (select ${files.fileId} from ${files} where ${files.state} = 'loaded' order by ${files.fileId} limit ${maxFilesEach})
        )
        select coalesce(json_agg(${fileJson} order by ${files.fileId}), '[]') as files
        from ${files}
        where ${files.fileId} in (select watched_ids.file_id from watched_ids)
    `);
    return row!.files;
}

const fileJson = sql`json_build_object(
    'fileId', ${files.fileId},
    'path', ${files.path},
    'version', ${files.version},
    'state', ${files.state},
    'sizeBytes', ${files.sizeBytes},
    'loadedBytes', ${files.loadedBytes},
    'loadedRecords', ${files.loadedRecords},
    'problem', ${files.problem}
)`;

/** Those that are new or other than at the last look; none at the first. Remembers this look. */
export function createFileWatch(): { changed(found: readonly StreamFile[]): StreamFile[] } {
    let last: Map<number, string> | undefined;
    return {
        changed(found) {
            const before = last;
            last = new Map(found.map((file) => [file.fileId, JSON.stringify(file)]));
            if (before === undefined) return [];
            return found.filter((file) => before.get(file.fileId) !== JSON.stringify(file));
        },
    };
}
