/**
 * Direct loads: chunks of a large file go by COPY straight into the table, as long as every value is plain and every key is new.
 * Staging and merging them would cost about twice the CPU.
 *
 * Two are under way at once, each a transaction of its own (sql/engine/direct_load.sql), and they are committed in the order of
 * the file. What the table has against a record undoes its chunk and the one behind it: from there on the file is staged and
 * merged, by the rules.
 */
import { randomUUID } from "node:crypto";
import { passFaultPoint } from "../../database/faults/pass-fault-point.ts";
import { isConnectionFault, meaningOf, sluiceStates, sqlStateOf } from "../../database/sql-states.ts";
import type { Batch } from "../ledger/batch.ts";
import { abandonLoads, recordDirectLoad, takesDirectLoad } from "../ledger/loads.ts";
import { InputFault } from "../read/open-input.ts";
import { createScanner } from "../read/scan-records.ts";
import { createCopyBytes, writtenBytes } from "../stage/copy-bytes.ts";
import type { CopyConnection } from "../stage/copy-connection.ts";
import { directStatement, readPlain } from "../stage/read-plain.ts";
import type { LoadPart, StagedOutcome } from "../stage/stage-parts.ts";
import { isHeldBack } from "./held-files.ts";
import { recordedShape, stagedChunk, verifyPart } from "./load-chunks.ts";
import type { Loader } from "./loader.ts";

/** Two of them, and one that is read, are in memory. */
const directBytes = 4 * 1024 * 1024;
/** A chunk ends behind its bound: mostly by less than this. */
const roomBytes = 64 * 1024;
/** A COPY gets its rows in pieces, so that one that fails is noticed. */
const pieceBytes = 256 * 1024;

/** The batch that a chunk became, or what went wrong. */
type Landed = { batch: Batch } | { error: unknown };

/** One chunk on its way. */
interface Flight {
    part: LoadPart;
    loadId: number;
    batchKey: string;
    /** Never rejects. */
    landed: Promise<Landed>;
}

/** The part in front of it was not committed, so that this one must not be either. */
class NotItsTurn extends Error {}

/**
 * Loads from `firstPart` on what can go that way. Returns the part that is to be staged next, or null when the file is at its end.
 * `partBehind` gives what comes behind a loaded part. Throws what ends any load: a lost connection, a lost lease.
 */
export async function loadDirect(
    loader: Loader,
    firstPart: LoadPart,
    partBehind: (part: LoadPart, outcome: StagedOutcome) => LoadPart | null,
): Promise<LoadPart | null> {
    const { file, shape } = firstPart;
    // One that is expanded or transcoded as it is read would begin anew for a chunk that is read twice.
    if (file.isCompressed || file.encoding !== "utf-8") return firstPart;
    const statement = directStatement(shape);
    if (statement === null || isHeldBack(loader) || loader.directPause.isOn()) return firstPart;
    if (!(await takesDirectLoad(loader.sql, loader.stream.id))) return firstPart;
    const flights: Flight[] = [];
    try {
        return await fly(loader, flights, statement, firstPart, partBehind);
    } finally {
        for (const flight of flights) note(loader, flight, await flight.landed);
    }
}

async function fly(
    loader: Loader,
    flights: Flight[],
    statement: string,
    firstPart: LoadPart,
    partBehind: (part: LoadPart, outcome: StagedOutcome) => LoadPart | null,
): Promise<LoadPart | null> {
    const { copyConnections } = loader;
    const scanner = createScanner();
    const buffers = [...copyConnections, null].map(() =>
        createCopyBytes(shorter(firstPart) - firstPart.firstByte + roomBytes),
    );
    let part: LoadPart | null = firstPart;
    for (let turn = 0; part !== null && !loader.isStopped(); turn += 1) {
        const short: LoadPart = { ...part, stopAt: shorter(part) };
        const out = buffers[turn % buffers.length]!;
        const outcome = await readPlain(loader.config, short, out, scanner).catch(unlessUnreadable);
        if (outcome === null || outcome.records === 0) break;
        if (flights.length === copyConnections.length) {
            const refused = await land(loader, flights);
            if (refused !== null) return refused;
        }
        const connection = copyConnections[turn % copyConnections.length]!;
        flights.push(await begin(loader, connection, short, outcome, statement, writtenBytes(out), flights.at(-1)));
        part = partBehind(short, outcome);
    }
    while (flights.length > 0) {
        const refused = await land(loader, flights);
        if (refused !== null) return refused;
    }
    return part;
}

/** At least one record, as any part. */
const shorter = ({ firstByte, recordsFrom, stopAt }: LoadPart) =>
    Math.min(stopAt, Math.max(firstByte + directBytes, recordsFrom + 1));

/** What is wrong with a file is told by who stages it. */
function unlessUnreadable(error: unknown): null {
    if (error instanceof InputFault) return null;
    throw error;
}

async function begin(
    loader: Loader,
    connection: CopyConnection,
    part: LoadPart,
    outcome: StagedOutcome,
    statement: string,
    rows: Buffer,
    before: Flight | undefined,
): Promise<Flight> {
    const { stream, workerId, config, sql } = loader;
    const batchKey = randomUUID();
    const { loadId, chunkIds } = await connection.beginLoad(stream.id, workerId, "verbatim", 1, before?.loadId ?? null);
    const landed = connection
        .copyWith(stream.id, statement, piecesOf(rows), async (copySql) => {
            if (before !== undefined && "error" in (await before.landed)) throw new NotItsTurn();
            await verifyPart(part, outcome);
            const chunk = stagedChunk(false, part, outcome, { chunkId: chunkIds[0]!, shapeNo: 0 }, "verbatim");
            const bytes = outcome.endByte - part.firstByte;
            const shape = recordedShape(config, part.shape);
            const batch = await recordDirectLoad(copySql, loadId, bytes, shape, chunk, batchKey);
            await passFaultPoint("before-direct-commit");
            return batch;
        })
        .then(
            (batch) => ({ batch }),
            async (error: unknown) => {
                await connection.discard();
                await abandonLoads(sql, [loadId]).catch(() => {
                    // The database is unreachable: whoever holds the lease next abandons what is left 'loading'.
                });
                return { error };
            },
        );
    return { part, loadId, batchKey, landed };
}

async function* piecesOf(rows: Buffer): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < rows.length; at += pieceBytes) {
        yield rows.subarray(at, at + pieceBytes);
        await passFaultPoint("in-direct-copy");
    }
}

/** Waits for the first of the flights. Returns its part when it was refused: then those behind it are given up, too. */
async function land(loader: Loader, flights: Flight[]): Promise<LoadPart | null> {
    const flight = flights.shift()!;
    const result = await answered(flight);
    note(loader, flight, result);
    if ("batch" in result) return null;
    if (!isRefusal(result.error)) throw result.error;
    await Promise.all(flights.splice(0).map(({ landed }) => landed));
    loader.directPause.begin();
    return flight.part;
}

async function answered({ landed }: Flight): Promise<Landed> {
    const result = await landed;
    try {
        if ("batch" in result) await passFaultPoint("after-direct-commit");
        return result;
    } catch (error) {
        return { error };
    }
}

function note(
    { noteBatch, tails, triedAlone, lostAnswers, wakeMergers }: Loader,
    { part, batchKey }: Flight,
    result: Landed,
): void {
    if ("batch" in result) {
        noteBatch(result.batch);
        tails.forget(part.fileId);
        triedAlone.delete(part.fileId);
    } else if (isConnectionFault(result.error)) {
        lostAnswers.push(batchKey);
        wakeMergers();
    }
}

/** Whether the records are to be staged after all. A merge meets what ails the table, too, and says so. */
function isRefusal(error: unknown): boolean {
    if (error instanceof NotItsTurn || error instanceof InputFault) return true;
    const state = sqlStateOf(error);
    if (state === null || state === sluiceStates.loadFenced) return false;
    return !isConnectionFault(error) && meaningOf(error) !== "halted";
}
