/**
 * Whether a new file repeats, byte for byte, one that was merged: then it is skipped and says so. While its original is
 * loaded and not merged yet the copy waits, so that what is skipped does not depend on timing.
 */
import { commandHere } from "../../environment.ts";
import type { SourceConfig } from "../../streams/source-config.ts";
import { sourceKey } from "../../streams/source-of.ts";
import type { IngestContext } from "../context.ts";
import { chunksOfFile } from "../ledger/chunks.ts";
import {
    appendedContents,
    filesWithContent,
    type KnownContent,
    manyChunkFilesOfSize,
    skipCopies,
    standingRejects,
} from "../ledger/copies.ts";
import { type LedgerFile, printOf } from "../ledger/files.ts";
import { asLoader } from "../ledger/lease.ts";
import { hashRange, type InputFile } from "../read/open-input.ts";
import type { LoadPart } from "../stage/stage-parts.ts";
import { isUntouched } from "./prepare-file.ts";

export interface Candidate {
    ledgerFile: LedgerFile;
    part: LoadPart;
}

export interface SortedCandidates {
    toLoad: Candidate[];
    copies: (Candidate & { original: KnownContent })[];
    waiting: Candidate[];
    /** They equal a file that was appended, so far: when they are still, they are copies. */
    unsettled: Candidate[];
}

type CopyContext = Pick<IngestContext, "stream" | "sql"> & { config: { maxRecordBytes: number } };

/** Sorts the members of a group, or one large file. Only whole new files can be copies; of two in the group the second waits. */
export async function findCopies(context: CopyContext, members: Candidate[]): Promise<SortedCandidates> {
    // A snapshot repeats nothing but the one that was applied last, which is known when it is chosen (sql/engine/snapshot.sql).
    const { mode } = context.stream;
    if (mode.name === "snapshot" || (mode.name === "append" && mode.copies === "again")) {
        return { toLoad: members, copies: [], waiting: [], unsettled: [] };
    }
    const isAppend = mode.name === "append";
    const known = await (isAppend ? originalsOfAppended(context, members) : originalsOf(context, members));
    const sorted: SortedCandidates = { toLoad: [], copies: [], waiting: [], unsettled: [] };
    const inGroup = new Set<string>();
    for (const member of members) {
        const { ledgerFile, part } = member;
        const { contentHash } = part;
        const isWhole = contentHash !== null && (part.takeTail || !(await endsUnfinished(part)));
        const reading = isWhole ? readingOf(contentHash, part.shape.source) : null;
        if (isAppend && isUntouched(ledgerFile) && mayEqualGrown(member, members)) {
            sorted.waiting.push(member);
            continue;
        }
        const isSettled = isWhole || contentHash === null;
        const original = isUntouched(ledgerFile) && (isSettled || isAppend) ? await known(member) : undefined;
        if (original && !isSettled) {
            sorted.unsettled.push(member);
        } else if (original) {
            if (original.state === "loaded") sorted.waiting.push(member);
            else sorted.copies.push({ ...member, original });
        } else if (reading && inGroup.has(reading) && !isOrdered(context)) {
            sorted.waiting.push(member);
        } else {
            if (reading) inGroup.add(reading);
            sorted.toLoad.push(member);
        }
    }
    return sorted;
}

/**
 * Where the later record is the newer, a content that comes again is news: only a file that was moved is a copy. Of an object nothing
 * tells that: another with its content has its ETag, too.
 */
const isOrdered = ({ stream: { mode } }: CopyContext) => mode.name === "upsert" && mode.version === null;

const repeats =
    (context: CopyContext, { ledgerFile, part }: Candidate) =>
    (known: KnownContent) =>
        known.fileId !== ledgerFile.fileId &&
        (!isOrdered(context) || (known.versionTag === null && printOf(known) === printOf(part.file.seen)));

const mergedFirst = (contents: KnownContent[]) => contents.find(({ state }) => state === "merged") ?? contents[0];

/** Whether another of the group goes on to the same size: when that is loaded, it can be compared. */
function mayEqualGrown({ part }: Candidate, members: Candidate[]): boolean {
    return members.some(
        (other) => !isUntouched(other.ledgerFile) && other.part.file.seen.sizeBytes === part.file.seen.sizeBytes,
    );
}

type FindOriginal = (member: Candidate) => Promise<KnownContent | undefined> | KnownContent | undefined;

async function originalsOf(context: CopyContext, members: Candidate[]): Promise<FindOriginal> {
    const known = await knownContents(context, members);
    return (member) => {
        const { contentHash, shape } = member.part;
        const mayRepeat = repeats(context, member);
        return contentHash === null
            ? findLargeOriginal(context, member, mayRepeat)
            : mergedFirst(known.get(readingOf(contentHash, shape.source))?.filter(mayRepeat) ?? []);
    };
}

/**
 * Of a stream that appends, an original may have grown since it was read, been refused or been replaced: its records are rows. A path has
 * no copy in its own past: there a content that comes again is a new one.
 */
async function originalsOfAppended(context: CopyContext, members: Candidate[]): Promise<FindOriginal> {
    const hashes = (await Promise.all(members.map((member) => wholeHash(context, member)))).filter(
        (hash) => hash !== null,
    );
    const sizes = members.map(({ part }) => part.file.seen.sizeBytes);
    const contents = await appendedContents(context.sql, context.stream.id, hashes, sizes);
    return async ({ ledgerFile: { path }, part: { file, shape, contentHash } }) => {
        for (const content of contents) {
            if (content.path === path || sourceKey(content.source) !== sourceKey(shape.source)) continue;
            const isSame =
                content.contentHash === ""
                    ? await hasSameChunks(context, content, file)
                    : content.contentHash === (contentHash ?? (await hashRange(file, 0, file.sizeBytes)));
            if (isSame) return content;
        }
        return undefined;
    };
}

/** Of what may have been read as one chunk: a chunk may overrun its limit by one record. */
async function wholeHash({ config }: CopyContext, { ledgerFile, part }: Candidate): Promise<string | null> {
    const { file, stopAt, contentHash } = part;
    if (contentHash !== null || !isUntouched(ledgerFile)) return contentHash;
    return file.sizeBytes > stopAt + config.maxRecordBytes ? null : await hashRange(file, 0, file.sizeBytes);
}

/** By reading. */
async function knownContents({ sql, stream }: CopyContext, members: Candidate[]): Promise<Map<string, KnownContent[]>> {
    const hashes = members.flatMap(({ part }) => part.contentHash ?? []);
    const known = hashes.length > 0 ? await filesWithContent(sql, stream.id, hashes) : [];
    return Map.groupBy(known, ({ contentHash, source }) => readingOf(contentHash, source));
}

/** The last byte is no line end: more may come, so the whole is not known yet. */
async function endsUnfinished({ file, shape }: LoadPart): Promise<boolean> {
    const { sizeBytes } = file;
    const lastByte = sizeBytes === 0 ? undefined : (await file.read(sizeBytes - 1, 1))[0];
    return lastByte !== 0x0a && !(lastByte === 0x0d && shape.dialect.lineEnd === "any");
}

/** The same bytes under other rules are other records. */
function readingOf(contentHash: string, source: SourceConfig | null): string {
    return `${contentHash} ${sourceKey(source)}`;
}

/** A file larger than a chunk is compared with the merged files of its size, chunk by chunk. */
async function findLargeOriginal(
    context: CopyContext,
    { part: { file, shape, stopAt } }: Candidate,
    mayRepeat: (known: KnownContent) => boolean,
): Promise<KnownContent | undefined> {
    const { sql, stream, config } = context;
    const isOther = (known: KnownContent) => mayRepeat(known) && sourceKey(known.source) === sourceKey(shape.source);
    for (const original of await manyChunkFilesOfSize(sql, stream.id, file.seen.sizeBytes)) {
        if (isOther(original) && (await hasSameChunks(context, original, file))) return original;
    }
    // A chunk may overrun its limit by one record, so a slightly larger file can still be a single chunk.
    if (file.sizeBytes > stopAt + config.maxRecordBytes) return undefined;
    const same = await filesWithContent(sql, stream.id, [await hashRange(file, 0, file.sizeBytes)]);
    return same.find(isOther);
}

async function hasSameChunks({ sql }: CopyContext, original: KnownContent, file: InputFile): Promise<boolean> {
    const chunks = await chunksOfFile(sql, original.fileId);
    if ((chunks.at(-1)?.endByte ?? 0) !== file.sizeBytes) return false;
    for (const chunk of chunks) {
        if ((await hashRange(file, chunk.firstByte, chunk.endByte)) !== chunk.contentHash) return false;
    }
    return chunks.length > 0;
}

/** A file that is delivered again does not replay its rejects: the message names the command that does. */
function describeStanding({ path, rejects }: { path: string; rejects: number }): string {
    const stand = rejects === 1 ? "1 of its records is rejected" : `${rejects} of its records are rejected`;
    return `${stand}: \`${commandHere("replay")} --file ${path}\` validates ${rejects === 1 ? "it" : "them"} again.`;
}

export async function reportCopies(loader: IngestContext, copies: SortedCandidates["copies"]): Promise<void> {
    const { sql, log } = loader;
    const originals = copies.map(({ original }) => original.fileId);
    const standing = await standingRejects(sql, originals);
    const described = copies.map(({ ledgerFile, part, original }) => {
        const rejects = standing.get(original.fileId);
        const copied = `Its content equals that of ${original.path}, which is merged.`;
        const detail = rejects ? `${copied} ${describeStanding(rejects)}` : copied;
        return { ...part.file.seen, fileId: ledgerFile.fileId, copyOf: original.fileId, detail };
    });
    await asLoader(loader, (sql) => skipCopies(sql, described));
    for (const [index, { ledgerFile }] of copies.entries()) {
        const facts = { event: "file_skipped", file: ledgerFile.path, code: "copy" };
        log.info(`${ledgerFile.path} is skipped: ${described[index]!.detail}`, facts);
    }
}
