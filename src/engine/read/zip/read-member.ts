/** What a member of an archive holds, streamed: as much of the archive is read as the member takes. */
import { crc32 } from "node:zlib";
import { type ExpansionLimits, expand } from "../dialect/expand.ts";
import { streamBytes } from "../dialect/stream-input.ts";
import { InputFault, type InputFile } from "../open-input.ts";
import { findData, type ZipDirectory, type ZipMember } from "./read-directory.ts";

/** Which part of an archive a file is. */
export interface ArchivePart {
    /** Or why it cannot be read. */
    directory: ZipDirectory | InputFault;
    /** Null: the file is the archive itself, which is read by its members alone. */
    name: string | null;
}

/** @throws InputFault when there is nothing to be read */
export function requireMember(
    { directory, name }: ArchivePart,
    archiveBytes: number,
    limits: ExpansionLimits,
): ZipMember {
    if (directory instanceof InputFault) throw directory;
    const member = name === null ? null : directory.members.get(name);
    if (member == null) {
        const detail = name === null ? "Its members are files of their own by now." : "It is no longer in the archive.";
        throw new InputFault({ problem: "file_vanished", detail, retryAfterMs: null });
    }
    if (member.fault !== null) throw new InputFault(member.fault);
    if (isHarmful(member, limits)) throw tooLarge("It expands", limits);
    refuseTogether(directory, archiveBytes, limits);
    return member;
}

/** By what the archive says, which is held to when it is expanded. */
function isHarmful(
    { sizeBytes, compressedBytes }: ZipMember,
    { maxExpandedBytes, maxExpansionRatio }: ExpansionLimits,
): boolean {
    return sizeBytes > maxExpandedBytes || sizeBytes > compressedBytes * maxExpansionRatio + freeBytes;
}

/** Members may share their bytes, so that each is harmless, and all of them are not. */
function refuseTogether({ members }: ZipDirectory, archiveBytes: number, limits: ExpansionLimits): void {
    let sizeBytes = 0;
    for (const member of members.values()) if (!isHarmful(member, limits)) sizeBytes += member.sizeBytes;
    const ratio = limits.maxExpansionRatio;
    const isMuch = sizeBytes > limits.maxExpandedBytes || sizeBytes > archiveBytes * ratio + freeBytes * members.size;
    if (isMuch) throw tooLarge("All that is in its archive expands", limits);
}

const freeBytes = 1024 * 1024;

function tooLarge(what: string, { maxExpandedBytes, maxExpansionRatio }: ExpansionLimits): InputFault {
    const detail =
        `${what} to more than ${maxExpandedBytes} bytes (--max-expanded-bytes) ` +
        `or ${maxExpansionRatio} times its size (--max-expansion-ratio).`;
    return new InputFault({ problem: "archive_too_large", detail, retryAfterMs: null });
}

/** @throws InputFault `archive_…` when the bytes are not those that the directory tells of */
export async function* memberBytes(
    file: InputFile,
    member: ZipMember,
    limits: ExpansionLimits,
): AsyncGenerator<Uint8Array> {
    const start = await findData(file, member);
    const packed = streamBytes(file, start, start + member.compressedBytes);
    let bytes = 0;
    let checksum = 0;
    for await (const piece of member.isDeflated ? expand(packed, "deflate-raw", limits) : packed) {
        bytes += piece.length;
        if (bytes > member.sizeBytes) break;
        checksum = crc32(piece, checksum);
        yield piece;
    }
    if (bytes !== member.sizeBytes)
        throw damaged(`It does not expand to the ${member.sizeBytes} bytes that the archive says.`);
    if (checksum !== member.crc32) throw damaged("Its checksum is not the one that the archive says.");
}

function damaged(detail: string): InputFault {
    return new InputFault({ problem: "archive_corrupt", detail, retryAfterMs: null });
}
