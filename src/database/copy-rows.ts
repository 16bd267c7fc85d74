/**
 * COPY … FROM STDIN, streamed. In: a connection from connectForCopy, the statement, the bytes. Guarantees that it
 * resolves only when the server has stored every row, and rejects when it has stored none. Works in autocommit (the
 * COPY is its own transaction) as well as inside one.
 */
import type { SQL } from "bun";
import { sqlStateOf } from "./sql-states.ts";

/** A COPY that failed, at the server or on the way to it. Holds no row values: Postgres's own error quotes the row. */
export class CopyError extends Error {
    override readonly name: string = "CopyError";
    /** Null when the connection failed. */
    readonly sqlState: string | null;
    /** The driver's name for the failure: isConnectionFault() understands it. */
    readonly code: string | null;
    /** The line of the stream, from 1, at which the server gave up; null when it is not the data's fault. */
    readonly line: number | null;

    constructor(error: unknown) {
        const { code, message, where } = error as { code?: string; message?: string; where?: string };
        const sqlState = sqlStateOf(error);
        const line = lineOf(where);
        const at = line === null ? "" : ` at line ${line}`;
        const reason = quotesValues(sqlState) ? `SQLSTATE ${sqlState}` : `${message} (${sqlState ?? code})`;
        super(`COPY failed${at}: ${reason}`);
        this.sqlState = sqlState;
        this.code = code ?? null;
        this.line = line;
    }
}

/**
 * Streams `source` into `statementText` and waits for the server's answer. At most one piece is in flight, so memory
 * stays flat however long the stream and slow the server. Once the next piece has been asked for, the driver is done
 * with the last one: the source may use its buffer again.
 *
 * When it rejects, the source has been told to stop (`return()`), nothing of the stream is stored, and the connection
 * runs the next statement; after a lost connection the driver opens a new one for it.
 * @throws CopyError; or what the source threw, unchanged.
 */
export async function copyRows(copySql: SQL, statementText: string, source: AsyncIterable<Uint8Array>): Promise<void> {
    const writer = copySql.unsafe(statementText).writable().getWriter();
    const failure = watchFailure(writer);
    const iterator = source[Symbol.asyncIterator]();
    try {
        while (true) {
            const piece = await failure.orResult(iterator.next(), (error) => new SourceFailure(error));
            if (piece.done) break;
            await writer.write(piece.value);
        }
        await writer.close();
    } catch (error) {
        const brokenBy = failure.error();
        // Not awaited: a generator that is stuck in its own await answers return() only after that.
        iterator.return?.().catch(() => {});
        await writer.abort(new Error("The source of the COPY failed.")).catch(() => {});
        // The cause, if it is known: close() of a broken stream only says that it is broken.
        throw error instanceof SourceFailure ? error.cause : new CopyError(brokenBy ?? error);
    }
}

/** Tells what the source threw from what the connection did. */
class SourceFailure {
    constructor(readonly cause: unknown) {}
}

/**
 * A server that gives up, or a backend that is terminated, must be noticed while the source has nothing to give, too.
 * (Not by Promise.race with `writer.closed`: each race would leave a handler on it for as long as the stream lasts.)
 */
function watchFailure(writer: WritableStreamDefaultWriter) {
    let failed: { error: unknown } | null = null;
    let interrupt: (error: unknown) => void = () => {};
    writer.ready.catch(() => {});
    writer.closed.catch((error: unknown) => {
        failed = { error };
        interrupt(error);
    });
    return {
        error: () => failed?.error ?? null,
        orResult<T>(promise: Promise<T>, wrap: (error: unknown) => unknown): Promise<T> {
            return new Promise((resolve, reject) => {
                interrupt = reject;
                if (failed !== null) reject(failed.error);
                promise.then(resolve, (error: unknown) => reject(wrap(error)));
            });
        },
    };
}

/** `COPY staging, line 12, column quantity: "…"`: the only place where Postgres says the line; in any language. */
function lineOf(where: string | undefined): number | null {
    const line = /^COPY [^\n]*?, \p{L}+ (\d+)/u.exec(where ?? "")?.[1];
    return line === undefined ? null : Number(line);
}

/** Errors of the data and of constraints name values; a malformed row (bad_copy_file_format) only says what is wrong. */
function quotesValues(sqlState: string | null): boolean {
    if (sqlState === null || sqlState === "22P04") return false;
    return sqlState.startsWith("22") || sqlState.startsWith("23");
}
