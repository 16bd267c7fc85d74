/**
 * Opens a file of the watched folder for what it says: expanded when it is compressed, and in UTF-8. Compressed and
 * transcoded files are read twice: once to the end, so that nothing of a broken one gets in, and once to load it.
 */
import type { SourceConfig } from "../config-file/source-config.ts";
import type { IngestContext } from "./context.ts";
import type { Encoding } from "./dialect/dialect.ts";
import { compressionOf, defaultExpansionLimits, expand } from "./dialect/expand.ts";
import { measure, streamBytes, streamInput } from "./dialect/stream-input.ts";
import { encodingOfMark, transcode } from "./dialect/transcode.ts";
import { InputFault, type InputFile, openInput } from "./open-input.ts";

export interface ReadingHints {
    source: SourceConfig | null;
    /** What it was found to be when it was first read. */
    encoding: Encoding | null;
}

/**
 * @throws InputFault of openInput; `archive_…` for a compressed file that cannot be expanded; `dialect_ambiguous` when
 * the declared encoding is not what the byte order mark says.
 */
export async function openContent(context: IngestContext, path: string, hints: ReadingHints): Promise<InputFile> {
    const file = await openInput(context.config.inputDir, path);
    try {
        return await readAsText(context, file, path, hints);
    } catch (error) {
        await file.close();
        if (error instanceof InputFault) error.seen = file.seen;
        throw error;
    }
}

async function readAsText(
    context: IngestContext,
    file: InputFile,
    path: string,
    hints: ReadingHints,
): Promise<InputFile> {
    const { maxExpandedBytes, maxExpansionRatio, maxRecordBytes } = context.config;
    const format = compressionOf(path);
    const limits = {
        maxExpandedBytes: maxExpandedBytes ?? defaultExpansionLimits.maxExpandedBytes,
        maxExpansionRatio: maxExpansionRatio ?? defaultExpansionLimits.maxExpansionRatio,
    };
    const openBytes = () => (format === null ? streamBytes(file) : expand(streamBytes(file), format, limits));
    const start = async () =>
        format === null ? file.read(0, Math.min(markBytes, file.sizeBytes)) : firstBytes(openBytes());
    const encoding = hints.encoding ?? settleEncoding(await start(), hints.source?.encoding ?? null);
    if (format === null && encoding === "utf-8") return file;
    const open = () => transcode(openBytes(), encoding);
    const sizeBytes = await measure(open());
    // A block, and what of a record was carried over.
    const lookBackBytes = maxRecordBytes + 2 * 1024 * 1024;
    const described = { ...file, encoding, isCompressed: format !== null };
    return streamInput(described, open, sizeBytes, lookBackBytes);
}

/** A byte order mark takes no more. */
const markBytes = 4;

async function firstBytes(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
    let bytes = new Uint8Array();
    for await (const piece of stream) {
        bytes = Buffer.concat([bytes, piece]);
        if (bytes.length >= markBytes) break;
    }
    return bytes;
}

/** What is declared, else what the byte order mark says, else UTF-8. */
function settleEncoding(bytes: Uint8Array, declared: Encoding | null): Encoding {
    const marked = encodingOfMark(bytes);
    if (declared === null) return marked ?? "utf-8";
    if (marked !== null && marked !== declared) {
        const detail = `Its encoding is not certain: its byte order mark says ${marked}, sluice.config.ts says ${declared}.`;
        throw new InputFault({ problem: "dialect_ambiguous", detail, retryAfterMs: null });
    }
    return declared;
}
