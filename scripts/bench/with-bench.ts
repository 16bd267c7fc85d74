/** The frame of the bench commands: a server, one connection to it and a folder that are gone at the end, and --json. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Option } from "commander";
import { logToStderr } from "../../src/commands/log.ts";
import { refuse } from "../../src/commands/refuse.ts";
import { type Flags, loadConfig } from "../../src/config/config.ts";
import { connect, type Sql } from "../../src/database/connect.ts";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import { openDatabase } from "../../src/database/open-database.ts";
import { dropFilledDatabase, openFilledDatabase } from "./bench-databases.ts";
import { describeMachine } from "./describe-machine.ts";

export interface Bench {
    /** A database on the server, to make others from. */
    server: DatabaseTarget;
    /** One connection to it. */
    admin: Sql;
    workDir: string;
    /** Opens the database whose table has so many rows. It is dropped at the end unless --keep is given. */
    openFilled(rows: number): Promise<DatabaseTarget>;
    /** Writes the figures, the machine and the command to the file of --json, if there is one. */
    writeJson(figures: object): Promise<void>;
}

export const keepOption = new Option(
    "--keep <folder>",
    "keep the bench's server and its filled tables there, and use them again",
);

/** `name` as in `bun run NAME`. */
export async function withBench(name: string, flags: Flags, work: (bench: Bench) => Promise<void>): Promise<void> {
    const { databaseUrl } = await loadConfig(["databaseUrl"], flags);
    const workDir = mkdtempSync(join(tmpdir(), "sluice-bench-"));
    const kept = typeof flags.keep === "string" ? resolve(flags.keep) : null;
    const dataDir = kept ?? join(workDir, "data");
    mkdirSync(dataDir, { recursive: true });
    const database = await openDatabase({ databaseUrl, dataDir, log: logToStderr });
    const admin = connect(database.target, { applicationName: "bench-admin", max: 1 });
    const filled = new Set<number>();
    try {
        await work({
            server: database.target,
            admin,
            workDir,
            async openFilled(rows) {
                filled.add(rows);
                return await openFilledDatabase(database.target, admin, rows, logToStderr);
            },
            async writeJson(figures) {
                if (typeof flags.json !== "string") return;
                const machine = await describeMachine(admin);
                const command = [`bun run ${name}`, ...process.argv.slice(2)].join(" ");
                const written = { command, at: new Date().toISOString(), machine, ...figures };
                writeFileSync(flags.json, `${JSON.stringify(written, null, 2)}\n`);
            },
        });
    } finally {
        if (kept === null) for (const rows of filled) await dropFilledDatabase(admin, rows);
        await admin.end();
        await database.close();
        rmSync(workDir, { recursive: true, force: true });
    }
}

/** @throws SluiceError (usage) when it is no whole number within the bounds. */
export function wholeNumber(flag: string, given: unknown, { least, most }: { least: number; most: number }): number {
    const number = Number(given);
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    throw refuse(
        "bad_flag_value",
        `${flag} "${given}" is not usable.`,
        `Give a whole number from ${least} to ${most}.`,
    );
}
