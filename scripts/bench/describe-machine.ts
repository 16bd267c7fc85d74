/** Describes the machine and server of a figure, so that a reader can judge it. */
import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import type { Sql } from "../../src/database/connect.ts";

export interface Machine {
    cores: number;
    cpu: string;
    memoryGiB: number;
    system: string;
    bun: string;
    postgres: string;
    /** Those that matter, as the server has them. */
    settings: Record<string, string>;
}

const settingNames = [
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "wal_compression",
    "wal_buffers",
    "work_mem",
    "synchronous_commit",
    "fsync",
    "full_page_writes",
    "jit",
];

export async function describeMachine(sql: Sql): Promise<Machine> {
    const rows = await sql<{ name: string; value: string }[]>`
        select name, current_setting(name) as value
        from pg_settings
        where name = any(${settingNames}::text[])`;
    const [version] = await sql<[{ version: string }]>`select current_setting('server_version') as version`;
    return {
        cores: availableParallelism(),
        cpu: cpus()[0]?.model.trim() ?? "unknown",
        memoryGiB: Math.round(totalmem() / 2 ** 30),
        system: `${type()} ${release()}`,
        bun: Bun.version,
        postgres: version.version,
        settings: Object.fromEntries(rows.map(({ name, value }) => [name, value])),
    };
}
