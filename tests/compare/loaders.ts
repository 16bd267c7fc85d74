/** The two that are compared, each on a database and a folder of its own. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestDatabase } from "../support/database.ts";
import { expireLeases } from "../support/read-tables.ts";
import { projectDir } from "../support/test-server.ts";

export interface Loader {
    database: TestDatabase;
    folder: string;
    /** Starts one run, as cron does. */
    start(): LoaderRun;
    /** The ids of records that it reports as not being in the table. */
    readToldIds(): Promise<Set<string>>;
    /** After a kill -9. */
    recover(): Promise<void>;
}

export interface LoaderRun {
    kill(): void;
    exited: Promise<number>;
}

const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** docs/compare/load-csv.ts. What is in its folder `failed` is told. */
export function scriptLoader(database: TestDatabase, folder: string): Loader {
    return {
        database,
        folder,
        start: () => run(["docs/compare/load-csv.ts", folder], database),
        async readToldIds() {
            const failed = join(folder, "failed");
            const names = existsSync(failed) ? readdirSync(failed) : [];
            return new Set(names.flatMap((name) => readFileSync(join(failed, name), "utf8").match(uuid) ?? []));
        },
        async recover() {},
    };
}

/** Sluice. What is in ingest.rejects is told, and every record of a file that failed. */
export function sluiceLoader(database: TestDatabase, folder: string): Loader {
    return {
        database,
        folder,
        start: () => run(["scripts/ingest.ts", "--input", folder, "--trigger", "available-now"], database),
        async readToldIds() {
            const rejects = await database.sql<{ text: string }[]>`
                select coalesce(record ->> 'event_id', raw_text) as text from ingest.rejects`;
            const failed = await database.sql<{ path: string }[]>`
                select path from ingest.files where state = 'failed'`;
            const texts = [
                ...rejects.map(({ text }) => text),
                ...failed.map(({ path }) => readFileSync(join(folder, path), "utf8")),
            ];
            return new Set(texts.flatMap((text) => text.match(uuid) ?? []));
        },
        // As if the ten seconds had gone by after which another run takes over.
        recover: () => expireLeases(database.sql),
    };
}

function run(command: string[], { url }: TestDatabase): LoaderRun {
    const child = Bun.spawn([process.execPath, ...command], {
        cwd: projectDir,
        env: { ...process.env, DATABASE_URL: url },
        stdio: ["ignore", "ignore", "ignore"],
    });
    return { kill: () => child.kill("SIGKILL"), exited: child.exited };
}
