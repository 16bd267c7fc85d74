/** Tables of somebody's beside `events`, each with its stream, in one database and one folder. */
import { beforeEach } from "bun:test";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { IngestConfig } from "../../src/config/config.ts";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import { type IngestOptions, runIngest } from "../../src/engine/run/run-ingest.ts";
import type { RefreshStream } from "../../src/engine/run/table-block.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { applyStream, type TableStream } from "../../src/streams/apply-stream.ts";
import type { Stream } from "../../src/streams/stream.ts";
import { afterTest } from "../support/at-end.ts";
import type { TestDatabase } from "../support/database.ts";
import { headerLine, idOf, makeFolder } from "../support/fixture.ts";
import { ingestConfig } from "../support/ingest-folder.ts";

/** A table with a whole number as its key and a text. */
export const makeTable = (name: string) => `create table ${name} (no bigint primary key, word text)`;

export function declare(name: string, files: string, table = `public.${name}`): TableStream {
    const source = { newColumns: "reject-file" as const, match: files };
    return { name, files, table, source, key: null, mode: { name: "insert" }, allowsTriggers: false, isFile: false };
}

/** As openStreams of the commands does it. */
export function refreshWith(target: DatabaseTarget, declared: readonly TableStream[]): RefreshStream {
    return async (_, stream) => {
        const own = declared.find(({ name }) => name === stream.name);
        return own === undefined ? stream : await applyStream(target, own);
    };
}

export interface RunningIngest {
    /** `level: line` */
    lines: string[];
    stop(): Promise<Awaited<ReturnType<typeof runIngest>>>;
}

export interface SeveralStreams {
    inputDir: string;
    streams: readonly Stream[];
    put(path: string, text: string): void;
    /** `from` to `to` of a table that makeTable made. */
    putNumbers(path: string, from: number, to: number): void;
    putEvents(path: string, from: number, to: number): void;
    ingestOnce(options?: Partial<IngestOptions>, config?: Partial<IngestConfig>): ReturnType<typeof runIngest>;
    start(options?: Partial<IngestOptions>, config?: Partial<IngestConfig>): RunningIngest;
    /** Makes the streams anew, on an empty folder. */
    startAgain(): Promise<void>;
    count(table: string): Promise<number>;
    files(): Promise<{ stream: string; path: string; state: string; problem: string | null; detail: string | null }[]>;
}

/** `refresh` of a table that is missing throws what applyStream throws, as a fault of the table. */
export function useSeveralStreams(database: TestDatabase, declared: () => readonly TableStream[]): SeveralStreams {
    const { sql } = database;
    const several = {} as SeveralStreams;

    const optionsFor = (lines: string[], options: Partial<IngestOptions>, config: Partial<IngestConfig>) => {
        const logAs = (level: string) => (line: string) => void lines.push(`${level}: ${line}`);
        return {
            target: database.target,
            streams: several.streams,
            activeStreams: several.streams,
            config: { ...ingestConfig(several.inputDir), ...config },
            log: { info: logAs("info"), warn: logAs("warn"), error: logAs("error") },
            ...options,
        };
    };

    const startAgain = async () => {
        const applied: Stream[] = [];
        for (const stream of declared()) applied.push(await applyStream(database.target, stream));
        several.streams = [...applied, eventsStream];
        several.inputDir = join(makeFolder(), "input");
        mkdirSync(several.inputDir);
    };
    beforeEach(startAgain);

    return Object.assign(several, {
        startAgain,
        put(path: string, text: string) {
            const place = join(several.inputDir, path);
            mkdirSync(dirname(place), { recursive: true });
            writeFileSync(`${place}.tmp`, text);
            renameSync(`${place}.tmp`, place);
        },
        putNumbers(path: string, from: number, to: number) {
            const lines = Array.from({ length: to - from + 1 }, (_, index) => `${from + index},w${from + index}\n`);
            several.put(path, `no,word\n${lines.join("")}`);
        },
        putEvents(path: string, from: number, to: number) {
            const line = (no: number) => `${idOf(no)},purchase,p1,u1,2024-05-01 10:00:00,1,1.00\n`;
            const lines = Array.from({ length: to - from + 1 }, (_, index) => line(from + index));
            several.put(path, headerLine + lines.join(""));
        },
        ingestOnce: (options: Partial<IngestOptions> = {}, config: Partial<IngestConfig> = {}) =>
            runIngest(optionsFor([], options, config)),
        start(options: Partial<IngestOptions> = {}, config: Partial<IngestConfig> = {}) {
            const stopper = new AbortController();
            const lines: string[] = [];
            const watching = { trigger: { kind: "interval", ms: 200 } as const, ...config };
            const ended = runIngest({ ...optionsFor(lines, options, watching), signal: stopper.signal });
            ended.catch(() => {});
            const stop = () => {
                stopper.abort();
                return ended;
            };
            afterTest(() => stop().catch(() => {}));
            return { lines, stop };
        },
        async count(table: string) {
            const [row] = await sql.unsafe<{ rows: number }[]>(`select count(*) as rows from ${table}`);
            return row!.rows;
        },
        async files() {
            const rows = await sql<
                { stream: string; path: string; state: string; problem: string | null; detail: string | null }[]
            >`
                select streams.name as stream, files.path, files.state, files.problem, files.problem_detail as detail
                from ingest.files
                inner join ingest.streams using (stream_id)
                where files.state <> 'replaced'
                order by files.path, streams.name`;
            return [...rows];
        },
    });
}
