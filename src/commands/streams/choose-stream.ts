/** `--stream` of the commands that look at one stream, or at all. */

import { Option } from "commander";
import type { Flags } from "../../config/config.ts";
import type { Sql } from "../../database/connect.ts";
import { program } from "../../environment.ts";
import { exitCodes, type SluiceError } from "../../errors.ts";
import { findStream, type KnownStream, readStreams } from "../../operations/streams/read-streams.ts";
import { refuse } from "../refuse.ts";

export function streamOption(): Option {
    return new Option("--stream <name>", `only of this stream: \`${program} streams\` lists them`);
}

/** Null without the flag. @throws SluiceError unknown_stream, with the near name */
export async function chooseStream(sql: Sql, { stream }: Flags): Promise<KnownStream | null> {
    return stream === undefined ? null : await requireStream(sql, stream as string);
}

/** @throws SluiceError unknown_stream */
export async function requireStream(sql: Sql, name: string): Promise<KnownStream> {
    const found = findStream(await readStreams(sql), name);
    if ("stream" in found) return found.stream;
    throw unknown(name, found.problem);
}

function unknown(name: string, problem: string): SluiceError {
    const remedy = problem.replace(/^No such stream\. /, "");
    return refuse("unknown_stream", `The ledger has no stream ${name}.`, remedy, exitCodes.usage);
}
