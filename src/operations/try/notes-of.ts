/** How an ingest would differ from a dry run, in sentences. Pure but for the time. */

import type { IngestConfig } from "../../config/config.ts";
import { seenAgeMs } from "../../engine/discover/file-age.ts";
import type { Inbox } from "../../engine/discover/inbox.ts";
import type { ReadOutcome } from "../../engine/read/read-records.ts";
import type { LoadPart } from "../../engine/stage/stage-parts.ts";
import { isReadyName } from "../../streams/input-names.ts";
import { hasSources, unmatchedNote } from "../../streams/source-of.ts";
import { formatDuration } from "../../terminal/format.ts";

type NotesConfig = Pick<IngestConfig, "sources" | "tailSettleMs">;

/** A dry run takes unfinished tails and files that may still be written. */
export function notesOf(
    { config, inbox }: { config: NotesConfig; inbox: Inbox },
    part: LoadPart,
    outcome: ReadOutcome,
): string[] {
    const notes = part.shape.source === null && hasSources(config.sources) ? [unmatchedNote] : [];
    if (!isReadyName(part.path, config.sources)) {
        notes.push(
            "An ingest does not read a file with this name. Names end in .csv, or as the match of a source says.",
        );
    }
    // An object appears whole.
    if (inbox.place !== null) return notes;
    const age = seenAgeMs(inbox.name, part.path, part.file.seen);
    if (age !== null && age >= config.tailSettleMs) return notes;
    const why = `It changed less than ${formatDuration(config.tailSettleMs)} ago`;
    if (part.file.isCompressed) {
        notes.push(`${why}: an ingest reads a compressed file once it has been unchanged for --tail-settle.`);
    } else if (outcome.tail !== null) {
        notes.push(
            `${why}, and its last record is unfinished: an ingest reads it once the file has been unchanged for --tail-settle.`,
        );
    }
    return notes;
}
