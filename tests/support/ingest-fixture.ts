/** For tests that strike an ingest and do not look at its records: a database, a folder of numbered records, and its ingest. */
import { beforeAll, beforeEach } from "bun:test";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeTarget } from "../../src/database/database-target.ts";
import { atEnd } from "./at-end.ts";
import type { TestDatabase } from "./database.ts";
import { headerLine, idOf, makeFolder, useEmptyDatabase } from "./fixture.ts";
import { type IngestProcess, startIngest } from "./ingest-process.ts";
import { readCounts } from "./read-tables.ts";
import { waitUntil } from "./wait-until.ts";

/** 79 bytes. */
const record = (no: number) => `${idOf(no)},purchase,p1,u1,2024-05-01 10:00:00,1,1.00\n`;

export interface NumberedFolder {
    inputDir: string;
    /** Adds files with the next records, each put in place whole. */
    put(files: number, recordsAFile?: number): void;
}

export function makeNumberedFolder(): NumberedFolder {
    const inputDir = join(makeFolder(), "input");
    mkdirSync(inputDir);
    let records = 0;
    return {
        inputDir,
        put(files, recordsAFile = 1) {
            for (let file = 0; file < files; file += 1) {
                const path = join(inputDir, `${String(records).padStart(8, "0")}.csv`);
                const lines = Array.from({ length: recordsAFile }, (_, index) => record(records + index));
                writeFileSync(`${path}.tmp`, headerLine + lines.join(""));
                renameSync(`${path}.tmp`, path);
                records += recordsAFile;
            }
        },
    };
}

/** Ready when a test begins, and not before. */
export interface IngestFixture extends NumberedFolder {
    database: TestDatabase;
    /** As the role, if there is one. */
    url: string;
    /** By default it watches, in haste. */
    start(flags?: string[]): IngestProcess;
    whenInserted(records: number): Promise<void>;
}

export const inHaste = ["--trigger", "200ms", "--tail-settle", "0"];

/**
 * One database for the file, emptied before each test, and a new folder for each test. With `role` the ingest is of that
 * name, whom no limit exempts as a superuser.
 */
export function useIngestFixture(importMetaPath: string, { role }: { role?: string } = {}): IngestFixture {
    const database = useEmptyDatabase(importMetaPath);
    const fixture = { database } as IngestFixture;
    beforeAll(async () => {
        if (role !== undefined) await createRole(database, role);
        const { url } = role === undefined ? database : makeTarget({ ...database.target, user: role, password: "x" });
        const whenInserted = (records: number) =>
            waitUntil(`${records} are in`, async () => (await readCounts(database.sql)).inserted === records);
        Object.assign(fixture, { url, whenInserted });
    });
    beforeEach(() => {
        Object.assign(fixture, makeNumberedFolder());
        fixture.start = (flags = inHaste) => startIngest(fixture.url, fixture.inputDir, flags);
    });
    return fixture;
}

async function createRole({ sql }: TestDatabase, role: string): Promise<void> {
    atEnd(async () => void (await sql.unsafe(`drop owned by ${role}; drop role ${role}`)));
    await sql.unsafe(`
        create role ${role} login password 'x';
        grant usage on schema public, ingest to ${role};
        grant all on all tables in schema public, ingest to ${role};
        grant all on all sequences in schema ingest to ${role}`);
}
