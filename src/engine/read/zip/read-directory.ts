/**
 * The directory of a zip archive: what is in it, and where. It is at the archive's end, so that it and each member are read by
 * ranges, and an archive of any size takes no more memory than its directory. yauzl reads it (zip64 too); what of it is taken
 * is decided here.
 */
import { isUtf8 } from "node:buffer";
import {
    type Entry,
    fromRandomAccessReaderPromise,
    getFileNameLowLevel,
    RandomAccessReader,
    validateFileName,
    type ZipFile,
} from "yauzl";
import { BucketFault } from "../../../bucket/faults.ts";
import { isArchive } from "../../../streams/archive-path.ts";
import type { FileFailure } from "../../ledger/files.ts";
import { InputFault, type InputFile } from "../open-input.ts";
import { readableText } from "../readable-text.ts";

export interface ZipMember {
    /** As its path has it: invalid bytes as `\xNN`. */
    name: string;
    /** What it expands to, as the directory says. */
    sizeBytes: number;
    compressedBytes: number;
    crc32: number;
    isDeflated: boolean;
    /** Why it can never be read; null when it can. */
    fault: FileFailure | null;
    headerAt: number;
}

export interface ZipDirectory {
    /** Without folders. Of several of one name there is one, with the fault. */
    members: ReadonlyMap<string, ZipMember>;
}

/** More would take the ledger minutes, and too much of its memory; it is also what a harmful archive has. */
export const mostMembers = 10_000;

/** @throws InputFault `archive_truncated`, `archive_corrupt` or `archive_too_large`; those of reading the archive */
export async function readDirectory(file: InputFile): Promise<ZipDirectory> {
    const zip = await openZip(file);
    try {
        if (zip.entryCount > mostMembers) throw tooMany();
        const members = new Map<string, ZipMember>();
        for await (const entry of zip.eachEntry()) {
            const member = withinReason(describeMember(entry), file.sizeBytes);
            if (member.name.endsWith("/")) continue;
            const isTwice = members.has(member.name);
            members.set(member.name, isTwice ? { ...member, fault: twice(member.name) } : member);
        }
        return { members };
    } catch (error) {
        throw directoryFault(error);
    } finally {
        zip.close();
    }
}

/** Where the bytes of a member begin. @throws InputFault */
export async function findData(file: InputFile, { headerAt, compressedBytes }: ZipMember): Promise<number> {
    const zip = await openZip(file);
    // All that it looks at: a whole entry takes a kilobyte of memory.
    const entry = { relativeOffsetOfLocalHeader: headerAt, compressedSize: compressedBytes } as Entry;
    try {
        const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
        return fileDataStart;
    } catch (error) {
        throw directoryFault(error);
    } finally {
        zip.close();
    }
}

async function openZip(file: InputFile): Promise<ZipFile> {
    try {
        return await openUpTo(file, file.sizeBytes);
    } catch (error) {
        if (error instanceof InputFault || error instanceof BucketFault) throw error;
        const end = await findPaddedEnd(file);
        if (end === null) throw await endFault(file, error);
        return await openUpTo(file, end).catch((again) => {
            throw directoryFault(again);
        });
    }
}

function openUpTo(file: InputFile, end: number): Promise<ZipFile> {
    const options = { autoClose: false, decodeStrings: false, validateEntrySizes: false };
    return fromRandomAccessReaderPromise(new FileReader(file), end, options);
}

const endBytes = 22;
const endMark = "PK\x05\x06";
const mostPadding = 128 * 1024;

/** Where an archive ends that has nothing but zeros behind its end, as tapes and some stores leave them; null for any other. */
async function findPaddedEnd(file: InputFile): Promise<number | null> {
    const from = Math.max(0, file.sizeBytes - mostPadding);
    const tail = await file.read(from, file.sizeBytes - from);
    const at = tail.lastIndexOf(endMark, tail.length, "latin1");
    if (at === -1 || at + endBytes > tail.length) return null;
    const end = at + endBytes + tail.readUInt16LE(at + endBytes - 2);
    return tail.subarray(end).every((byte) => byte === 0) ? from + end : null;
}

const blockBytes = 64 * 1024;

/** The directory is read in pieces of some dozens of bytes: a block of them at a time. */
class FileReader extends RandomAccessReader {
    private block: Buffer = Buffer.alloc(0);
    private blockAt = 0;

    constructor(private readonly file: InputFile) {
        super();
    }

    override read(
        buffer: Buffer,
        offset: number,
        length: number,
        position: number,
        callback: (error: Error | null, bytesRead?: number) => void,
    ): void {
        // What the library throws of odd bytes comes back to it, too.
        this.copy(buffer, offset, length, position)
            .then((bytesRead) => callback(null, bytesRead))
            .catch((error) => callback(error));
    }

    private async copy(buffer: Buffer, offset: number, length: number, position: number): Promise<number> {
        const end = Math.min(position + length, this.file.sizeBytes);
        if (position < 0 || position >= end) return 0;
        if (position < this.blockAt || end > this.blockAt + this.block.length) {
            const wanted = Math.max(end - position, Math.min(blockBytes, this.file.sizeBytes - position));
            this.block = await this.file.read(position, wanted);
            this.blockAt = position;
        }
        return this.block.copy(buffer, offset, position - this.blockAt, end - this.blockAt);
    }
}

/** What the ledger's types take, whatever the archive says: a size that so few bytes can have. */
function withinReason(member: ZipMember, archiveBytes: number): ZipMember {
    const { sizeBytes, compressedBytes } = member;
    if (compressedBytes <= archiveBytes && sizeBytes <= archiveBytes * mostExpansion) return member;
    const fault = failure("archive_corrupt", "The archive gives it a size that it cannot have.");
    return { ...member, sizeBytes: archiveBytes, compressedBytes: 0, fault };
}

/** As its path has it: what an index of the ledger takes. */
function shownName(name: string): string {
    if (Buffer.byteLength(name) <= mostNameBytes) return readableText(Buffer.from(name));
    const ending = /(?:\.\w{1,8}){1,2}$/.exec(name)?.[0] ?? "";
    return `${readableText(Buffer.from(name.slice(0, 100)))}…${Bun.hash(name).toString(36)}${ending}`;
}

const mostNameBytes = 1_000;
/** Deflate makes no more of a byte: https://www.zlib.net/zlib_tech.html */
const mostExpansion = 1_032;

function describeMember(entry: Entry): ZipMember {
    const { fileNameRaw, generalPurposeBitFlag, extraFields, compressionMethod } = entry;
    const isNamed = isUtf8(fileNameRaw) || (generalPurposeBitFlag & utf8Mark) === 0;
    const name = isNamed ? decodeName(fileNameRaw, extraFields) : readableText(fileNameRaw);
    return {
        name: shownName(name),
        sizeBytes: entry.uncompressedSize,
        compressedBytes: entry.compressedSize,
        crc32: entry.crc32,
        isDeflated: compressionMethod === deflated,
        fault:
            (isNamed ? faultOfName(name) : badName("is not UTF-8, although the archive says so")) ??
            faultOf(entry, name),
        headerAt: entry.relativeOffsetOfLocalHeader,
    };
}

const utf8Mark = 0x800;
const stored = 0;
const deflated = 8;
const methods: Record<number, string> = { 9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "zstd", 95: "xz", 98: "PPMd" };

/** UTF-8 where the bytes are that: many programs leave out the mark that says so. Else code page 437, as the format has it. */
function decodeName(bytes: Buffer, extraFields: Entry["extraFields"]): string {
    return getFileNameLowLevel(isUtf8(bytes) ? utf8Mark : 0, bytes, extraFields, false);
}

/** Its bytes are never written anywhere, but a path of the ledger leads to one place. */
function faultOfName(name: string): FileFailure | null {
    if (Buffer.byteLength(name) > mostNameBytes) return badName(`has more than ${mostNameBytes} bytes`);
    if (/[\x00-\x1f\x7f]/.test(name)) return badName("has control characters");
    if (name.split("/").some((part) => part === "." || (part === "" && !name.endsWith("/"))))
        return badName("has empty parts");
    return validateFileName(name) === null ? null : badName("leads out of the archive");
}

const badName = (why: string) => failure("file_name_invalid", `Its name in the archive ${why}.`);
const twice = (name: string) => failure("file_name_invalid", `The archive has several members named ${name}.`);

function faultOf(entry: Entry, name: string): FileFailure | null {
    if (isArchive(name)) return failure("not_csv", "It is an archive in an archive: deliver what it holds in one.");
    if (entry.isEncrypted()) return failure("archive_corrupt", "It is encrypted: deliver it without a password.");
    const { compressionMethod, compressedSize, uncompressedSize } = entry;
    if (compressionMethod === stored && compressedSize !== uncompressedSize) {
        return failure("archive_corrupt", "The archive gives two sizes for it.");
    }
    if (compressionMethod === stored || compressionMethod === deflated) return null;
    const method = methods[compressionMethod] ?? `method ${compressionMethod}`;
    return failure(
        "archive_corrupt",
        `It is compressed by ${method}: Sluice expands members that are deflated or stored.`,
    );
}

function failure(problem: FileFailure["problem"], detail: string): FileFailure {
    return { problem, detail, retryAfterMs: null };
}

const tooMany = () =>
    new InputFault(
        failure("archive_too_large", `The archive has more than ${mostMembers} members: deliver several archives.`),
    );

/** What it is that has no directory at its end. */
async function endFault(file: InputFile, cause: unknown): Promise<InputFault> {
    if (/comment length/i.test((cause as Error).message)) {
        return new InputFault(failure("archive_corrupt", "There are other bytes behind the archive's end."), cause);
    }
    const start = await file.read(0, Math.min(4, file.sizeBytes));
    const isZip = file.sizeBytes === 0 || start.toString("latin1").startsWith("PK");
    return isZip
        ? new InputFault(
              failure("archive_truncated", "The archive is incomplete: the list of its members is missing."),
              cause,
          )
        : new InputFault(failure("archive_corrupt", "It is no zip archive, although its name says so."), cause);
}

function directoryFault(error: unknown): unknown {
    if (error instanceof InputFault || error instanceof BucketFault) return error;
    const { message } = error as Error;
    const isCut = /unexpected EOF|overflows file bounds/.test(message);
    const detail = isCut ? "The archive is incomplete." : `The archive is damaged (${message}).`;
    return new InputFault(failure(isCut ? "archive_truncated" : "archive_corrupt", detail), error);
}
