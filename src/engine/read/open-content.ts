/**
 * Opens a file of an inbox for what it says: taken out of its archive, expanded when it is compressed, and in UTF-8. Compressed
 * and transcoded files are read twice: once to the end, so that nothing of a broken one gets in, and once to load it.
 */

import type { IngestConfig } from "../../config/config.ts";
import type { FileProblem } from "../../database/file-problems.ts";
import type { Encoding } from "../../streams/dialect.ts";
import type { SourceConfig } from "../../streams/source-config.ts";
import type { SeenFile } from "../ledger/files.ts";
import { compressionOf, defaultExpansionLimits, expand, findPaddedEnd } from "./dialect/expand.ts";
import { describeExpanded, describeMisnamed, telltaleBytes } from "./dialect/identify-content.ts";
import { measure, streamBytes, streamInput } from "./dialect/stream-input.ts";
import { encodingOfMark, transcode } from "./dialect/transcode.ts";
import { InputFault, type InputFile } from "./open-input.ts";
import { memberBytes, requireMember } from "./zip/read-member.ts";

export type ContentConfig = Pick<IngestConfig, "maxRecordBytes" | "maxExpandedBytes" | "maxExpansionRatio">;

/** Where the file is: src/engine/discover/inbox.ts. */
export interface Openable {
    open(path: string, as?: (SeenFile & { path: string }) | null): Promise<InputFile>;
}

export interface ReadingHints {
    source: SourceConfig | null;
    /** By which the file was first read; null when it is new. */
    encoding: Encoding | null;
    /** How the ledger has seen it, if it need not be asked how it looks now. */
    as?: (SeenFile & { path: string }) | null;
}

/**
 * @throws InputFault of `open`; `archive_…` for a compressed file that cannot be expanded; `dialect_ambiguous` when
 * the declared encoding is not what the byte order mark says.
 */
export async function openContent(
    inbox: Openable,
    config: ContentConfig,
    path: string,
    hints: ReadingHints,
): Promise<InputFile> {
    const file = await inbox.open(path, hints.as);
    const format = compressionOf(path);
    try {
        try {
            return await readAsText(config, file, path, hints);
        } catch (error) {
            // Tapes and some stores pad a compressed file with zeros; a single one looks like the beginning of another member.
            const isDamaged =
                error instanceof InputFault && /^archive_(corrupt|truncated)$/.test(error.failure.problem);
            const isPadded = isDamaged && format !== null && file.part === undefined;
            const sizeBytes = isPadded ? await findPaddedEnd(file, format) : null;
            if (sizeBytes === null) throw error;
            return await readAsText(config, { ...file, sizeBytes }, path, hints);
        }
    } catch (error) {
        await file.close();
        if (error instanceof InputFault) error.seen = file.seen;
        throw error;
    }
}

async function readAsText(
    config: ContentConfig,
    file: InputFile,
    path: string,
    { source, encoding: known }: ReadingHints,
): Promise<InputFile> {
    const { maxExpandedBytes, maxExpansionRatio, maxRecordBytes } = config;
    const format = compressionOf(path);
    const limits = {
        maxExpandedBytes: maxExpandedBytes ?? defaultExpansionLimits.maxExpandedBytes,
        maxExpansionRatio: maxExpansionRatio ?? defaultExpansionLimits.maxExpansionRatio,
    };
    const member = file.part === undefined ? null : requireMember(file.part, file.sizeBytes, limits);
    const openStored = () => (member === null ? streamBytes(file) : memberBytes(file, member, limits));
    const readStart = () => (member === null ? startOf(file) : firstBytes(openStored()));
    const openBytes = () => (format === null ? openStored() : expand(openStored(), format, limits));
    const encoding = known ?? (await findEncoding(path, readStart, openBytes, source));
    if (format === null && member === null && encoding === "utf-8") return file;
    const open = () => transcode(openBytes(), encoding);
    const sizeBytes = await measure(open());
    // A block, and what of a record was carried over.
    const lookBackBytes = maxRecordBytes + 2 * 1024 * 1024;
    return streamInput(
        { ...file, encoding, isCompressed: format !== null || member !== null },
        open,
        sizeBytes,
        lookBackBytes,
    );
}

/** Looks at the first bytes: are they what the name says, and in which encoding? */
async function findEncoding(
    path: string,
    readStart: () => Promise<Uint8Array>,
    openBytes: () => AsyncIterable<Uint8Array>,
    source: SourceConfig | null,
): Promise<Encoding> {
    const format = compressionOf(path);
    const bytes = await readStart();
    refuse(describeMisnamed(bytes, path, format));
    const text = format === null ? bytes : await firstBytes(openBytes());
    if (format !== null) refuse(describeExpanded(text));
    const declared = source?.encoding ?? null;
    const marked = encodingOfMark(text);
    if (declared !== null && marked !== null && marked !== declared) {
        const detail = `Its encoding is not certain: its byte order mark says ${marked}, sluice.config.ts says ${declared}.`;
        refuse({ problem: "dialect_ambiguous", detail });
    }
    return declared ?? marked ?? "utf-8";
}

function refuse(failure: { problem: FileProblem; detail: string } | null): void {
    if (failure) throw new InputFault({ ...failure, retryAfterMs: null });
}

async function firstBytes(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
    let bytes = new Uint8Array();
    for await (const piece of stream) {
        bytes = Buffer.concat([bytes, piece]);
        if (bytes.length >= telltaleBytes) break;
    }
    return bytes.subarray(0, telltaleBytes);
}

const startOf = (file: InputFile) => file.read(0, Math.min(telltaleBytes, file.sizeBytes));
