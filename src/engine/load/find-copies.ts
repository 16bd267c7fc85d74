/**
 * Whether a new file repeats, byte for byte, one that was merged: then it is skipped and says so. One that is loaded
 * but not merged yet holds its copies back until it is, so that what is skipped does not depend on timing.
 */
import type { SourceConfig } from "../../streams/source-config.ts";
import { sourceKey } from "../../streams/source-of.ts";
import {
    type Copy,
    chunksOfFile,
    filesWithContent,
    type KnownContent,
    type LedgerFile,
    manyChunkFilesOfSize,
    skipCopies,
    standingRejects,
} from "../ledger/ledger.ts";
import { hashRange, type InputFile } from "../read/open-input.ts";
import type { IngestContext } from "../run/context.ts";
import type { LoadPart } from "./load-chunks.ts";

interface Candidate {
    ledgerFile: LedgerFile;
    part: LoadPart;
}

export interface SortedCandidates<Member extends Candidate> {
    toLoad: Member[];
    copies: { ledgerFile: LedgerFile; copy: Copy }[];
    held: Member[];
}

/** Sorts the members of a group. Only whole new files can be copies; of two in the group the second is held. */
export async function findCopies<Member extends Candidate>(
    context: IngestContext,
    members: Member[],
): Promise<SortedCandidates<Member>> {
    const hashes = members.flatMap(({ part }) => part.contentHash ?? []);
    const known = new Map<string, KnownContent>();
    for (const content of hashes.length > 0 ? await filesWithContent(context.sql, context.stream.id, hashes) : []) {
        const reading = readingOf(content.contentHash, content.source);
        if (known.get(reading)?.state !== "merged") known.set(reading, content);
    }
    const sorted: SortedCandidates<Member> = { toLoad: [], copies: [], held: [] };
    const inGroup = new Set<string>();
    for (const member of members) {
        const { ledgerFile, part } = member;
        const { contentHash } = part;
        const reading = readingOf(contentHash ?? "", part.shape.source);
        const original = contentHash === null ? undefined : known.get(reading);
        const isUnfinished = !part.takeTail && (await endsUnfinished(part));
        if (contentHash === null || isUnfinished) {
            sorted.toLoad.push(member);
        } else if (original && original.fileId !== ledgerFile.fileId) {
            if (original.state === "loaded") sorted.held.push(member);
            else sorted.copies.push({ ledgerFile, copy: copyOf(ledgerFile, part.file, original) });
        } else if (inGroup.has(reading)) {
            sorted.held.push(member);
        } else {
            inGroup.add(reading);
            sorted.toLoad.push(member);
        }
    }
    return sorted;
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

/** The same for a file larger than a chunk: it is hashed by the chunks of the merged files of its size. */
export async function findCopy(
    context: IngestContext,
    ledgerFile: LedgerFile,
    { file, shape, stopAt }: LoadPart,
): Promise<Copy | "held" | null> {
    const isOther = ({ fileId, source }: KnownContent) =>
        fileId !== ledgerFile.fileId && sourceKey(source) === sourceKey(shape.source);
    const judge = (original: KnownContent) =>
        original.state === "loaded" ? "held" : copyOf(ledgerFile, file, original);
    for (const original of await manyChunkFilesOfSize(context.sql, context.stream.id, file.seen.sizeBytes)) {
        if (isOther(original) && (await hasSameChunks(context, original, file))) return judge(original);
    }
    // A chunk ends behind the record that crosses its bound: one of which that is the last was a chunk all the same.
    if (file.sizeBytes > stopAt + context.config.maxRecordBytes) return null;
    const same = await filesWithContent(context.sql, context.stream.id, [await hashRange(file, 0, file.sizeBytes)]);
    const original = same.find(isOther);
    return original === undefined ? null : judge(original);
}

async function hasSameChunks(context: IngestContext, original: KnownContent, file: InputFile): Promise<boolean> {
    const chunks = await chunksOfFile(context.sql, original.fileId);
    if ((chunks.at(-1)?.endByte ?? 0) !== file.sizeBytes) return false;
    for (const chunk of chunks) {
        if ((await hashRange(file, chunk.firstByte, chunk.endByte)) !== chunk.contentHash) return false;
    }
    return chunks.length > 0;
}

function copyOf(ledgerFile: LedgerFile, file: InputFile, original: KnownContent): Copy {
    const detail = `Its content is that of ${original.path}, which is merged.`;
    return { ...file.seen, fileId: ledgerFile.fileId, copyOf: original.fileId, detail };
}

/** Delivering a file again does not judge its rejects again: whoever does so is told what does. */
function describeStanding({ path, rejects }: { path: string; rejects: number }): string {
    const stand = rejects === 1 ? "1 of its records stands rejected" : `${rejects} of its records stand rejected`;
    return `${stand}: \`bun run replay --file ${path}\` judges ${rejects === 1 ? "it" : "them"} again.`;
}

export async function reportCopies(
    context: IngestContext,
    copies: { ledgerFile: LedgerFile; copy: Copy }[],
): Promise<void> {
    const standing = await standingRejects(
        context.sql,
        copies.map(({ copy }) => copy.copyOf),
    );
    for (const { copy } of copies) {
        const original = standing.get(copy.copyOf);
        if (original) copy.detail += ` ${describeStanding(original)}`;
    }
    await skipCopies(
        context.sql,
        copies.map(({ copy }) => copy),
    );
    for (const { ledgerFile, copy } of copies) {
        const facts = { event: "file_skipped", file: ledgerFile.path, code: "copy" };
        context.log.info(`${ledgerFile.path} is skipped: ${copy.detail}`, facts);
    }
}
