/**
 * When each file's rows are visible to another connection: the ledger says `merged` in the transaction that commits the
 * last of them. A look is one index lookup of the oldest files that are not there yet, a fraction of a millisecond.
 */
import type { Sql } from "../../../src/database/connect.ts";
import type { WrittenFile } from "./write-paced.ts";

export interface Sighting {
    /** From the rename to the first look that saw all of its rows; in ms. At most one pause of looking too long. */
    lagMs: number;
    renamedAt: number;
}

export interface BacklogPoint {
    atSeconds: number;
    records: number;
}

const atOnce = 200;
const backlogEveryMs = 500;

export function watchFiles(sql: Sql, lookEveryMs: number) {
    const waiting = new Map<string, WrittenFile>();
    const sightings: Sighting[] = [];
    const backlog: BacklogPoint[] = [];
    const startedAt = performance.now();
    let waitingRecords = 0;
    let isStopped = false;
    const look = async () => {
        const names = [...waiting.keys()].slice(0, atOnce);
        const merged = await sql<{ path: string }[]>`
            select path from ingest.files where path = any(${names}::text[]) and state = 'merged'`;
        const seenAt = performance.now();
        for (const { path } of merged) {
            const { renamedAt, records } = waiting.get(path)!;
            sightings.push({ lagMs: seenAt - renamedAt, renamedAt });
            waiting.delete(path);
            waitingRecords -= records;
        }
    };
    const watching = (async () => {
        let nextPointAt = startedAt;
        while (!isStopped) {
            const begunAt = performance.now();
            if (begunAt >= nextPointAt) {
                backlog.push({ atSeconds: (begunAt - startedAt) / 1000, records: waitingRecords });
                nextPointAt += backlogEveryMs;
            }
            if (waiting.size > 0) await look();
            await Bun.sleep(Math.max(1, lookEveryMs - (performance.now() - begunAt)));
        }
    })();
    return {
        expect(file: WrittenFile): void {
            waiting.set(file.name, file);
            waitingRecords += file.records;
        },
        waitingFiles: () => waiting.size,
        async stop(): Promise<{ sightings: Sighting[]; backlog: BacklogPoint[] }> {
            isStopped = true;
            await watching;
            return { sightings, backlog };
        },
    };
}
