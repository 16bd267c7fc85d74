/** A database, a folder and files of the shop's events for most tests. All of it is removed by itself. */
import { beforeAll, beforeEach } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sql } from "../../src/database/connect.ts";
import { atEnd } from "./at-end.ts";
import { countFolder, type FolderCounts } from "./count-records.ts";
import { createBareDatabase, createTestDatabase, type TestDatabase } from "./database.ts";
import { type FolderOptions, generateFolder } from "./generate-folder.ts";
import { emptyTables } from "./read-tables.ts";

export const header = "event_id,event_type,product_id,user_id,event_timestamp,quantity,price";
export const headerLine = `${header}\n`;

/** The event_id of this number, in decimal digits. */
export const idOf = (no: number) => `00000000-0000-4000-8000-${String(no).padStart(12, "0")}`;

/** A file of these records, none of which ends its line. */
export const shopCsv = (...records: string[]) => `${[header, ...records].join("\n")}\n`;

/**
 * Opened before the tests of the file, or of the `describe`, and closed when the file ends. Do not use it before the first
 * `beforeAll`.
 */
export function useOpened<Thing extends object>(open: () => Promise<Thing>, close: (thing: Thing) => unknown): Thing {
    let thing: Thing | undefined;
    beforeAll(async () => {
        const opened = await open();
        thing = opened;
        atEnd(() => close(opened));
    });
    return lazily(() => {
        if (thing === undefined) throw new Error("It is there from beforeAll on.");
        return thing;
    });
}

/** Looked up at each use. */
function lazily<Thing extends object>(find: () => Thing): Thing {
    return new Proxy((() => {}) as unknown as Thing, {
        apply: (_, __, args) => Reflect.apply(find() as unknown as (...args: unknown[]) => unknown, undefined, args),
        get: (_, name) => Reflect.get(find(), name),
    });
}

/** Lets `const { sql } = fixture` stand at the top of a file. */
export function withSqlAtHand<Thing extends { sql: Sql }>(thing: Thing): Thing {
    const sql = lazily(() => thing.sql);
    return new Proxy(thing, { get: (_, name) => (name === "sql" ? sql : Reflect.get(thing, name)) });
}

/** One database for the file, migrated. */
export function useDatabase(importMetaPath: string): TestDatabase {
    return withSqlAtHand(
        useOpened(
            () => createTestDatabase(importMetaPath),
            ({ drop }) => drop(),
        ),
    );
}

/** The same, without a row before each test. */
export function useEmptyDatabase(importMetaPath: string): TestDatabase {
    const database = useDatabase(importMetaPath);
    beforeEach(() => emptyTables(database.sql));
    return database;
}

/** One without anything in it: for tests of what makes the tables. */
export function useBareDatabase(importMetaPath: string): TestDatabase {
    return withSqlAtHand(
        useOpened(
            () => createBareDatabase(importMetaPath),
            ({ drop }) => drop(),
        ),
    );
}

/** A folder that is removed when the test file ends. */
export function makeFolder(parent = tmpdir()): string {
    const folder = mkdtempSync(join(parent, "sluice-test-"));
    atEnd(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
}

/** One that holds nothing but these empty folders when a test begins. */
export function useFolder(...within: string[]): string {
    const folder = makeFolder();
    beforeEach(() => {
        rmSync(folder, { recursive: true, force: true });
        for (const name of ["", ...within]) mkdirSync(join(folder, name));
    });
    return folder;
}

/** A folder of generated files for all tests, and what the oracle says of it. */
export function useGeneratedFolder(options: FolderOptions): { inputDir: string; oracle: FolderCounts } {
    const inputDir = makeFolder();
    const oracle = useOpened(
        async () => {
            await generateFolder(inputDir, options);
            return countFolder(inputDir);
        },
        () => {},
    );
    return { inputDir, oracle };
}
