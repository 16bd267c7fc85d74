/** Which streams a command works on: the built-in one, those of streams/, or that of a table named on the command line. */

import { Option } from "commander";
import type { Sources } from "../config/config.ts";
import { connect } from "../database/connect.ts";
import type { DatabaseTarget } from "../database/database-target.ts";
import { streamModes } from "../database/schema.ts";
import { TableShapeFault } from "../database/table-shape.ts";
import type { IngestOptions } from "../engine/run/run-ingest.ts";
import { program } from "../environment.ts";
import { exitCodes, SluiceError } from "../errors.ts";
import type { TableStream } from "../streams/apply-stream.ts";
import { isSameTable, loadStreams, streamOfTable } from "../streams/load-streams.ts";
import type { Mode } from "../streams/mode.ts";
import type { Stream } from "../streams/stream.ts";
import { suggestName } from "../terminal/suggest-name.ts";

/** Loaded when there is a table to take: the rules of all types are in it, and most commands need none. */
const applying = () => import("../streams/apply-stream.ts");

export const tableOption = () =>
    new Option("--table <name>", "load every file of the folder into this table, without a declaration");
export const modeOption = () =>
    new Option("--mode <mode>", "with --table: how records meet the rows with their key (default: insert)").choices([
        ...streamModes,
    ]);
export const streamsOption = () => new Option("--stream <names...>", "only these streams (default: all)");

export interface ChosenStreams {
    /** `sales.orders` */
    table?: string | undefined;
    /** Of the stream of that table; default: insert. */
    mode?: Mode["name"] | undefined;
    names?: readonly string[] | undefined;
}

export type OpenedStreams = Pick<IngestOptions, "streams" | "activeStreams" | "sourcesOf" | "refresh" | "faults">;

/**
 * Reads the declarations and the tables, and makes what the database needs for them. Of several streams one whose table cannot be
 * taken begins blocked, with its remedy.
 * @throws SluiceError with the remedy for a declaration, for a table of two streams, or for a table when it is the only one
 */
export async function openStreams(
    target: DatabaseTarget,
    { table, mode, names }: ChosenStreams,
    builtIn: Stream,
    { sources, isBuiltInOff }: Sources,
): Promise<OpenedStreams> {
    if (table === undefined && mode !== undefined) throw modeWithoutTable();
    const declared =
        table === undefined ? await loadStreams([builtIn.name]) : [streamOfTable(table, await modeOf(mode))];
    const byName = new Map(declared.map((stream) => [stream.name, stream]));
    const builtIns = table === undefined && !isBuiltInOff ? [builtIn] : [];
    const all = [...byName.keys(), ...builtIns.map(({ name }) => name)];
    for (const name of names ?? []) if (!all.includes(name)) throw unknownStream(name, all);
    const faults = new Map<string, TableShapeFault>();
    const opened: Stream[] = [];
    for (const stream of declared) opened.push(await open(target, stream, faults));
    const activeStreams = [...opened, ...builtIns];
    if (activeStreams.length === 0) throw noStream();
    refuseSharedTable(activeStreams);
    const streams = activeStreams.filter(({ name }) => names === undefined || names.includes(name));
    if (streams.length === 1 && faults.has(streams[0]!.name)) throw faults.get(streams[0]!.name)!.cause;
    if (table === undefined) await retireOthers(target, all);
    return {
        activeStreams,
        streams,
        faults,
        sourcesOf: (stream) => (stream.source === null ? [...sources] : [stream.source]),
        refresh: async (_, stream) => {
            const source = byName.get(stream.name);
            return source === undefined ? stream : await refresh(target, source);
        },
    };
}

/** With the defaults of its settings. */
async function modeOf(name: Mode["name"] | undefined): Promise<Mode | undefined> {
    if (name === undefined) return undefined;
    const { modeSchema } = await import("../streams/mode.ts");
    return modeSchema.parse({ mode: name });
}

const modeWithoutTable = () =>
    new SluiceError({
        code: "invalid_option",
        what: "--mode is of the table that --table names.",
        from: "the command line",
        remedy: "A declared stream has its mode in its file, streams/<name>.ts.",
        exitCode: exitCodes.usage,
    });

/** Which of two records of a key came first is determined within a stream alone. */
function refuseSharedTable(streams: readonly Stream[]): void {
    const rivals = streams.find((stream) =>
        streams.some((other) => other !== stream && isSameTable(other.table, stream.table)),
    );
    if (rivals === undefined) return;
    const names = streams.filter(({ table }) => isSameTable(table, rivals.table)).map(({ name }) => name);
    throw new SluiceError({
        code: "table_shared",
        what: `The streams ${names.join(" and ")} load into one table, ${rivals.table}.`,
        remedy: "A table belongs to one stream: let `files` of one match the files of both, or give each its own table.",
        exitCode: exitCodes.configuration,
    });
}

const noStream = () =>
    new SluiceError({
        code: "no_stream",
        what: "There is no stream: sluice.config.ts turns the built-in one off, and streams/ declares none.",
        remedy: `Declare one in streams/<name>.ts (\`${program} add\`), or name its table with --table.`,
        exitCode: exitCodes.configuration,
    });

async function open(
    target: DatabaseTarget,
    declared: TableStream,
    faults: Map<string, TableShapeFault>,
): Promise<Stream> {
    try {
        return await (await applying()).applyStream(target, declared);
    } catch (error) {
        if (!declared.isFile || !(error instanceof SluiceError) || error.code === "invalid_stream") throw error;
        faults.set(declared.name, faultOf(declared, error));
        return await (await applying()).reserveStream(target, declared).catch(() => Promise.reject(error));
    }
}

/** What is in the way now may be out of it later: the stream waits. */
async function refresh(target: DatabaseTarget, declared: TableStream): Promise<Stream> {
    try {
        return await (await applying()).applyStream(target, declared);
    } catch (error) {
        throw error instanceof SluiceError ? faultOf(declared, error) : error;
    }
}

const faultOf = ({ table }: TableStream, error: SluiceError) =>
    new TableShapeFault({ table, problem: `${error.what} ${error.remedy}` }, error);

/** Streams whose file is gone: their ledger and table stay, and their files are nobody's. */
async function retireOthers(target: DatabaseTarget, names: readonly string[]): Promise<void> {
    const sql = connect(target, { applicationName: "sluice stream", max: 1 });
    try {
        // Asked first: a role that only loads may not change a stream.
        const others = await sql<{ name: string }[]>`
            select name
            from ingest.streams
            where is_active and declaration ->> 'isFile' = 'true' and name <> all(${names as string[]})`;
        if (others.length === 0) return;
        await sql`update ingest.streams set is_active = false where name = any(${others.map(({ name }) => name)})`;
    } finally {
        await sql.end({ timeout: 5 });
    }
}

export function unknownStream(name: string, names: readonly string[]): SluiceError {
    const near = suggestName(name, names);
    return new SluiceError({
        code: "unknown_stream",
        what: `There is no stream ${name}.`,
        remedy: near
            ? `Did you mean ${near}?`
            : `There are ${names.join(", ")}. Others are declared in streams/<name>.ts.`,
        exitCode: exitCodes.usage,
    });
}
