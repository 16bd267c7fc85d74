/** What an ingest would do otherwise than a dry run, in sentences. Pure but for the time. */
import { hasSources, unmatchedNote } from "../config-file/source-of.ts";
import type { IngestContext } from "../ingest/context.ts";
import { seenAgeMs } from "../ingest/file-age.ts";
import { isReadyName } from "../ingest/input-names.ts";
import type { LoadPart } from "../ingest/load-chunks.ts";
import type { ReadOutcome } from "../ingest/read-records.ts";
import { formatDuration } from "../terminal/format.ts";

/** A dry run takes unfinished tails and files that may still be written. */
export function notesOf({ config }: IngestContext, part: LoadPart, outcome: ReadOutcome): string[] {
    const notes = part.shape.source === null && hasSources(config.sources) ? [unmatchedNote] : [];
    if (!isReadyName(part.path, config.sources)) {
        notes.push("An ingest does not read a file of this name: it ends in .csv, or as the match of a source says.");
    }
    const age = seenAgeMs(config.inputDir, part.path, part.file.seen);
    if (age !== null && age >= config.tailSettleMs) return notes;
    const why = `It changed less than ${formatDuration(config.tailSettleMs)} ago`;
    if (part.file.isCompressed) {
        notes.push(`${why}: an ingest takes a compressed file once it has been still (--tail-settle).`);
    } else if (outcome.tail !== null) {
        notes.push(
            `${why}, and its last record is unfinished: an ingest takes it once it has been still (--tail-settle).`,
        );
    }
    return notes;
}
