/** For `try`: which stream each file is tried for. */
import { basename, isAbsolute, relative, resolve, sep } from "node:path";
import { connect } from "../database/connect.ts";
import type { DatabaseTarget } from "../database/database-target.ts";
import { exitCodes, SluiceError } from "../errors.ts";
import { type KnownStream, readStreams } from "../operations/streams/read-streams.ts";
import { applyStream, type TableStream } from "../streams/apply-stream.ts";
import { homeOf } from "../streams/declare.ts";
import { isSameTable, loadStreams, streamOfTable } from "../streams/load-streams.ts";
import type { Mode } from "../streams/mode.ts";
import { createRouter, isInBucket } from "../streams/route-files.ts";
import type { Stream } from "../streams/stream.ts";
import { unknownStream } from "./open-streams.ts";

export interface TriedFor {
    /** `--stream` */
    stream?: string | undefined;
    /** `--table` */
    table?: string | undefined;
}

interface Candidates {
    builtIn: Stream;
    declared: readonly TableStream[];
    /** Those that the database knows and that no file declares: of tables that were named on a command line. */
    named: readonly TableStream[];
}

/** A stream and its files in their order; streams in the order of their first file. */
export interface TriedGroup {
    stream: Stream;
    files: string[];
    /** What was made for the look; null when all was there. */
    made: string | null;
}

/** @throws SluiceError for a stream that there is not, a table that cannot be taken, and a file that two streams claim */
export async function chooseTried(
    target: DatabaseTarget,
    builtIn: Stream,
    { stream, table }: TriedFor,
    files: readonly string[],
    inputDir: string,
): Promise<TriedGroup[]> {
    const candidates = await readCandidates(target, builtIn);
    const groups = new Map<string, string[]>();
    const chosen = new Map<string, TableStream | Stream>();
    for (const file of files) {
        const found = choose(candidates, { stream, table }, file, inputDir);
        chosen.set(found.name, found);
        groups.set(found.name, [...(groups.get(found.name) ?? []), file]);
    }
    const tried: TriedGroup[] = [];
    for (const [name, own] of groups) tried.push({ ...(await open(target, chosen.get(name)!)), files: own });
    return tried;
}

async function readCandidates(target: DatabaseTarget, builtIn: Stream): Promise<Candidates> {
    const declared = await loadStreams([builtIn.name]);
    const sql = connect(target, { applicationName: "sluice try", max: 1 });
    try {
        const known = await readStreams(sql);
        const isNamed = ({ name, isActive }: { name: string; isActive: boolean }) =>
            isActive && name !== builtIn.name && !declared.some((stream) => stream.name === name);
        const named = known.filter(isNamed).map((stream) => streamOfTable(stream.table, modeOfKnown(stream)));
        return { builtIn, declared, named };
    } finally {
        await sql.end({ timeout: 1 });
    }
}

/** As it was last declared; of a version that had fewer modes it says nothing. */
function modeOfKnown({ declaration }: KnownStream): Mode | undefined {
    return (declaration as { mode?: Mode } | null)?.mode;
}

function choose(
    { builtIn, declared, named }: Candidates,
    { stream, table }: TriedFor,
    file: string,
    inputDir: string,
): TableStream | Stream {
    if (table !== undefined) {
        const isOfTable = (one: TableStream) => isSameTable(one.table, table);
        return declared.find(isOfTable) ?? named.find(isOfTable) ?? streamOfTable(table);
    }
    const all = [...declared, ...named, builtIn];
    if (stream !== undefined) {
        const found = all.find(({ name }) => name === stream);
        if (found === undefined)
            throw unknownStream(
                stream,
                all.map(({ name }) => name),
            );
        return found;
    }
    const router = createRouter([...declared, builtIn], () => true);
    const claims = pathsOf(inputDir, file).map(router.claimOf);
    const claim = claims.find((one) => one.stream !== builtIn.name) ?? claims[0]!;
    if (claim.rivals !== null) {
        throw new SluiceError({
            code: "stream_ambiguous",
            what: `${file} matches the files of ${router.describe(claim.rivals)}, so an ingest reads it for none of them.`,
            from: "the command line",
            remedy: `Choose one: --stream ${claim.rivals[0]}.`,
            exitCode: exitCodes.usage,
        });
    }
    return all.find(({ name }) => name === claim.stream) ?? builtIn;
}

/** As an ingest may name it: of an object its address, and the rest of that under `--input s3://…`. */
function pathsOf(inputDir: string, file: string): string[] {
    if (!isInBucket(file)) return [pathIn(inputDir, file)];
    const start = `${inputDir.replace(/\/+$/, "")}/`;
    return file.startsWith(start) ? [file, file.slice(start.length)] : [file];
}

/** As the watched folder would name it; of a file elsewhere its name alone. */
function pathIn(inputDir: string, file: string): string {
    if (isInBucket(inputDir)) return basename(file);
    const path = relative(resolve(inputDir), resolve(file));
    return path.startsWith("..") || isAbsolute(path) ? basename(file) : path.split(sep).join("/");
}

async function open(target: DatabaseTarget, found: TableStream | Stream): Promise<Pick<TriedGroup, "stream" | "made">> {
    if ("home" in found) return { stream: found, made: null };
    const sql = connect(target, { applicationName: "sluice try", max: 1 });
    try {
        const before = (await readStreams(sql)).some(({ name }) => name === found.name);
        const stream = await applyStream(target, found, { isActive: false });
        const made = `The schema ${homeOf(found.name)} was created for it, with staging and functions and no rows. An ingest of ${found.table} uses it.`;
        return { stream, made: before ? null : made };
    } finally {
        await sql.end({ timeout: 1 });
    }
}
